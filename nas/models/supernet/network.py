"""Auto-DeepLab's supernet (Liu et al., CVPR 2019, section 3): all cells on all strides, weighted by alpha and beta."""

from __future__ import annotations

import contextlib

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from nas.models.layers.resampling import resize
from nas.models.supernet.cell import Cell
from nas.models.supernet.mixture import Mixture, StageRows, StageWeights, row
from nas.models.supernet.normalise import AffineNormalise, Normalise, frozen_statistics
from nas.models.supernet.pyramid import Pyramid
from nas.models.supernet.separable import as_cells, as_maps
from nas.specs import SupernetSpec
from search_spaces.auto_deeplab.trellis import BEFORE_STEM, STEM, Trellis, TrellisEdge

INITIAL_STD = 1e-3
"""Standard deviation of the initial alpha and beta (Auto-DeepLab, section 4.1)."""


class Entry(nn.Module):
    """Brings the inputs of one node to the node's size and to C channels: ReLU, convolution, normalisation.

    H^{l-1} of the finer level passes a 3x3 convolution of stride 2, that of the same level a 1x1, that of the coarser
    level bilinear enlargement and a 1x1. H^{l-2} is resized bilinearly if its size differs, then passes a 1x1. Where
    layer l-2 has no map at the node's level, H^{l-2} is that of the nearest level; it is never left out.
    """

    def __init__(
        self, target: int, sources: tuple[int, ...], widths: tuple[int, ...], before: int, channels: int
    ) -> None:
        super().__init__()
        self.target = target
        self.sources = sources
        self.before = nn.Conv2d(before, channels, 1, bias=False)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(width, channels, 3, 2, 1, bias=False)
            if source < target
            else nn.Conv2d(width, channels, 1, bias=False)
            for source, width in zip(sources, widths, strict=True)
        )
        self.norm = Normalise((1 + len(sources)) * channels)

    def forward(self, before: Tensor, previous: list[Tensor], size: tuple[int, int]) -> Tensor:
        """Return H^{l-2} and then H^{l-1} of each of the I incoming levels, (N, H, W, 1 + I, C)."""
        maps = [self.before(F.relu(resize(before, size)))]
        for source, convolution, x in zip(self.sources, self.convolutions, previous, strict=True):
            maps.append(convolution(F.relu(x if source <= self.target else resize(x, size))))
        cells = as_cells(self.norm(torch.cat(maps, 1)))
        return cells.view(*cells.shape[:3], len(maps), -1)


class Node(nn.Module):
    """A node of the trellis: its entry and its cell; the output is (N, blocks * C, H, W).

    Attributes:
        edges: (I,), the places in beta of the edges that lead here.
    """

    def __init__(self, entry: Entry, cell: Cell, edges: list[int]) -> None:
        super().__init__()
        self.entry = entry
        self.cell = cell
        self.register_buffer("edges", torch.tensor(edges), persistent=False)

    edges: Tensor

    def forward(
        self,
        before: Tensor,
        previous: list[Tensor],
        size: tuple[int, int],
        betas: Tensor,
        mix: tuple[StageWeights, ...],
    ) -> Tensor:
        return as_maps(self.cell(self.entry(before, previous, size), mix, betas))


