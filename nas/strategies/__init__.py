"""Search strategies with an ask-and-tell interface, and the rules that stop trials early.

No Ray; torch and Optuna only where a strategy that needs them is built.
"""

from nas.strategies.base import Observation, SearchStrategy, SpaceExhausted
from nas.strategies.cells import CellSpace
from nas.strategies.factory import build_space, build_strategy
from nas.strategies.spaces import Space
from nas.strategies.stopping.asha import SuccessiveHalving
from nas.strategies.stopping.factory import early_stopper

__all__ = [
    "CellSpace",
    "Observation",
    "SearchStrategy",
    "Space",
    "SpaceExhausted",
    "SuccessiveHalving",
    "build_space",
    "build_strategy",
    "early_stopper",
]
