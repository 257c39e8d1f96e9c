"""The passes of separable convolutions by native kernels against the same passes by torch's operators."""

import pytest
import torch

from nas.models.layers.native import without_kernels
from nas.models.supernet.separable import parallel_pass, spread_pass

pytestmark = pytest.mark.usefixtures("native_supernet")

KERNELS, RATES = (3, 5, 3, 5), [1, 1, 2, 2]


def tensors(sources, edges, channels, operators, size, dtype):
    """Input, filters and matrices; without edges the input has a part for each operator."""
    torch.manual_seed(0)
    groups = sources * max(edges, 1)
    inner = (sources, channels) if edges else (operators, groups * channels)
    x = torch.randn(2, *size, *inner, dtype=dtype)
    filters = [torch.randn(groups * channels, 1, k, k, dtype=dtype) for k in KERNELS[:operators]]
    return x, filters, torch.randn(operators, groups, channels, channels, dtype=dtype)


def ran(x, edges, filters, pointwise, needs=(True, True, True)):
    """The output, and the gradients that are needed: of input, filters, matrices."""
    need_x, need_filters, need_pointwise = needs
    leaves = [leaf.detach().requires_grad_(need_x) for leaf in [x]]
    leaves += [leaf.detach().requires_grad_(need_filters) for leaf in filters]
    leaves += [pointwise.detach().requires_grad_(need_pointwise)]
    rates = RATES[: len(filters)]
    if edges:
        y = spread_pass(leaves[0], edges, leaves[1:-1], leaves[-1], rates)
    else:
        y = parallel_pass(leaves[0], leaves[1:-1], leaves[-1], rates)
    slope = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).view(y.shape)
    return [y.detach(), *torch.autograd.grad(y, [leaf for leaf in leaves if leaf.requires_grad], slope)]


@pytest.mark.parametrize("channels", [1, 3, 4, 8, 16, 24, 32])
@pytest.mark.parametrize(("sources", "edges", "operators"), [(3, 2, 4), (1, 5, 4), (4, 0, 2), (1, 0, 1)])
def test_passes_agree(sources, edges, operators, channels):
    given = tensors(sources, edges, channels, operators, (9, 7), torch.float64)
    found = ran(given[0], edges, *given[1:])
    with without_kernels():
        wanted = ran(given[0], edges, *given[1:])
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.shape == theirs.shape
        assert float((ours - theirs).abs().max()) <= 1e-9 * max(1.0, float(theirs.abs().max()))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 5), (17, 33)])
def test_float32_agrees_at_every_size(size):
    given = tensors(3, 2, 8, 4, size, torch.float32)
    found = ran(given[0], 2, *given[1:])
    with without_kernels():
        exact = ran(given[0].double(), 2, [f.double() for f in given[1]], given[2].double())
    for ours, theirs in zip(found, exact, strict=True):
        assert float((ours - theirs).abs().max()) <= 1e-6 * max(1.0, float(theirs.abs().max()))


@pytest.mark.parametrize("needs", [(True, False, False), (False, True, True), (False, True, False)])
def test_only_the_gradients_that_are_needed(needs):
    given = tensors(2, 3, 8, 4, (6, 5), torch.float64)
    found = ran(given[0], 3, given[1], given[2], needs)
    with without_kernels():
        wanted = ran(given[0], 3, given[1], given[2], needs)
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_part_of_a_cell():
    """The operators of the second pass are some of those of the first."""
    _, filters, pointwise = tensors(4, 0, 8, 2, (6, 5), torch.float64)
    wide = torch.randn(2, 6, 5, 4, 32, dtype=torch.float64)
    found = ran(wide[:, :, :, :2], 0, filters, pointwise)
    with without_kernels():
        wanted = ran(wide[:, :, :, :2], 0, filters, pointwise)
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_a_pass_over_part_of_a_cell_keeps_that_part_alone():
    """A view that is saved for the backward pass would keep the entire cell in memory."""
    _, filters, pointwise = tensors(4, 0, 8, 2, (6, 5), torch.float32)
    wide = torch.randn(2, 6, 5, 4, 32)
    part = wide[:, :, :, :2]
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        y = parallel_pass(part.detach().requires_grad_(), filters, pointwise, RATES[:2])
    assert y.requires_grad
    assert wide.untyped_storage().data_ptr() not in kept
    assert sum(kept.values()) == sum(4 * each.numel() for each in (part, pointwise, *filters))


def test_results_do_not_depend_on_the_threads():
    given = tensors(3, 2, 8, 4, (9, 9), torch.float32)
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(ran(given[0], 2, *given[1:]))
    finally:
        torch.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        assert torch.equal(one, two)


def test_gradcheck():
    x, filters, pointwise = tensors(2, 2, 2, 2, (3, 4), torch.float64)
    leaves = [leaf.requires_grad_() for leaf in (x, *filters, pointwise)]
    assert torch.autograd.gradcheck(lambda x, f, g, p: spread_pass(x, 2, [f, g], p, [1, 2]), leaves)
