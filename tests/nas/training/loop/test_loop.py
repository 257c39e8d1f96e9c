import numpy as np
import pytest
import torch
from torch import nn

from nas.models.parameters import parameter_groups
from nas.results.measurement import TrialError
from nas.specs import OptimizerSpec
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


def test_initial_weights_come_from_the_seed_alone(prepared):
    torch.manual_seed(3)
    one = build_trial_network(PUBLISHED_CELL, prepared, 5)
    torch.manual_seed(4)
    other = build_trial_network(PUBLISHED_CELL, prepared, 5)
    another = build_trial_network(PUBLISHED_CELL, prepared, 6)
    assert same(one.state_dict(), other.state_dict())
    assert not torch.equal(one.get_parameter("classifier.weight"), another.get_parameter("classifier.weight"))


@pytest.mark.parametrize("optimizer", [OptimizerSpec(), OptimizerSpec(name="adam", learning_rate=4e-3)])
def test_steps_over_static_buffers_are_the_plain_steps(fidelity, workspace, optimizer):
    """What a CUDA graph replays, run here step by step on the CPU."""
    prepared = prepare(fidelity.model_copy(update={"optimizer": optimizer}), workspace, device=CPU)
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


@pytest.mark.parametrize("spec", [OptimizerSpec(weight_decay=0.1), OptimizerSpec(name="adam", weight_decay=0.1)])
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
