import copy

import numpy as np
import pytest
import torch
from torch import nn

from nas.models.parameters import parameter_groups
from nas.results.measurement import TrialError
from nas.specs import LossSpec, OptimizerSpec, ScheduleSpec
from nas.training.loop.batches import BankBatches
from nas.training.loop.graphed import StaticSteps
from nas.training.loop.loop import Loop
from nas.training.loop.optimizer import build_optimizer, set_rate
from nas.training.prepare import prepare
from nas.training.trial import build_loop, build_trial_network
from search_spaces.dense_cell.architecture import PUBLISHED_CELL

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def prepared(fidelity, workspace):
    return prepare(fidelity, workspace, device=CPU)


ALL_OPTIONS = {
    "optimizer": OptimizerSpec(name="adamw", learning_rate=5e-3, weight_decay=0.01, clip_norm=0.5),
    "schedule": ScheduleSpec(decay="cosine", warmup=2),
    "loss": LossSpec(name="focal", dice=1.0),
    "ema": 0.9,
}


@pytest.fixture(scope="module", params=[*ALL_OPTIONS, "all"])
def with_options(request, fidelity, workspace):
    """Prepared for a fidelity with one of the options of training, or with all of them."""
    update = ALL_OPTIONS if request.param == "all" else {request.param: ALL_OPTIONS[request.param]}
    return prepare(fidelity.model_copy(update=update), workspace, device=CPU)


def new_loop(prepared, seed=0) -> Loop:
    return build_loop(build_trial_network(PUBLISHED_CELL, prepared, seed), prepared, seed, CPU)


def weights(loop):
    return {name: value.clone() for name, value in loop.model.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_stopping_in_between_changes_nothing(prepared):
    whole, pieces = new_loop(prepared), new_loop(prepared)
    whole.train(20)
    for until in (3, 4, 11, 20):
        pieces.train(until)
        torch.rand(7)  # somebody else draws from the process's generator
    assert same(weights(whole), weights(pieces))
    assert whole.pop_train_loss() == pieces.pop_train_loss()


def test_the_processs_generator_is_left_alone(prepared):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    loop = new_loop(prepared)
    loop.train(2)
    assert torch.equal(torch.get_rng_state(), before)


def test_state_moves_to_a_new_loop(prepared, tmp_path):
    one = new_loop(prepared)
    one.train(7)
    torch.save(one.state(), tmp_path / "state.pt")
    one.train(20)
    other = new_loop(prepared)
    other.load(torch.load(tmp_path / "state.pt", weights_only=True))
    assert other.step == 7
    other.train(20)
    assert same(weights(one), weights(other))


def test_state_with_the_options_of_training_moves_to_a_new_loop(with_options, tmp_path):
    one = new_loop(with_options)
    one.train(7)
    torch.save(one.state(), tmp_path / "state.pt")
    one.train(20)
    other = new_loop(with_options)
    other.load(torch.load(tmp_path / "state.pt", weights_only=True))
    other.train(20)
    assert same(weights(one), weights(other))
    assert one.validate(19) == other.validate(19)
    one.adopt_average()
    other.adopt_average()
    assert same(weights(one), weights(other))


def test_every_option_of_training_changes_what_is_trained(prepared, with_options):
    plain, other = new_loop(prepared), new_loop(with_options)
    plain.train(12)
    other.train(12)
    other.adopt_average()
    assert not same(weights(plain), weights(other))


def test_the_average_is_scored_and_given_to_the_model(fidelity, workspace):
    """The average of every step's weights, computed here from a training that keeps none."""
    prepared = prepare(fidelity.model_copy(update={"ema": 0.7}), workspace, device=CPU)
    loop, plain = new_loop(prepared), new_loop(prepare(fidelity, workspace, device=CPU))
    expected = {name: value.double() for name, value in weights(plain).items()}
    for step in range(1, 21):
        plain.train(step)
        decay = min(0.7, step / (step + 9))
        for name, value in weights(plain).items():
            expected[name] = decay * expected[name] + (1 - decay) * value.double()
    loop.train(20)
    assert same(weights(loop), weights(plain))
    validation = loop.validate(19)
    loop.adopt_average()
    for name, value in weights(loop).items():
        if value.is_floating_point():
            assert torch.allclose(value.double(), expected[name], atol=1e-5), name
    plain.model.load_state_dict(loop.model.state_dict())
    assert validation == plain.validate(19)


@pytest.mark.parametrize("decay", ["poly", "cosine"])
def test_every_step_has_the_rate_of_the_schedule(fidelity, workspace, decay):
    """Rungs at 8 and 20: two steps of warm-up, then a decay over the 6, or 10, that are left."""
    schedule = ScheduleSpec(warmup=2, power=0.5) if decay == "poly" else ScheduleSpec(warmup=2, decay="cosine")
    loop = new_loop(prepare(fidelity.model_copy(update={"schedule": schedule}), workspace, device=CPU))
    rates = []
    for step in range(1, 21):
        loop.train(step)
        rates.append(loop.optimizer.param_groups[0]["lr"] / 5e-3)

    def falling(steps: int) -> list[float]:
        left = [step / steps for step in range(steps)]
        return [(1 - t) ** 0.5 if decay == "poly" else (1 + np.cos(np.pi * t)) / 2 for t in left]

    assert rates == pytest.approx([0.5, 1.0, *falling(6), 0.5, 1.0, *falling(10)])


def test_dropout_and_the_order_of_the_data_follow_from_the_seed(prepared):
    """Each on its own: the loops have the same initial weights."""
    network = build_trial_network(PUBLISHED_CELL, prepared, 0)
    loops = [build_loop(copy.deepcopy(network), prepared, seed, CPU) for seed in (0, 0, 1)]
    first, same_seed, other = (next(iter(loop.batches.training(0, 1))) for loop in loops)
    assert torch.equal(first[1], same_seed[1])
    assert not torch.equal(first[1], other[1])
    for loop in loops[1:]:
        loop.batches = loops[0].batches
    for loop in loops:
        loop.train(1)
    losses = [loop.pop_train_loss() for loop in loops]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2], "other units were dropped"


