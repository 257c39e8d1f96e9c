"""Training-free scores of an architecture; their names, sources and signs are in `nas.specs.training_free`."""

from nas.training.training_free.scoring import Scored, score

__all__ = ["Scored", "score"]
