"""Build a unit of global reasoning from its description."""

from __future__ import annotations

from torch import nn

from nas.models.graph_reasoning import (
    ConstantContext,
    DoubleAttention,
    GloRe,
    GraphConvolutionUnit,
    KnowledgeGraph,
    NonLocal,
    SymbolicGraphReasoning,
    identity_graph,
)
from nas.models.layers.conv import BN_MOMENTUM
from search_spaces import units


def build_unit(
    unit: units.Unit, channels: int, *, knowledge: KnowledgeGraph | None = None, bn_momentum: float = BN_MOMENTUM
) -> nn.Module:
    """Build the unit for maps (N, channels, H, W), whose shape it keeps.

    Only symbolic graph reasoning reads `knowledge`, the graph of the classes.

    Raises:
        ValueError: The unit needs a knowledge graph and `knowledge` is None.
    """
    match unit:
        case units.DoubleAttention(maps=maps):
            return DoubleAttention(channels, maps)
        case units.GloRe(nodes=nodes):
            return GloRe(channels, nodes, bn_momentum=bn_momentum)
        case units.GraphConvolution(vertices=vertices, assignment=assignment):
            return GraphConvolutionUnit(channels, vertices, assignment=assignment, bn_momentum=bn_momentum)
        case units.SymbolicReasoning(steps=steps, mapping=mapping):
            return SymbolicGraphReasoning(channels, _graph(unit, knowledge), steps=steps, mapping=mapping)
        case units.ConstantContext():
            return ConstantContext(channels)
        case units.NonLocal():
            return NonLocal(channels, bn_momentum=bn_momentum)


def _graph(unit: units.SymbolicReasoning, knowledge: KnowledgeGraph | None) -> KnowledgeGraph:
    if knowledge is None:
        raise ValueError(
            "symbolic graph reasoning needs a knowledge graph of the classes: pass knowledge=..., "
            "for instance nas.models.graph_reasoning.shipped_graph('cityscapes')"
        )
    return identity_graph(knowledge.names) if unit.graph == "identity" else knowledge
