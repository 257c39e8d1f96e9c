"""Search spaces: descriptions of architectures, sampling, mutation, JSON documents. Imports no torch, no `nas`."""

from search_spaces.auto_deeplab.architecture import PUBLISHED_AUTO_DEEPLAB, AutoDeepLab, Block, Edge
from search_spaces.dense_cell.architecture import (
    EXTENDED_OPERATORS,
    OPERATORS,
    PUBLISHED_CELL,
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
    PyramidPooling,
)
from search_spaces.dense_cell.deeplab import read_deeplab, write_deeplab
from search_spaces.document import (
    Architecture,
    ArchitectureDocument,
    Provenance,
    Score,
    architecture_from_dict,
    architecture_to_dict,
    canonical,
    read_architecture,
    write_document,
)
from search_spaces.environment import Environment
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.reference.heads import (
    MULTI_LEVEL_HEADS,
    REFERENCE_HEADS,
    reference_heads,
    trunk_without_unit,
)
from search_spaces.text import architecture_text, cell_lines
from search_spaces.units import (
    ConstantContext,
    DoubleAttention,
    GloRe,
    GraphConvolution,
    NonLocal,
    SymbolicReasoning,
    Unit,
)

__all__ = [
    "EXTENDED_OPERATORS",
    "MULTI_LEVEL_HEADS",
    "OPERATORS",
    "PUBLISHED_AUTO_DEEPLAB",
    "PUBLISHED_CELL",
    "REFERENCE_HEADS",
    "Architecture",
    "ArchitectureDocument",
    "AtrousSeparable",
    "AutoDeepLab",
    "Block",
    "Branch",
    "ConstantContext",
    "Conv1x1",
    "DenseCell",
    "DoubleAttention",
    "Edge",
    "Environment",
    "GloRe",
    "GraphConvolution",
    "NonLocal",
    "Provenance",
    "PyramidPooling",
    "ReferenceHead",
    "Score",
    "SymbolicReasoning",
    "Unit",
    "architecture_from_dict",
    "architecture_text",
    "architecture_to_dict",
    "canonical",
    "cell_lines",
    "read_architecture",
    "read_deeplab",
    "reference_heads",
    "trunk_without_unit",
    "write_deeplab",
    "write_document",
]
