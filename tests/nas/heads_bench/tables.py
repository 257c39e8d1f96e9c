"""A small table with numbers that tests can compute by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nas.heads_bench.build import LatencyOf, Training
from nas.heads_bench.table import Latency
from nas.specs import Fidelity
from search_spaces.document import Architecture, canonical
from search_spaces.environment import Environment
from search_spaces.reference.architecture import ReferenceHead
from tests.builders import dense_cell, measured, scenes_fidelity

ENVIRONMENT = Environment(
    device="cpu", model="a processor", threads=1, inputs="i", software={"torch": "2.13.0", "numpy": "2"}
)
LATENCY = Latency(device="cpu", model="a processor", threads=1, runs=200, warmup=20)
RUNGS = (100, 300)
SEEDS = (0, 1)


def cells(count: int = 4) -> tuple[Architecture, ...]:
    """Random cells of five branches, and the 1x1 head."""
    return (ReferenceHead(name="conv1x1"), *(dense_cell(number) for number in range(count - 1)))


def score(head: int, seed: int, rung: int) -> float:
    """The score of the head of this index: exact in binary, the better the larger the index."""
    return (head + 1) / 32 + seed / 128 + rung / 1024


def trainings(
    heads: Sequence[Architecture], fidelity: Fidelity | None = None, seeds: Sequence[int] = SEEDS
) -> Iterator[Training]:
    """Yield a training of each head with each seed."""
    at = fidelity or scenes_fidelity(*RUNGS)
    for index, head in enumerate(heads):
        for seed in seeds:
            curve = tuple(
                measured(
                    rung,
                    score(index, seed, rung),
                    seconds=rung / 4 + index,
                    class_iou=(score(index, seed, rung) + 1 / 16, score(index, seed, rung) - 1 / 16, None),
                    parameters=1000 + index,
                    multiply_adds=10_000 + index,
                    environment=ENVIRONMENT,
                )
                for rung in at.rungs
            )
            yield Training(canonical(head), at, seed, curve, ("road", "sky", "sign"))


def latencies(heads: Sequence[Architecture]) -> dict[tuple[str, str], LatencyOf]:
    """Latencies of all heads but the last."""
    return {("scenes", head.key): LatencyOf(1.5 + index, 0.25) for index, head in enumerate(heads[:-1])}
