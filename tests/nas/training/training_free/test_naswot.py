"""NASWOT: by hand, against codes compared one by one, and its invariants."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nas.training.training_free.naswot import naswot


class Codes(nn.Module):
    """ReLU of the input itself, in one of the ways our networks compute it."""

    def __init__(self, relu) -> None:
        super().__init__()
        self.relu = relu

    def forward(self, x):
        return self.relu(x * 1.0)


WAYS = {
    "module": nn.ReLU(),
    "module in place": nn.ReLU(inplace=True),
    "clipped": nn.ReLU6(),
    "clipped in place": nn.ReLU6(inplace=True),
    "function": F.relu,
    "function in place": lambda x: F.relu(x, inplace=True),
    "clipped function": F.relu6,
    "torch": torch.relu,
    "method": lambda x: x.relu_(),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_by_hand(way):
    # Codes 11, 10, 00 of two units: agreements [[2, 1, 0], [1, 2, 1], [0, 1, 2]], determinant 4.
    images = torch.tensor([[1.0, 2.0], [3.0, -1.0], [-2.0, -2.0]]).reshape(3, 1, 1, 2)
    assert naswot(Codes(way), (images,)) == pytest.approx(math.log(4))


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(5, 4, 1), nn.ReLU6()
    )


def compared_one_by_one(model, inputs):
    codes = []
    hooks = [
        layer.register_forward_hook(lambda _, __, y: codes.append((y > 0).flatten(1).numpy()))
        for layer in model.modules()
        if isinstance(layer, (nn.ReLU, nn.ReLU6))
    ]
    model.train()
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.eval()
    with torch.no_grad():
        model(inputs)
    for hook in hooks:
        hook.remove()
    rows = np.concatenate(codes, 1)
    units = rows.shape[1]
    kernel = [[units - sum(a != b for a, b in zip(one, other, strict=True)) for other in rows] for one in rows]
    return np.linalg.slogdet(np.array(kernel, float))[1]


@pytest.mark.parametrize("seed", range(3))
def test_against_codes_compared_one_by_one(seed):
    inputs = torch.randn(6, 2, 4, 5, generator=torch.Generator().manual_seed(seed))
    value = naswot(network(seed), (inputs,))
    assert value == pytest.approx(compared_one_by_one(network(seed), inputs))


@settings(max_examples=20)
@given(st.permutations(range(5)), st.integers(0, 100))
def test_the_order_of_images_does_not_matter(order, seed):
    model = nn.Sequential(nn.Conv2d(2, 8, 1), nn.ReLU())
    inputs = torch.randn(5, 2, 3, 3, generator=torch.Generator().manual_seed(seed))
    assert naswot(model, (inputs[list(order)],)) == pytest.approx(naswot(model, (inputs,)), rel=1e-9)


def test_many_units_are_compared_in_pieces(monkeypatch):
    inputs = torch.randn(4, 2, 6, 6, generator=torch.Generator().manual_seed(3))
    whole = naswot(network(), (inputs,))
    monkeypatch.setattr("nas.training.training_free.naswot.CHUNK", 7)
    assert naswot(network(), (inputs,)) == whole


def test_what_cannot_be_told_apart():
    same = torch.ones(2, 1, 2, 2)
    assert naswot(Codes(F.relu), (same,)) == -math.inf
    assert naswot(nn.Conv2d(1, 1, 1), (same,)) == -math.inf  # no ReLU


def test_the_model_is_left_as_it_was_and_nothing_is_drawn():
    model = network().eval()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    generator, inputs = torch.get_rng_state(), torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    assert naswot(model, (inputs,)) == naswot(model, (inputs,))
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert not any(layer.training for layer in model.modules())
