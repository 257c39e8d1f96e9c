"""Launches and bytes of training steps, from the code alone: `python -m benchmarks.gpu.counts`.

Each step runs on torch's meta device, where tensors have sizes and no numbers, along the way that a GPU takes. An
operator that computes counts as one launch, the backward pass of a convolution as one for each gradient; views and
allocations count nothing. Its bytes are those of the tensors that it reads and writes, each once. So both are lower
bounds for eager execution: libraries launch more kernels for some operators and read some tensors twice. The optimiser
is fused: one launch (weights' half of the supernet: three), and the bytes of weights, gradients and moments.

The times are arithmetic on these counts, and assume a device: bytes by its bandwidth, launches by the time that one
takes, whichever is more.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from nas.models.backbones.base import Level
from nas.models.networks import build_classifier_head
from nas.models.supernet import build_supernet
from nas.specs import HeadSpec, SupernetSpec
from nas.training.loop.losses import SegmentationLoss
from search_spaces.dense_cell.architecture import PUBLISHED_CELL

BANDWIDTH = 4.3e12
"""Bytes a second of the device that is assumed: an H200 (4.8 TB/s by its data sheet, some 90 % of it reached)."""

CAPTURED, EAGER = 2.2e-6, 7e-6
"""Seconds that a launch takes at least, replayed from a CUDA graph and launched by Python; assumed."""

CLASSES = 19
ADAM, MOMENTUM = 7, 5
"""Tensors as large as the weights that a fused step reads and writes: weights, gradients, two moments or one."""

_NORMS = ("native_batch_norm", "_native_batch_norm_legit", "native_batch_norm_backward")
_FREE = ("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "_unsafe_view", "lift_fresh")


@dataclass
class Count:
    """Launches of a step, and bytes that they read and write."""

    launches: int = 0
    bytes: int = 0

    def seconds(self, launch: float) -> float:
        """Compute the least time of the step on the device that is assumed, at `launch` seconds a launch."""
        return max(self.bytes / BANDWIDTH, self.launches * launch)


class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's
    """Counts the operators that run within the context."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self.count = Count()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kind = func.overloadpacket.__name__
        result = _normalised(kind, args) if kind in _NORMS else func(*args, **(kwargs or {}))
        if not func.is_view and kind not in _FREE:
            tensors = {id(leaf): leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor)}
            self.count.launches += _launches(func, args)
            self.count.bytes += sum(map(_bytes, tensors.values()))
        return result


def _normalised(kind: str, args: Sequence[Any]) -> tuple[Tensor, ...]:
    """Make the results of a batch norm: torch decomposes it into some twenty operators in Python on the meta device."""
    if kind == "native_batch_norm_backward":
        gradient, x, weight = args[0], args[1], args[2]
        channels = x.new_empty(x.shape[1]) if weight is None else torch.empty_like(weight)
        return torch.empty_like(gradient), channels, channels.clone()
    x = args[0]
    return torch.empty_like(x), x.new_empty(x.shape[1]), x.new_empty(x.shape[1])


def _launches(func: Any, args: Sequence[Any]) -> int:
    if func.overloadpacket.__name__ == "convolution_backward":
        return sum(bool(wanted) for wanted in args[-1])
    return 1


def _bytes(tensor: Tensor) -> int:
    """The bytes behind a tensor, of which an expanded one has fewer than elements."""
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())


def counted(step: Callable[[], object]) -> Count:
    """Count a step, after one in which what is kept between steps is made."""
    step()
    with Counter() as counter:
        step()
    count: Count = counter.count
    return count


@dataclass(frozen=True)
class HeadStep:
    """A training step of the published cell on cached features.

    Attributes:
        features: Channels, height and width of the features of a crop.
        crop: Height and width of the crop in pixels.
        stride: Of the features.
        head: The head's width.
        label_stride: Whether labels are compared at every pixel (1) or at cell centres.
        dtype: Of maps and weights.
        batch: Crops.
    """

    features: tuple[int, int, int]
    crop: tuple[int, int]
    stride: int
    head: HeadSpec
    label_stride: int = 1
    dtype: torch.dtype = torch.float32
    batch: int = 8

    def count(self) -> Count:
        """Count gathering a batch, forward and backward pass, loss and optimiser."""
        channels, height, width = self.features
        levels = [Level(self.stride, channels)]
        model = build_classifier_head(PUBLISHED_CELL, levels, CLASSES, self.head, self.crop).to("meta", self.dtype)
        criterion = SegmentationLoss(torch.ones(CLASSES)).to("meta")
        rows = torch.empty(self.batch, dtype=torch.int64, device="meta")
        bank = torch.empty(64, height, width, channels, dtype=self.dtype, device="meta")
        sides = (height, width) if self.label_stride > 1 else self.crop
        labels = torch.empty(64, *sides, dtype=torch.uint8, device="meta")

        def step() -> None:
            inputs = bank.index_select(0, rows).permute(0, 3, 1, 2)
            criterion(model(inputs), labels.index_select(0, rows)).backward()
            for parameter in model.parameters():
                parameter.grad = None

        count = counted(step)
        return Count(count.launches + 1, count.bytes + ADAM * 4 * _size(model))


