"""Kinds of change that one mutation may make to an architecture."""

from __future__ import annotations

from typing import Literal, TypeAlias

MutationKind: TypeAlias = Literal["operator", "neighbour", "input", "level", "width", "path"]
"""What one mutation changes; a space has some of these kinds.

- operator: the operator of a branch of a cell, or of an edge of a network's cell, to any other.
- neighbour: one size of a branch's operator, to the next smaller or larger: a rate or a number of bins on one axis, the
  size of a unit of global reasoning. A 1x1 convolution has none.
- input: what a branch or an edge reads, to any other.
- level: which feature map a branch reads, to any other.
- width: the number of filters, to any other.
- path: the level of one layer of a network, such that its path stays a path.
"""
