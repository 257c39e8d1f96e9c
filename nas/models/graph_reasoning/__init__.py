"""Units of global reasoning: project pixels to the nodes of a small graph, reason over the graph, project back."""

from nas.models.graph_reasoning.controls import ConstantContext, NonLocal
from nas.models.graph_reasoning.double_attention import DoubleAttention
from nas.models.graph_reasoning.gcu import GraphConvolutionUnit
from nas.models.graph_reasoning.glore import GloRe
from nas.models.graph_reasoning.knowledge import (
    KnowledgeGraph,
    cooccurrence_graph,
    hierarchy_of,
    identity_graph,
    shipped_graph,
)
from nas.models.graph_reasoning.sgr import SymbolicGraphReasoning

__all__ = [
    "ConstantContext",
    "DoubleAttention",
    "GloRe",
    "GraphConvolutionUnit",
    "KnowledgeGraph",
    "NonLocal",
    "SymbolicGraphReasoning",
    "cooccurrence_graph",
    "hierarchy_of",
    "identity_graph",
    "shipped_graph",
]
