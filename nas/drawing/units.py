"""The steps of each unit of global reasoning in words, for the diagram of a trunk."""

from __future__ import annotations

from nas.drawing.sequence import Step
from search_spaces.units import (
    ConstantContext,
    DoubleAttention,
    GloRe,
    GraphConvolution,
    NonLocal,
    SymbolicReasoning,
    Unit,
)


def unit_steps(unit: Unit) -> tuple[Step, ...]:
    """List what a unit computes from its input X, before X is added; `nas.models.graph_reasoning` has the equations."""
    match unit:
        case DoubleAttention(maps=maps):
            return (
                Step("gather", f"{maps} attention maps: each sums features up over all pixels", "unit"),
                Step("distribute", "each pixel mixes the sums by its own attention", "unit"),
                Step("1×1 conv", "", "pointwise"),
            )
        case GloRe(nodes=nodes):
            return (
                Step("project", f"pixels to {nodes} nodes of {2 * nodes} states, by 1×1 convs", "unit"),
                Step("graph convolution", "over the nodes, then over the states; a learnt graph", "unit"),
                Step("project back", "nodes to pixels, by the same weights", "unit"),
                Step("1×1 conv, BN", "", "pointwise"),
            )
        case GraphConvolution(vertices=vertices, assignment=assignment):
            return (
                Step("assign", f"pixels softly to {vertices} vertices, by {_by(assignment)}", "unit"),
                Step("graph convolution", "the graph is the likeness of vertices; BN, ReLU", "unit"),
                Step("assign back", "vertices to pixels, by the same weights", "unit"),
            )
        case SymbolicReasoning(steps=steps, mapping=mapping, graph=graph):
            return (
                Step("vote", "pixels for the nodes of the classes' graph", "unit"),
                Step(f"{steps} graph convolution" + "s" * (steps > 1), _edges(graph), "unit"),
                Step("map back", _mapping(mapping), "unit"),
                Step("linear, ReLU", "", "pointwise"),
            )
        case ConstantContext():
            return (
                Step("global mean", "one vector for each image", "pooling"),
                Step("1×1 conv", "the same for every pixel", "pointwise"),
            )
        case NonLocal():
            return (
                Step("attention", "every pixel to every pixel, half of the channels", "unit"),
                Step("1×1 conv, BN", "", "pointwise"),
            )


def _by(assignment: str) -> str:
    return "dot product" if assignment == "dot" else "distance"


def _edges(graph: str) -> str:
    return "over the nodes alone, without edges" if graph == "identity" else "along the edges of the classes' graph"


def _mapping(mapping: str) -> str:
    return "every pixel gets the same mix of nodes" if mapping == "drawn" else "each pixel attends to the nodes"
