"""Differentiable search on two levels, callable without Ray, a database or HTTP."""

from nas.training.bilevel.halves import halves
from nas.training.bilevel.search import StepsDone, search, search_telling

__all__ = ["StepsDone", "halves", "search", "search_telling"]
