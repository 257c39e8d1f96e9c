"""Knowledge graphs for symbolic graph reasoning: class hierarchies shipped as data, co-occurrence, no edges."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

SHIPPED = ("cityscapes", "voc2012")
"""Names of the class hierarchies in the folder `graphs`."""


@dataclass(frozen=True, eq=False)
class KnowledgeGraph:
    """An undirected weighted graph whose first nodes are the classes of a data set.

    Attributes:
        names: Name of each node: the classes in the order of their train ids, then groups of classes and the root.
        adjacency: (M, M), symmetric, non-negative, with a zero diagonal.
        source: Where the edges come from.
        groups: How many of the last nodes are groups of classes or the root.

    Raises:
        ValueError: The adjacency has another shape, is not symmetric, has a non-zero diagonal, or has an entry that is
            negative or not finite.
    """

    names: tuple[str, ...]
    adjacency: NDArray[np.float64]
    source: str
    groups: int = 0

    def __post_init__(self) -> None:
        size = len(self.names)
        if self.adjacency.shape != (size, size):
            raise ValueError(f"the adjacency of {size} nodes must be ({size}, {size}), not {self.adjacency.shape}")
        if not np.array_equal(self.adjacency, self.adjacency.T) or np.diagonal(self.adjacency).any():
            raise ValueError("the adjacency must be symmetric, with a zero diagonal")
        if not (np.isfinite(self.adjacency).all() and (self.adjacency >= 0).all()):
            raise ValueError("the adjacency must be finite and non-negative")

    @property
    def classes(self) -> tuple[str, ...]:
        return self.names[: len(self.names) - self.groups]

    @property
    def edges(self) -> int:
        """Number of edges."""
        return int(np.count_nonzero(self.adjacency)) // 2

    def normalized(self) -> NDArray[np.float64]:
        """Return A_hat = Q^-1/2 (A + I) Q^-1/2 with Q the diagonal of row sums of A + I (Kipf and Welling 2017)."""
        looped = self.adjacency + np.eye(len(self.names))
        scale = 1 / np.sqrt(looped.sum(1))
        normalized: NDArray[np.float64] = looped * scale[:, None] * scale[None, :]
        return normalized


def shipped_graph(name: str) -> KnowledgeGraph:
    """Load a class hierarchy: classes, the data set's official groups of classes, a root.

    Raises:
        ValueError: `name` is not in `SHIPPED`.
    """
    if name not in SHIPPED:
        raise ValueError(f"no knowledge graph {name!r} is shipped; known: {', '.join(SHIPPED)}")
    text = resources.files("nas.models.graph_reasoning").joinpath("graphs", f"{name}.json").read_text("utf-8")
    data = json.loads(text)
    names = [*data["classes"], *(f"group: {group}" for group in data["groups"]), "root"]
    adjacency = np.zeros((len(names), len(names)))
    root, index = len(names) - 1, {name: position for position, name in enumerate(names)}
    ungrouped = set(data["classes"])
    for group, members in data["groups"].items():
        pairs = [(index[member], index[f"group: {group}"]) for member in members]
        for a, b in [*pairs, (index[f"group: {group}"], root)]:
            adjacency[a, b] = adjacency[b, a] = 1
        ungrouped -= set(members)
    for member in ungrouped:
        adjacency[index[member], root] = adjacency[root, index[member]] = 1
    return KnowledgeGraph(tuple(names), adjacency, data["source"], groups=len(data["groups"]) + 1)


def hierarchy_of(class_names: Sequence[str]) -> KnowledgeGraph | None:
    """Return the shipped hierarchy over exactly these classes in this order, or None without such a hierarchy."""
    for name in SHIPPED:
        graph = shipped_graph(name)
        if graph.classes == tuple(class_names):
            return graph
    return None


def identity_graph(names: Sequence[str]) -> KnowledgeGraph:
    """Return a graph without edges, in which every node reasons alone: the ablation of a graph's edges."""
    return KnowledgeGraph(tuple(names), np.zeros((len(names), len(names))), "no edges")


def cooccurrence_graph(
    names: Sequence[str], label_maps: Iterable[NDArray[np.integer]], *, ignore: int = 255
) -> KnowledgeGraph:
    """Weigh the edge between two classes by how often they share an image: n_ij / (n_i + n_j - n_ij), in [0, 1].

    A class that never occurs has no edges.

    Args:
        names: The classes in the order of their indices.
        label_maps: Class indices of the images of the *training* split, arrays of any shape.
        ignore: Value of pixels without a class.

    Raises:
        ValueError: A label map holds an index beyond the names.
    """
    size = len(names)
    together = np.zeros((size, size))
    for labels in label_maps:
        present = np.unique(labels)
        present = present[present != ignore]
        if present.size and not 0 <= present[0] <= present[-1] < size:
            raise ValueError(f"a label map holds class {present[-1]}, but there are {size} classes")
        together[np.ix_(present, present)] += 1
    count = np.diagonal(together)
    either = count[:, None] + count[None, :] - together
    adjacency = np.divide(together, either, out=np.zeros_like(together), where=either > 0)
    np.fill_diagonal(adjacency, 0)
    return KnowledgeGraph(tuple(names), adjacency, "co-occurrence of classes over training label maps (Jaccard index)")
