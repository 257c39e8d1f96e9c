"""Differentiable search on two levels, callable without Ray, a database or HTTP."""

from nas.training.bilevel.halves import halves
from nas.training.bilevel.search import search

__all__ = ["halves", "search"]
