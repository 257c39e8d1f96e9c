"""What can be searched: plain descriptions, sampling, mutation, JSON documents. No torch, nothing of ours."""

from search_spaces.auto_deeplab import PUBLISHED_AUTO_DEEPLAB, AutoDeepLab, Block, Edge
from search_spaces.deeplab import read_deeplab, write_deeplab
from search_spaces.dense_cell import (
    OPERATORS,
    PUBLISHED_CELL,
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
    PyramidPooling,
)
from search_spaces.document import (
    Architecture,
    ArchitectureDocument,
    Provenance,
    Score,
    architecture_from_dict,
    architecture_to_dict,
    read_architecture,
    write_document,
)
from search_spaces.reference_head import ReferenceHead

__all__ = [
    "OPERATORS",
    "PUBLISHED_AUTO_DEEPLAB",
    "PUBLISHED_CELL",
    "Architecture",
    "ArchitectureDocument",
    "AtrousSeparable",
    "AutoDeepLab",
    "Block",
    "Branch",
    "Conv1x1",
    "DenseCell",
    "Edge",
    "Provenance",
    "PyramidPooling",
    "ReferenceHead",
    "Score",
    "architecture_from_dict",
    "architecture_to_dict",
    "read_architecture",
    "read_deeplab",
    "write_deeplab",
    "write_document",
]