def supernet_halves(crop: int, batch: int = 2) -> tuple[Count, Count]:
    """Count the two halves of a search step of Auto-DeepLab's supernet: weights on part A, alpha and beta on part B."""
    model = build_supernet(SupernetSpec(), CLASSES).to("meta")
    criterion = SegmentationLoss(torch.ones(CLASSES)).to("meta")
    images = torch.empty(batch, 3, crop, crop, device="meta")
    labels = torch.empty(batch, crop, crop, dtype=torch.uint8, device="meta")
    halves = []
    for wanted, others in (
        (model.weight_parameters(), model.architecture_parameters()),
        (model.architecture_parameters(), model.weight_parameters()),
    ):
        for parameter in others:
            parameter.requires_grad_(False)
        halves.append(counted(lambda: torch.autograd.grad(criterion(model(images), labels), wanted, allow_unused=True)))  # noqa: B023  called at once
        for parameter in others:
            parameter.requires_grad_(True)
    weights, architecture = halves
    # SGD for lists of tensors: decay, momentum, step.
    return Count(weights.launches + 3, weights.bytes + MOMENTUM * 4 * _size(model)), architecture


def _size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


PAPER = HeadStep((320, 49, 49), (769, 769), 16, HeadSpec())
HEADS = {
    "demo: 40x16x32, 32 filters, labels at stride": HeadStep(
        (40, 16, 32), (128, 256), 8, HeadSpec(channels=32, dropout=0.0, rate_multiplier=1), label_stride=8
    ),
    "paper: 320x49x49, 256 filters, labels at pixels": PAPER,
    "paper, labels at stride": HeadStep(PAPER.features, PAPER.crop, 16, PAPER.head, 16),
    "paper, labels at stride, bfloat16": HeadStep(PAPER.features, PAPER.crop, 16, PAPER.head, 16, torch.bfloat16),
}
"""Training steps of trials: that of examples/demo.yaml, and that of examples/cityscapes.yaml with its variants."""

STEPS = {True: 29_720, False: 14_860}
"""Of the published search, 40 epochs of 743 batches of 2 in half of Cityscapes' 2,975 images: halves for the weights,
and (False) for alpha and beta, from epoch 20 on."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.counts", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--crops", type=int, nargs="*", default=[129, 321], help="crops of the supernet")
    options = parser.parse_args(arguments)
    launch = f"{CAPTURED * 1e6:g} us a captured launch, {EAGER * 1e6:g} us an eager one"
    print(f"torch {torch.__version__}; assumed: {BANDWIDTH / 1e12:g} TB/s, {launch}\n")
    print("| step | launches | GB | captured, at least ms | eager, at least ms |\n| --- | --- | --- | --- | --- |")
    for name, head in HEADS.items():
        print(_row(f"head, {name}", head.count()))
    projected = []
    for crop in options.crops:
        weights, architecture = supernet_halves(crop)
        print(_row(f"supernet, crop {crop}, weights", weights))
        print(_row(f"supernet, crop {crop}, alpha and beta", architecture))
        hours = [
            (STEPS[True] * weights.seconds(launch) + STEPS[False] * architecture.seconds(launch)) / 3600
            for launch in (CAPTURED, EAGER)
        ]
        projected.append(f"published schedule at crop {crop}: {hours[0]:.1f} h captured, {hours[1]:.1f} h eager")
    print("\n" + "\n".join(projected))


def _row(name: str, count: Count) -> str:
    times = " | ".join(f"{1e3 * count.seconds(launch):.2f}" for launch in (CAPTURED, EAGER))
    return f"| {name} | {count.launches:,} | {count.bytes / 1e9:.2f} | {times} |"


if __name__ == "__main__":
    main()
