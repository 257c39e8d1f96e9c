"""The supernet written out: a module per edge, operator and incoming level, the paper's formulas one by one.

    H^l_s = sum over incoming levels r of beta[r -> s] * Cell(H^{l-1}_r, H^{l-2}_s)
    block j = sum over states i of sum over operators o of alpha[i -> j][o] * o(state i)

Which weights it shares with `nas.models.supernet.Supernet` (there `layers.{l}.{s}.cell.weights`, here `nodes[l][s]`):

    edges[state, block][operator].filters   = depthwise.{operator}[edge(state, block)]
    edges[state, block][operator].mixer     = pointwise[convolution, edge(state, block)], transposed
    ... filters_again, mixer_again          = depthwise_again, pointwise_again
    stem, entry, pyramids                   = the same modules, by name

The operators of an edge are one module for all incoming levels; the statistics of normalisation are not shared: each
incoming level is normalised by its own batch statistics, so each call stands for itself.
"""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.auto_deeplab.trellis import Trellis

KERNEL = {"sep_3x3": 3, "sep_5x5": 5, "atrous_3x3": 3, "atrous_5x5": 5}


def normalise(x):
    return F.batch_norm(x, None, None, None, None, True, 0.1, 1e-5)


class Convolution(nn.Module):
    """ReLU, depthwise, pointwise, normalisation; twice for a separable convolution, once at rate 2 for an atrous."""

    def __init__(self, operator, channels) -> None:
        super().__init__()
        self.kernel = KERNEL[operator]
        self.separable = operator.startswith("sep")
        self.rate = 1 if self.separable else 2
        self.filters = self._filters(channels)
        self.mixer = nn.Conv2d(channels, channels, 1, bias=False)
        if self.separable:
            self.filters_again = self._filters(channels)
            self.mixer_again = nn.Conv2d(channels, channels, 1, bias=False)

    def _filters(self, channels) -> nn.Conv2d:
        padding = self.rate * (self.kernel // 2)
        return nn.Conv2d(
            channels, channels, self.kernel, padding=padding, dilation=self.rate, groups=channels, bias=False
        )

    def forward(self, x):
        x = normalise(self.mixer(self.filters(F.relu(x))))
        if self.separable:
            x = normalise(self.mixer_again(self.filters_again(F.relu(x))))
        return x


def plain(operator, x):
    if operator == "avg_pool_3x3":
        return normalise(F.avg_pool2d(x, 3, 1, 1, count_include_pad=False))
    if operator == "max_pool_3x3":
        return normalise(F.max_pool2d(x, 3, 1, 1))
    return x if operator == "skip" else torch.zeros_like(x)


class Edge(nn.ModuleDict):
    def __init__(self, operators, channels, parts) -> None:
        super().__init__({op: Convolution(op, channels // parts) for op in operators if op in KERNEL})
        self.operators = operators
        self.active = channels // parts
        self.parts = parts

    def forward(self, x, alpha, auxiliary):
        active, rest = x[:, : self.active], x[:, self.active :]
        y = auxiliary * active
        for index, operator in enumerate(self.operators):
            z = self[operator](active) if operator in self else plain(operator, active)
            y = y + alpha[index] * z
        if self.parts == 1:
            return y
        n, channels, height, width = x.shape
        y = torch.cat([y, rest], 1).reshape(n, self.parts, channels // self.parts, height, width)
        return y.transpose(1, 2).reshape(n, channels, height, width)


class NodeReference(nn.Module):
    def __init__(self, spec, channels, *, sources, widths, target, before) -> None:
        super().__init__()
        self.target, self.sources, self.blocks = target, sources, spec.blocks
        self.before = nn.Conv2d(before, channels, 1, bias=False)
        self.entries = nn.ModuleList()
        for source, width in zip(sources, widths, strict=True):
            if source < target:
                self.entries.append(nn.Conv2d(width, channels, 3, 2, 1, bias=False))
            else:
                self.entries.append(nn.Conv2d(width, channels, 1, bias=False))
        self.edges = nn.ModuleDict(
            {
                f"{state} {block}": Edge(spec.operators, channels, spec.partial_channels)
                for block in range(spec.blocks)
                for state in range(block + 2)
            }
        )

    def cell(self, previous, before, alpha, auxiliary):
        states, row = [previous, before], 0
        for block in range(self.blocks):
            total = 0
            for state, x in enumerate(states):
                total = total + self.edges[f"{state} {block}"](x, alpha[row], auxiliary)
                row += 1
            states.append(total)
        return torch.cat(states[2:], 1)

    def forward(self, before, previous, size, *, alpha, betas, auxiliary):
        if before.shape[2:] != size:
            before = F.interpolate(before, size, mode="bilinear", align_corners=True)
        before = normalise(self.before(F.relu(before)))
        total = 0
        for source, entry, x, beta in zip(self.sources, self.entries, previous, betas, strict=True):
            resized = F.interpolate(x, size, mode="bilinear", align_corners=True) if source > self.target else x
            total = total + beta * self.cell(normalise(entry(F.relu(resized))), before, alpha, auxiliary)
        return total


class PyramidReference(nn.Module):
    def __init__(self, channels, rate, num_classes) -> None:
        super().__init__()
        self.point = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))
        self.atrous = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=rate, dilation=rate, bias=False), nn.BatchNorm2d(channels)
        )
        self.image = nn.Conv2d(channels, channels, 1)
        self.classifier = nn.Conv2d(3 * channels, num_classes, 1)

    def forward(self, x):
        x = F.relu(x)
        image = self.image(F.adaptive_avg_pool2d(x, 1)).expand(-1, -1, *x.shape[2:])
        return self.classifier(F.relu(torch.cat([self.point(x), self.atrous(x), image], 1)))


def stem(channels, filters, stride):
    return nn.Sequential(nn.Conv2d(channels, filters, 3, stride, 1, bias=False), nn.BatchNorm2d(filters), nn.ReLU())


class ReferenceSupernet(nn.Module):
    """Always in training mode: batch statistics."""

    def __init__(self, spec, num_classes) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("auxiliary", torch.tensor(1.0 if spec.auxiliary_skip else 0.0))
        levels, layers, blocks = spec.levels, spec.layers, spec.blocks
        self.alpha = nn.Parameter(torch.zeros(blocks * (blocks + 3) // 2, len(spec.operators)))
        self.beta = nn.Parameter(torch.zeros(len(Trellis(layers, levels).edges)))
        self.stem = nn.ModuleList([stem(3, spec.stem, 2), stem(spec.stem, spec.stem, 1)])
        self.stem_out = stem(spec.stem, 2 * spec.stem, 2)
        # The levels that exist, and what they read, written out anew and not by `Trellis`.
        self.exists = {-2: [-1], -1: [0]}
        for layer in range(layers):
            self.exists[layer] = [s for s in range(levels) if any(abs(s - r) <= 1 for r in self.exists[layer - 1])]
        width = lambda layer, s: {-2: spec.stem, -1: 2 * spec.stem}.get(layer, blocks * spec.filters * 2**s)  # noqa: E731 - one use
        self.nodes = nn.ModuleList()
        for layer in range(layers):
            row = nn.ModuleDict()
            for s in self.exists[layer]:
                sources = [r for r in self.exists[layer - 1] if abs(r - s) <= 1]
                widths = [width(layer - 1, r) for r in sources]
                before = width(layer - 2, self.nearest(layer - 2, s))
                row[str(s)] = NodeReference(
                    spec, spec.filters * 2**s, sources=sources, widths=widths, target=s, before=before
                )
            self.nodes.append(row)
        self.pyramids = nn.ModuleList(
            PyramidReference(width(layers - 1, s), max(1, 96 // 2 ** (s + 2)), num_classes)
            for s in self.exists[layers - 1]
        )

    def nearest(self, layer, s):
        return (
            s
            if s in self.exists[layer]
            else max(r for r in self.exists[layer] if r < s)
            if s > min(self.exists[layer])
            else min(self.exists[layer])
        )

    def betas(self):
        """{(layer, source, target): probability}, one softmax for each node's outgoing edges, one edge at a time."""
        table, position = {}, 0
        for layer in range(self.spec.layers):
            for source in self.exists[layer - 1]:
                ways = [s for s in self.exists[layer] if abs(s - source) <= 1]
                chances = torch.softmax(self.beta[position : position + len(ways)], 0)
                table.update({(layer, source, s): chance for s, chance in zip(ways, chances, strict=True)})
                position += len(ways)
        assert position == len(self.beta)
        return table

    def architecture_parameters(self):
        return [self.alpha, self.beta]

    def weight_parameters(self):
        return [parameter for name, parameter in self.named_parameters() if name not in ("alpha", "beta")]

    def forward(self, images):
        alpha, betas = torch.softmax(self.alpha, 1), self.betas()
        x = images
        for part in self.stem:
            x = part(x)
        maps = {-2: {-1: x}, -1: {0: self.stem_out(x)}}
        size = tuple(maps[-1][0].shape[2:])
        sizes = {0: size}
        for s in range(1, self.spec.levels):
            size = tuple((side + 1) // 2 for side in size)
            sizes[s] = size
        for layer, row in enumerate(self.nodes):
            assert isinstance(row, nn.ModuleDict)
            maps[layer] = {}
            for s in self.exists[layer]:
                node = row[str(s)]
                assert isinstance(node, NodeReference)
                maps[layer][s] = node(
                    maps[layer - 2][self.nearest(layer - 2, s)],
                    [maps[layer - 1][r] for r in node.sources],
                    sizes[s],
                    alpha=alpha,
                    betas=[betas[layer, r, s] for r in node.sources],
                    auxiliary=self.auxiliary,
                )
        logits = [
            F.interpolate(pyramid(x), sizes[0], mode="bilinear", align_corners=True)
            for pyramid, x in zip(self.pyramids, maps[self.spec.layers - 1].values(), strict=True)
        ]
        return sum(logits)


def pairs(fast, reference):
    """(name, view of the fast supernet's tensor, reference's parameter) of all weights; `pick` works on gradients too.

    Yields (name in the fast supernet, pick, parameter): `pick(tensor)` cuts the parameter's part out of that tensor.
    """
    whole = dict(reference.named_parameters())
    for name in dict(fast.named_parameters()):
        if name.startswith(("alpha", "beta", "stem", "pyramids")):
            yield name, (lambda t: t), whole[name]
    for layer, row in enumerate(reference.nodes):
        for s, node in row.items():
            prefix = f"layers.{layer}.{s}"
            yield f"{prefix}.entry.before.weight", (lambda t: t), node.before.weight
            for index, entry in enumerate(node.entries):
                yield f"{prefix}.entry.convolutions.{index}.weight", (lambda t: t), entry.weight
            weights = fast.layers[layer][int(s)].cell.weights
            for key, edge in node.edges.items():
                yield from _edge_pairs(f"{prefix}.cell.weights", weights.edge(*map(int, key.split())), edge)


def _edge_pairs(prefix, place, edge) -> Iterator[tuple[str, Callable[[Tensor], Tensor], Tensor]]:
    convolutions = [op for op in ("sep_3x3", "sep_5x5", "atrous_3x3", "atrous_5x5") if op in edge]
    for number, op in enumerate(convolutions):
        for which in ("", "_again") if op.startswith("sep") else ("",):
            filters, mixer = getattr(edge[op], f"filters{which}"), getattr(edge[op], f"mixer{which}")
            yield f"{prefix}.depthwise{which}.{op}", (lambda t: t[place][:, None]), filters.weight
            pick = lambda t, number=number: t[number, place].t()[:, :, None, None]  # noqa: E731 - keeps its number
            yield f"{prefix}.pointwise{which}", pick, mixer.weight


@torch.no_grad()
def share_weights(fast, reference):
    """Give the reference the fast supernet's weights."""
    tensors = dict(fast.named_parameters())
    for name, pick, parameter in pairs(fast, reference):
        parameter.copy_(pick(tensors[name]))
