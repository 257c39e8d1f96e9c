"""Search strategies with an ask-and-tell interface, and the rule that stops trials early.

No Ray; torch and Optuna only where a strategy that needs them is built.
"""

from nas.strategies.asha import SuccessiveHalving
from nas.strategies.base import Observation, SearchStrategy, SpaceExhausted
from nas.strategies.cells import CellSpace
from nas.strategies.factory import build_strategy

__all__ = ["CellSpace", "Observation", "SearchStrategy", "SpaceExhausted", "SuccessiveHalving", "build_strategy"]