class Supernet(nn.Module):
    """The supernet: images (N, 3, H, W) -> logits (N, classes, H / 4, W / 4), sizes rounded up.

    Attributes:
        alpha: (edges of a cell, operators), shared by all cells; row `mixture.row(block, state)`, columns as in the
            spec.
        beta: (edges of the trellis,), in the order of `trellis.edges`; the edges that leave a node share a softmax.
        auxiliary: Weight of the auxiliary skip, which the search lowers.
    """

    def __init__(self, spec: SupernetSpec, num_classes: int) -> None:
        super().__init__()
        self.spec = spec
        self.trellis = Trellis(spec.layers, spec.levels)
        self.alpha = nn.Parameter(INITIAL_STD * torch.randn(row(spec.blocks, 0), len(spec.operators)))
        self.beta = nn.Parameter(INITIAL_STD * torch.randn(len(self.trellis.edges)))
        # A tensor, so that a captured step reads the value that the search has set after the capture.
        self.register_buffer("auxiliary", torch.tensor(1.0 if spec.auxiliary_skip else 0.0))
        self.stem = nn.ModuleList([_stem(3, spec.stem, 2), _stem(spec.stem, spec.stem, 1)])
        self.stem_out = _stem(spec.stem, 2 * spec.stem, 2)
        self.layers = nn.ModuleList(
            nn.ModuleList(self._node(layer, level) for level in self.trellis.nodes(layer))
            for layer in range(spec.layers)
        )
        nodes = ((layer, level) for layer in range(spec.layers) for level in self.trellis.nodes(layer))
        self._rows = StageRows(spec.blocks, (len(self.trellis.incoming(*node)) for node in nodes))
        last = self.trellis.nodes(spec.layers - 1)
        self.pyramids = nn.ModuleList(
            Pyramid(self._width(spec.layers - 1, level), max(1, 24 >> level), num_classes) for level in last
        )
        padded = torch.full((len(self.trellis.groups), 3), len(self.trellis.edges))
        for index, group in enumerate(self.trellis.groups):
            padded[index, : len(group)] = torch.tensor(group)
        self.register_buffer("_groups", padded, persistent=False)
        self.register_buffer("_places", _places(padded, len(self.trellis.edges)), persistent=False)

    auxiliary: Tensor
    _groups: Tensor
    _places: Tensor

    def _channels(self, level: int) -> int:
        return self.spec.filters << level

    def _width(self, layer: int, level: int) -> int:
        if layer == BEFORE_STEM:
            return self.spec.stem
        return 2 * self.spec.stem if layer == STEM else self.spec.blocks * self._channels(level)

    def _node(self, layer: int, level: int) -> Node:
        sources = self.trellis.incoming(layer, level)
        widths = tuple(self._width(layer - 1, source) for source in sources)
        before = self._width(layer - 2, self.trellis.before_previous(layer, level))
        entry = Entry(level, sources, widths, before, self._channels(level))
        edges = [self.trellis.position[TrellisEdge(layer, source, level)] for source in sources]
        return Node(entry, Cell(self.spec, len(sources), self._channels(level)), edges)

    def architecture_parameters(self) -> list[nn.Parameter]:
        """Return alpha and beta."""
        return [self.alpha, self.beta]

    def weight_parameters(self) -> list[nn.Parameter]:
        """Return all parameters except alpha and beta."""
        return [weight for name, weight in self.named_parameters() if name not in ("alpha", "beta")]

    def alpha_probabilities(self) -> Tensor:
        """Return the softmax of alpha over the operators, (edges, operators)."""
        return self.alpha.softmax(1)

    def beta_probabilities(self) -> Tensor:
        """Return the softmax of beta over the existing edges that leave each node, (edges,)."""
        padded = torch.cat([self.beta, self.beta.new_full((1,), -torch.inf)])[self._groups]
        return padded.softmax(1).flatten()[self._places]

    def forward(self, images: Tensor) -> Tensor:
        mixture = Mixture(self.spec, self._rows, self.alpha_probabilities(), self.auxiliary)
        betas = self.beta_probabilities()
        x = images.contiguous(memory_format=torch.channels_last)
        for part in self.stem:
            x = part(x)
        before, previous = {-1: x}, {0: self.stem_out(x)}
        sizes = _sizes((previous[0].shape[2], previous[0].shape[3]), self.spec.levels)
        for layer in range(self.spec.layers):
            current = {
                level: self._run(layer, level, (before, previous), sizes=sizes, betas=betas, mixture=mixture)
                for level in self.trellis.nodes(layer)
            }
            before, previous = previous, current
        outputs = zip(self.pyramids, previous.values(), strict=True)
        return torch.stack([resize(pyramid(x), sizes[0]) for pyramid, x in outputs]).sum(0)

    def _run(
        self,
        layer: int,
        level: int,
        maps: tuple[dict[int, Tensor], dict[int, Tensor]],
        *,
        sizes: list[tuple[int, int]],
        betas: Tensor,
        mixture: Mixture,
    ) -> Tensor:
        before, previous = maps
        layers = self.layers[layer]
        assert isinstance(layers, nn.ModuleList)
        node = layers[level]
        assert isinstance(node, Node)
        sources = self.trellis.incoming(layer, level)
        arguments = (
            before[self.trellis.before_previous(layer, level)],
            [previous[source] for source in sources],
            sizes[level],
            betas[node.edges],
            mixture.stages(node.cell.active, node.cell.incoming),
        )
        if self.spec.activation_checkpointing and torch.is_grad_enabled():
            y: Tensor = checkpoint(node, *arguments, use_reentrant=False, context_fn=_recomputation)
            return y
        z: Tensor = node(*arguments)
        return z


def _stem(channels: int, filters: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, AffineNormalise(filters), nn.ReLU(inplace=True))


def _sizes(finest: tuple[int, int], levels: int) -> list[tuple[int, int]]:
    sizes = [finest]
    for _ in range(levels - 1):
        height, width = sizes[-1]
        sizes.append(((height + 1) // 2, (width + 1) // 2))
    return sizes


def _places(padded: Tensor, edges: int) -> Tensor:
    """Return the position of each edge in the flattened groups."""
    places = torch.empty(edges, dtype=torch.int64)
    flat = padded.flatten()
    real = flat < edges
    places[flat[real]] = torch.arange(len(flat))[real]
    return places


def _recomputation() -> tuple[contextlib.AbstractContextManager[None], contextlib.AbstractContextManager[None]]:
    """Return the contexts of a forward pass and its repetition, which must not update running statistics again."""
    return contextlib.nullcontext(), frozen_statistics()


def build_supernet(spec: SupernetSpec, num_classes: int) -> Supernet:
    """Build a supernet on the CPU, channels-last, with random weights from torch's global generator."""
    supernet = Supernet(spec, num_classes)
    supernet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # documented, not in torch's types
    return supernet
