"""The quick supernet against the written-out one, in float64."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

from nas.models.supernet import build_supernet
from nas.specs import SupernetSpec

_SPEC = importlib.util.spec_from_file_location("supernet_reference", Path(__file__).with_name("reference.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
reference = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(reference)

TOLERANCE = 1e-9
CASES: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "three layers, three levels": ({"layers": 3, "levels": 3, "blocks": 3}, (2, 3, 41, 57)),
    "all levels, one block": ({"layers": 5, "levels": 4, "blocks": 1}, (1, 3, 65, 65)),
    "one layer": ({"layers": 1, "levels": 4, "blocks": 2}, (2, 3, 33, 33)),
    "one level": ({"layers": 3, "levels": 1, "blocks": 2}, (2, 3, 17, 17)),
    "no separable": ({"layers": 2, "operators": ("atrous_5x5", "none", "skip")}, (2, 3, 33, 33)),
    "no atrous": ({"layers": 2, "blocks": 2, "operators": ("max_pool_3x3", "sep_5x5")}, (2, 3, 33, 33)),
    "no convolution": ({"layers": 2, "blocks": 2, "operators": ("skip", "avg_pool_3x3", "none")}, (2, 3, 33, 33)),
    "partial channels": ({"layers": 3, "levels": 2, "blocks": 3, "partial_channels": 2}, (2, 3, 33, 33)),
    "auxiliary skip": ({"layers": 2, "blocks": 2, "auxiliary_skip": True, "operators": ("sep_3x3",)}, (2, 3, 33, 33)),
    "checkpointing": ({"layers": 2, "blocks": 2, "activation_checkpointing": True}, (2, 3, 33, 33)),
}


def both(case, num_classes=5):
    changes, shape = CASES[case]
    spec = SupernetSpec(**{"filters": 4, "stem": 6, "blocks": 5, "levels": 3, **changes})
    torch.manual_seed(0)
    fast, slow = build_supernet(spec, num_classes).double(), reference.ReferenceSupernet(spec, num_classes).double()
    torch.nn.init.normal_(fast.alpha)
    torch.nn.init.normal_(fast.beta)
    reference.share_weights(fast, slow)
    return fast, slow, torch.randn(shape, dtype=torch.float64)


@pytest.mark.parametrize("case", ["partial channels", "checkpointing"])
def test_native_kernels_agree_too(case, native_supernet):
    assert native_supernet is not None
    test_outputs_and_all_gradients_agree(case)


@pytest.mark.parametrize("case", CASES)
def test_outputs_and_all_gradients_agree(case):
    fast, slow, images = both(case)
    y, z = fast(images), slow(images)
    assert y.shape == z.shape
    assert torch.allclose(y, z, rtol=TOLERANCE, atol=TOLERANCE)
    direction = torch.randn_like(y)
    (y * direction).sum().backward()
    (z * direction).sum().backward()
    scale = max(float(p.grad.abs().max()) for p in slow.parameters() if p.grad is not None)
    gradients = {name: p.grad if p.grad is not None else torch.zeros_like(p) for name, p in fast.named_parameters()}
    seen = dict.fromkeys(gradients, 0)
    for name, pick, parameter in reference.pairs(fast, slow):
        wanted = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        difference = float((pick(gradients[name]) - wanted).abs().max())
        assert difference <= TOLERANCE * max(scale, 1.0), name
        seen[name] += wanted.numel()
    # Every weight is compared once, so none of the fast supernet's is unused or unknown to the reference.
    assert seen == {name: p.numel() for name, p in fast.named_parameters()}
