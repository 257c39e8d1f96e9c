"""Differentiable architecture search by two-level optimisation, callable without Ray, a database or HTTP."""

from nas.training.bilevel.search import StepsDone, search, search_with_progress
from nas.training.bilevel.split import split_training_images

__all__ = ["StepsDone", "search", "search_with_progress", "split_training_images"]