def test_a_network_on_images_has_its_order_and_crops_from_the_seed(fidelity, workspace):
    backbone = fidelity.backbone.model_copy(update={"frozen": False})
    prepared = prepare(fidelity.model_copy(update={"backbone": backbone}), workspace, device=CPU)
    network = build_trial_network(PUBLISHED_CELL, prepared, 0)
    first, again, other = (
        next(iter(build_loop(copy.deepcopy(network), prepared, seed, CPU).batches.training(0, 1))) for seed in (0, 0, 1)
    )
    assert torch.equal(first[0][0], again[0][0])
    assert not torch.equal(first[0][0], other[0][0])


def test_gradients_are_clipped_to_the_norm(fidelity, workspace):
    """One step of SGD without momentum moves the weights by rate * gradient, so by rate * norm at most."""
    optimizer = OptimizerSpec(learning_rate=0.1, momentum=0, weight_decay=0, clip_norm=0.01)
    moved = []
    for spec in (optimizer, optimizer.model_copy(update={"clip_norm": None})):
        update = {"optimizer": spec, "schedule": ScheduleSpec(warmup=0)}
        loop = new_loop(prepare(fidelity.model_copy(update=update), workspace, device=CPU))
        before = nn.utils.parameters_to_vector(loop.model.parameters()).detach().clone()
        loop.train(1)
        after = nn.utils.parameters_to_vector(loop.model.parameters()).detach()
        moved.append(float((after - before).norm()))
    assert moved[0] == pytest.approx(0.1 * 0.01, rel=1e-3)
    assert moved[1] > 10 * moved[0]


def test_initial_weights_come_from_the_seed_alone(prepared):
    torch.manual_seed(3)
    one = build_trial_network(PUBLISHED_CELL, prepared, 5)
    torch.manual_seed(4)
    other = build_trial_network(PUBLISHED_CELL, prepared, 5)
    another = build_trial_network(PUBLISHED_CELL, prepared, 6)
    assert same(one.state_dict(), other.state_dict())
    assert not torch.equal(one.get_parameter("classifier.weight"), another.get_parameter("classifier.weight"))


@pytest.mark.parametrize(
    "optimizer",
    [OptimizerSpec(), OptimizerSpec(name="adam", learning_rate=4e-3), ALL_OPTIONS["optimizer"]],
)
def test_steps_over_static_buffers_are_the_plain_steps(fidelity, workspace, optimizer):
    """What a CUDA graph replays, run here step by step on the CPU."""
    options = {**ALL_OPTIONS, "optimizer": optimizer} if optimizer.name == "adamw" else {"optimizer": optimizer}
    prepared = prepare(fidelity.model_copy(update=options), workspace, device=CPU)
    plain, static = new_loop(prepared), new_loop(prepared)
    plain.train(20)
    assert isinstance(static.batches, BankBatches)
    static._graph = StaticSteps(static.batches, 100, static.optimizer, static._one_step)
    static.train(12)
    static.train(20)
    for name, value in weights(plain).items():
        assert torch.allclose(value.float(), weights(static)[name].float(), atol=1e-4), name


