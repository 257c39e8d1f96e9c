"""Recorded or generated scores of many heads, from which replays draw probes, calibrations and searches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.heads_bench import HeadsTable
from nas.ranking.correlation import Floats
from nas.specs import Fidelity
from nas.specs.confirmation import textbook_heads
from search_spaces.dense_cell.architecture import PUBLISHED_CELL, DenseCell
from search_spaces.document import Architecture
from search_spaces.reference.architecture import ReferenceHead

BRANCHES = (5, 3)
"""Of the random cells of the table: each number is a space of its own."""

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Recorded:
    """Scores of heads on one data set.

    Attributes:
        name: Of the data set.
        rungs: Iterations, ascending.
        scores: mIoU, (heads, seeds, rungs).
        seconds: Since the training began, (heads, seeds, rungs).
        multiply_adds: (heads,).
        cells: Places of the random cells.
        references: Places of the heads of the textbooks that a probe measures.
    """

    name: str
    rungs: tuple[int, ...]
    scores: Floats
    seconds: Floats
    multiply_adds: Floats
    cells: Places
    references: Places


def recorded(
    table: HeadsTable, dataset: str, *, branches: int | None = None, times: int = 1, after: int = 0
) -> Recorded:
    """Take one data set of a table.

    Args:
        table: The table.
        dataset: Name of the data set.
        branches: Of the random cells that are taken; None for all.
        times: Width of the heads of the textbooks, in widths of the fidelity's head.
        after: Number of the table's leading heads of which no random cell is taken.

    Raises:
        ValueError: The table has no such data set, or no such cells, or none of the heads of the textbooks.
    """
    setting, numbers = table.setting(dataset), table.numbers[dataset]
    fidelity = setting.read_fidelity()
    wanted = {_identity(head, fidelity) for head in textbook_heads(fidelity, times * fidelity.head.channels)}
    architectures = [head.architecture for head in table.heads]
    references = [row for row, head in enumerate(architectures) if _identity(head, fidelity) in wanted]
    cells = [
        row
        for row, head in enumerate(architectures)
        if isinstance(head, DenseCell)
        and row >= after
        and branches in (None, len(head.branches))
        and head.model_copy(update={"channels": None}).key != PUBLISHED_CELL.key
    ]
    if not references or not cells:
        raise ValueError(f"the table has {len(cells)} such random cells and {len(references)} heads of the textbooks")
    words = [dataset, f"B {branches}" if branches else "", f"against {times} times the width" if times > 1 else ""]
    return Recorded(
        ", ".join(filter(None, words)),
        setting.rungs,
        numbers.score,
        numbers.seconds,
        numbers.multiply_adds.astype(np.float64),
        np.array(cells),
        np.array(references),
    )


def _identity(head: Architecture, fidelity: Fidelity) -> str:
    """Key of what is built: a width that is left to the fidelity is the fidelity's."""
    if isinstance(head, DenseCell | ReferenceHead) and head.channels is None:
        head = head.model_copy(update={"channels": fidelity.head.channels})
    return head.key


def generated(
    rng: np.random.Generator,
    *,
    name: str = "generated",
    cells: int = 286,
    references: int = 6,
    seeds: int = 3,
    rungs: Sequence[int] = (50, 100, 200, 400),
    rho: Sequence[float] = (0.8, 0.92, 0.98),
    spread: Sequence[float] = (0.06, 0.065, 0.065, 0.06),
    noise: Sequence[float] = (0.035, 0.026, 0.013, 0.008),
    shape: float = -0.8,
    advantage: float = 0.0,
    family: float = 0.3,
) -> Recorded:
    """Draw scores whose true values are known to be correlated between rungs.

    Args:
        rng: Source of all draws.
        name: Of the data set.
        cells: Number of random cells.
        references: Number of heads of the textbooks.
        seeds: Of each head.
        rungs: Iterations.
        rho: Correlation of the true scores at each rung but the last with those at the last.
        spread: Standard deviation of the cells' true scores at each rung.
        noise: Standard deviation over seeds at each rung.
        shape: Skewness, as in `nas.ranking.population`.
        advantage: Of the references over the mean cell, in spreads.
        family: Standard deviation of a further advantage at the last rung, in spreads.
    """
    heads = cells + references
    half, normal = rng.standard_normal((2, heads, len(rungs)))
    values = shape * np.abs(half) + math.sqrt(1 - shape**2) * normal
    free = (values - shape * math.sqrt(2 / math.pi)) / math.sqrt(1 - shape**2 * 2 / math.pi)
    free[cells:] = 0.5 * free[cells:] + advantage
    true = np.empty((heads, len(rungs)))
    true[:, -1] = free[:, -1]
    for place, r in enumerate(rho):
        true[:, place] = r * true[:, -1] + math.sqrt(1 - r**2) * free[:, place]
    true[cells:, -1] += family * rng.standard_normal()
    scores = 0.5 + np.array(spread) * true
    noisy = scores[:, None, :] + np.array(noise) * rng.standard_normal((heads, seeds, len(rungs)))
    seconds = np.broadcast_to(np.array(rungs, dtype=np.float64) / 25, noisy.shape)
    sizes = np.concatenate([rng.uniform(6e6, 22e6, cells), np.linspace(9e6, 30e6, references)])
    return Recorded(name, tuple(rungs), noisy, seconds, sizes, np.arange(cells), np.arange(cells, heads))
