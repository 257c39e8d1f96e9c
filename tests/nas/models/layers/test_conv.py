"""Convolutions that are not torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nas.models.layers.conv import Pointwise


@pytest.mark.parametrize("channels", [2, 4, 8])
@pytest.mark.parametrize("size", [(16, 32), (17, 33)])
def test_a_strided_pointwise_convolution_is_torchs(channels, size):
    """In float64, whose kernels are not oneDNN's: values and both gradients."""
    torch.manual_seed(0)
    ours = Pointwise(channels, 4, 2).double()
    theirs = nn.Conv2d(channels, 4, 1, 2, bias=False).double()
    theirs.load_state_dict(ours.state_dict())
    results = []
    for module in (ours, theirs):
        x = torch.randn(2, channels, *size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        x.requires_grad_()
        y = module(x)
        y.square().sum().backward()
        results.append((y.detach(), x.grad, module.weight.grad))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
