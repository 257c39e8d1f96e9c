"""Steps of the two-level optimisation against the same steps in plain torch: which batch moves what, and how far."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nas.models.supernet import Supernet, build_supernet
from nas.specs import ArchitectureAdam, BilevelSpec, CosineSgd, SupernetSpec
from nas.training.bilevel.loop import Batch, BilevelLoop

CPU = torch.device("cpu")
STEPS = 8
WEIGHTS = torch.tensor([1.0, 5.0, 0.2])
SGD = CosineSgd(learning_rate=0.2, final_rate=0.05, momentum=0.8, weight_decay=0.03, clip=None)
ADAM = ArchitectureAdam(learning_rate=0.01, betas=(0.6, 0.9), weight_decay=0.02)


@pytest.fixture
def model() -> Supernet:
    torch.manual_seed(0)
    return build_supernet(SupernetSpec(layers=2, levels=2, blocks=1, filters=4, stem=4), 3)


def batches(seed: int) -> Iterator[Batch]:
    generator = torch.Generator().manual_seed(seed)
    while True:
        labels = torch.randint(0, 3, (2, 17, 17), generator=generator, dtype=torch.uint8)
        yield torch.randn(2, 3, 17, 17, generator=generator), labels


def loop_of(model: Supernet, sgd: CosineSgd = SGD, second_order: bool = False) -> BilevelLoop:
    spec = BilevelSpec(dataset="tiny", weights=sgd, architecture=ADAM, second_order=second_order)
    return BilevelLoop(copy.deepcopy(model), spec, WEIGHTS, total_steps=STEPS, device=CPU)


def loss(model: Supernet, batch: Batch) -> Tensor:
    images, labels = batch
    logits = F.interpolate(model(images), labels.shape[1:], mode="bilinear", align_corners=True)
    return F.cross_entropy(logits, labels.long(), WEIGHTS)


def plain_steps(model: Supernet, steps: int, sgd: CosineSgd = SGD) -> Supernet:
    """The first steps as the paper has them: weights by the gradient on A, then alpha and beta by that on B."""
    model = copy.deepcopy(model).train()
    weights, architecture = model.weight_parameters(), model.architecture_parameters()
    on_weights = torch.optim.SGD(weights, 1.0, momentum=sgd.momentum, weight_decay=sgd.weight_decay)
    on_architecture = torch.optim.Adam(
        architecture, ADAM.learning_rate, betas=ADAM.betas, weight_decay=ADAM.weight_decay
    )
    for step, on_a, on_b in zip(range(steps), batches(1), batches(2), strict=False):
        cosine = (1 + math.cos(math.pi * step / STEPS)) / 2
        on_weights.param_groups[0]["lr"] = sgd.final_rate + (sgd.learning_rate - sgd.final_rate) * cosine
        for optimizer, batch in ((on_weights, on_a), (on_architecture, on_b)):
            model.zero_grad()
            loss(model, batch).backward()
            if optimizer is on_weights and sgd.clip is not None:
                torch.nn.utils.clip_grad_norm_(weights, sgd.clip)
            optimizer.step()
    return model


@pytest.mark.parametrize("clip", [None, 0.05], ids=["free", "clipped"])
def test_steps_are_those_of_plain_torch(model, clip):
    """Any of these in the wrong place changes the result: A and B, cosine, momentum, decay, clip, class weights."""
    sgd = SGD.model_copy(update={"clip": clip})
    loop, expected = loop_of(model, sgd), plain_steps(model, 3, sgd)
    for _, on_a, on_b in zip(range(3), batches(1), batches(2), strict=False):
        loop.train_step(on_a, on_b)
    for (name, found), parameter in zip(loop.model.named_parameters(), expected.parameters(), strict=True):
        assert torch.allclose(found, parameter, rtol=1e-3, atol=2e-4), name


def test_the_rate_is_half_a_cosine(model):
    loop = loop_of(model)
    rates = []
    for _, batch in zip(range(STEPS), batches(1), strict=False):
        loop.train_step(batch, None)
        rates.append(loop._sgd.param_groups[0]["lr"])
    assert rates[0] == pytest.approx(0.2)
    assert rates[STEPS // 2] == pytest.approx(0.125)
    assert rates[2] == pytest.approx(0.05 + 0.15 * (1 + 2**-0.5) / 2)
    assert loop.rate(STEPS) == pytest.approx(0.05)


def test_without_a_batch_of_part_b_the_architecture_stays(model):
    loop = loop_of(model)
    loop.train_step(next(batches(1)), None)
    assert torch.equal(loop.model.alpha, model.alpha)
    assert torch.equal(loop.model.beta, model.beta)


def test_second_order_follows_part_b_as_well(model):
    """With a vanishing rate of the weights nothing is left of the unrolled step but the gradient on part B."""
    still = SGD.model_copy(update={"learning_rate": 1e-9, "final_rate": 0.0})
    on_a, on_b = next(batches(1)), next(batches(2))
    loop = loop_of(model, still, second_order=True)
    loop.train_step(on_a, on_b)
    reference = copy.deepcopy(model).train()
    loss(reference, on_b).backward()
    slope = reference.alpha.grad
    assert slope is not None
    slope = slope + ADAM.weight_decay * model.alpha.detach()
    clear = slope.abs() > 1e-4  # Adam's first step is the rate against the sign of the gradient
    assert clear.sum() > 10
    moved = (loop.model.alpha - model.alpha).detach()
    assert torch.allclose(moved[clear], -ADAM.learning_rate * slope.sign()[clear], rtol=1e-2)