def test_a_loss_that_is_not_finite_ends_the_trial(fidelity, workspace):
    optimizer = OptimizerSpec(name="sgd", learning_rate=10, momentum=0.99)
    wild = fidelity.model_copy(update={"optimizer": optimizer, "rungs": (300,)})
    prepared = prepare(wild, workspace, device=CPU)
    loop = new_loop(prepared)
    with torch.no_grad():
        loop.model.get_parameter("classifier.weight").fill_(float("inf"))
    with pytest.raises(TrialError, match="training loss is not finite after 100 steps"):
        loop.train(300)
    with pytest.raises(TrialError, match="validation loss is not finite"):
        loop.validate(19)


def test_validation_is_the_mean_over_labelled_pixels(prepared):
    loop = new_loop(prepared)
    loop.train(5)
    validation = loop.validate(prepared.dataset.num_classes)
    losses, hits, count = 0.0, 0, 0
    loop.model.eval()
    bank = prepared.bank
    for features, labels in zip(bank.val_features[0], bank.val_labels, strict=True):
        logits = loop.model(torch.from_numpy(features)[None].permute(0, 3, 1, 2))[0].detach().numpy()
        for y, x in np.ndindex(labels.shape):
            if labels[y, x] != 255:
                row = logits[:, y, x].astype(np.float64)
                losses += np.log(np.exp(row).sum()) - row[labels[y, x]]
                hits += row.argmax() == labels[y, x]
                count += 1
    assert validation.loss == pytest.approx(losses / count, rel=1e-5)
    assert 0 <= validation.scores.miou <= 1
    assert hits > 0


def test_the_bank_is_read_in_whole_shuffles(prepared):
    batches = BankBatches(prepared.bank, 4, 0, CPU)
    rows = batches.rows(0, 5)  # 20 draws from 10 rows
    assert sorted(rows.reshape(-1).tolist()) == sorted([*range(10)] * 2)
    (features,), labels = next(iter(batches.training(3, 4)))
    expected = prepared.bank.train_features[0][rows[3].numpy()]
    assert np.array_equal(features.permute(0, 2, 3, 1).numpy(), expected)
    assert features.is_contiguous(memory_format=torch.channels_last)
    assert np.array_equal(labels.numpy(), prepared.bank.train_labels[rows[3].numpy()])


@pytest.mark.parametrize("spec", [OptimizerSpec(name=name, weight_decay=0.1) for name in ("sgd", "adam", "adamw")])
def test_the_optimizer_has_every_parameter_once_and_a_rate_to_set(spec):
    module = nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
    optimizer = build_optimizer(module, spec, CPU)
    given = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert {id(p) for p in given} == {id(p) for p in module.parameters()}
    assert len(given) == len(list(module.parameters()))
    assert [group["weight_decay"] for group in optimizer.param_groups] == [
        group["weight_decay"] for group in parameter_groups(module, 0.1)
    ]
    set_rate(optimizer, 0.25)
    assert {group["lr"] for group in optimizer.param_groups} == {0.25}


def test_adamw_is_torchs_with_decoupled_decay():
    """By hand in float64: the weight shrinks by rate * decay of itself, whatever the gradient."""
    module = nn.Conv2d(1, 1, 1, bias=False).double()
    nn.init.constant_(module.weight, 2.0)
    optimizer = build_optimizer(module, OptimizerSpec(name="adamw", weight_decay=0.1), CPU)
    set_rate(optimizer, 0.5)
    module.weight.grad = torch.full_like(module.weight, 3.0)
    optimizer.step()
    assert module.weight.item() == pytest.approx(2.0 * (1 - 0.5 * 0.1) - 0.5 * 1.0)  # Adam's first step is the rate

    module.weight.grad = torch.full_like(module.weight, -1.0)
    optimizer.step()
    reference = nn.Parameter(torch.full((1,), 2.0, dtype=torch.float64))
    torchs = torch.optim.AdamW([reference], 0.5, betas=(0.9, 0.999), weight_decay=0.1)
    for gradient in (3.0, -1.0):
        reference.grad = torch.full_like(reference, gradient)
        torchs.step()
    assert module.weight.item() == pytest.approx(reference.item(), rel=1e-12)
