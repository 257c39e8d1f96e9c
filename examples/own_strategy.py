"""A search strategy of your own: written, checked, compared on recorded heads, and run by the service.

    pytest examples/own_strategy.py                                  # the contract of all strategies
    python -m examples.own_strategy benchmarks/heads_bench/heads.zip --dataset scenes --seeds 20

For the service, install the file with an entry point `[project.entry-points."segnas.kinds"]`, `climb =
"own_strategy:KIND"`, where the service and its drivers run. A search is then a black-box search with `kind: climb`.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Sequence
from typing import Any, Literal

import nas.heads_bench
from nas.heads_bench.replay import Replay
from nas.kinds.black_box import BlackBox, StrategyPlan
from nas.specs import BlackBoxSpec, DenseCellSpace
from nas.store import Store
from nas.strategies import Observation, SearchStrategy, Space, build_space, build_strategy
from nas.strategies.base import SpaceStrategy
from nas.strategies.contract import StrategyContract
from nas.strategies.spaces import A
from nas.strategies.standings import Standings
from workers.simulation import VirtualClock, simulate

TRIES = 50
SPACE = DenseCellSpace(branches=5, operators="extended")
"""Of the searches on the table."""


class HillClimbing(SpaceStrategy[A]):
    """Changes one choice of the best architecture so far; every fourth proposal is uniform.

    `SpaceStrategy` keeps the rest of the contract: no architecture twice, restored from the record, none beyond a
    limit. Which trial is the better one is asked of `Standings`, which never compares scores of two rungs.
    """

    def __init__(self, space: Space[A], seed: int) -> None:
        super().__init__(space, seed)
        self._scored: list[Observation] = []
        self._standings = Standings()

    def _learn(self, observation: Observation) -> None:
        if observation.scored:
            self._standings.note(observation)
            self._scored.append(observation)

    def _propose(self, number: int, rng: random.Random) -> A | None:
        if number % 4 == 0 or not self._scored:
            return None  # a uniform draw
        best = max(self._scored, key=lambda seen: (self._standings.of(seen), -seen.number))
        for _ in range(TRIES):
            changed = self._space.mutate(self._space.own(best.architecture), rng)
            if changed is not None and self._is_new(changed):
                return changed
        return None


class TestHillClimbing(StrategyContract):
    """Every check of the contract. `OnNetworks`, named before it, has them run on networks instead of cells."""

    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        return HillClimbing(space, seed)


class ClimbSpec(BlackBoxSpec):
    """A black-box search whose strategy is `HillClimbing`; its field `strategy` is not used."""

    kind: Literal["climb"] = "climb"  # type: ignore[assignment]  # a kind has a name of its own


class Climb(BlackBox):
    """The kind of search that the service knows by the entry point."""

    spec = ClimbSpec

    def strategy(self, spec: BlackBoxSpec) -> SearchStrategy:
        return HillClimbing(build_space(spec.space_at(spec.fidelity), spec.fidelity), spec.seed)

    def method(self, spec: BlackBoxSpec) -> str:  # noqa: ARG002  the base's signature
        return "hill climbing"


KIND = Climb()


def best_score(replay: Replay, seed: int, *, own: bool) -> float:
    """Simulate a search of 60 trials on a table, by 8 workers, and return the score of the best.

    Args:
        replay: The table and its data set.
        seed: Of the search.
        own: Whether it climbs, or draws at random.
    """
    spec = BlackBoxSpec.model_validate(
        {
            "name": "own strategy",
            "space": SPACE,
            "fidelity": replay.fidelity,
            "trials": 60,
            "early_stopping": None,
            "seed": seed,
            "resources": {"concurrent": 8},
        }
    )
    space = replay.space(SPACE)
    strategy = HillClimbing(space, seed) if own else build_strategy(spec, space)
    clock = VirtualClock()
    with Store.open("sqlite://", clock) as store:
        store.migrate()
        found = simulate(
            store,
            clock,
            spec,
            StrategyPlan(spec, strategy=strategy),
            lambda task: replay.curve(task.architecture, task.fidelity, task.seed),
        )
        best = store.best_trial(found.search_id)
    assert best is not None
    assert best.score is not None
    return best.score


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the median of the best scores of both, over seeds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("table")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args(arguments)
    replay = Replay(nas.heads_bench.open(given.table), given.dataset)
    for name, own in (("random", False), ("hill climbing", True)):
        scores = [best_score(replay, seed, own=own) for seed in range(given.seeds)]
        print(f"{name}: {statistics.median(scores):.4f} mIoU, the median of {given.seeds} searches")


if __name__ == "__main__":
    main()
