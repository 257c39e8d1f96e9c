"""What a CUDA graph needs of the supernet: no copy from the host within a step. Where there is a GPU, a capture."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from nas.models.supernet import Supernet, build_supernet
from nas.specs import SupernetSpec
from nas.training.loop.losses import SegmentationLoss

CASES: dict[str, dict[str, Any]] = {
    "paper's operators": {},
    "partial channels": {"partial_channels": 2},
    "auxiliary skip": {"auxiliary_skip": True, "operators": ("sep_3x3", "none")},
    "checkpointing": {"activation_checkpointing": True},
}
CLASSES = 5


class HostTensors(TorchDispatchMode):
    """Notes every operator that reads what the host has made within the context.

    That is a tensor on the host, or one that no operator here has made and that was not there before: torch copies a
    list by which a tensor is indexed to the device without an operator of its own.

    Args:
        before: What was there: `read` of the context of an earlier step.
    """

    def __init__(self, before: dict[int, Tensor] | None = None) -> None:
        super().__init__()
        self.found: list[str] = []
        self.read: dict[int, Tensor] = {}  # by their memory; kept, so that it is not used again meanwhile
        self._before = before or {}
        self._made: dict[int, Tensor] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        read = by_memory((args, kwargs))
        new = read.keys() - self._before.keys() - self._made.keys()
        if new or any(tensor.device.type == "cpu" for tensor in read.values()):
            self.found.append(str(func))
        self.read |= read
        result = func(*args, **(kwargs or {}))
        self._made |= by_memory(result)
        return result


def by_memory(tree: Any) -> dict[int, Tensor]:
    tensors = [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
    return {tensor.untyped_storage()._cdata: tensor for tensor in tensors}


def supernet(case: str) -> Supernet:
    spec = {"layers": 2, "levels": 2, "blocks": 2, "filters": 4, "stem": 6} | CASES[case]
    return build_supernet(SupernetSpec(**spec), CLASSES)


def gradients(model: Supernet, criterion: SegmentationLoss, images: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
    loss = criterion(model(images), labels)
    return torch.autograd.grad(loss, [*model.weight_parameters(), *model.architecture_parameters()], allow_unused=True)


@pytest.mark.parametrize("case", CASES)
def test_a_step_touches_no_tensor_of_the_host(case):
    model, criterion = supernet(case).to("meta"), SegmentationLoss(torch.ones(CLASSES)).to("meta")
    images = torch.empty(2, 3, 49, 65, device="meta")
    labels = torch.empty(2, 49, 65, dtype=torch.uint8, device="meta")
    with HostTensors() as first:
        gradients(model, criterion, images, labels)
    with HostTensors(first.read) as seen:
        gradients(model, criterion, images, labels)
    assert seen.found == []
    assert len(seen.read) > 100


@pytest.mark.parametrize(
    "index",
    [lambda: [2, 0], lambda: torch.tensor([2, 0]), lambda: torch.tensor([2, 0]).to("meta")],
    ids=["a list", "a tensor of the host", "a copy of one"],
)
def test_what_is_looked_for_is_found(index):
    x = torch.empty(4, device="meta")
    with HostTensors() as first:
        _ = x[index()]
    with HostTensors(first.read) as seen:
        _ = x[1:] * 2
    assert not seen.found
    with HostTensors(first.read) as seen:
        _ = x[index()]
    assert seen.found


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("case", ["paper's operators", "partial channels", "auxiliary skip"])
def test_captured_gradients_are_the_plain_ones(case):
    torch.manual_seed(0)
    model, criterion = supernet(case).cuda(), SegmentationLoss(torch.ones(CLASSES)).cuda()
    images, labels = torch.randn(2, 3, 49, 65).cuda(), torch.randint(CLASSES, (2, 49, 65), dtype=torch.uint8).cuda()
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            gradients(model, criterion, images, labels)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = gradients(model, criterion, images, labels)
    images.copy_(torch.randn(2, 3, 49, 65))
    with torch.no_grad():
        model.alpha.normal_()
        model.beta.normal_()
    graph.replay()
    torch.cuda.synchronize()
    for found, plain in zip(captured, gradients(model, criterion, images, labels), strict=True):
        assert (found is None) == (plain is None)
        if found is not None and plain is not None:
            torch.testing.assert_close(found, plain, rtol=1e-3, atol=1e-4)
