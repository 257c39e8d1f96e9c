"""The contract of `nas.strategies.base.SearchStrategy` as a test suite, for a strategy of your own as well.

Subclass it in a file of tests, and pytest runs every check on your strategy:

    from nas.strategies.contract import StrategyContract

    class TestMine(StrategyContract):
        def build(self, space, seed):
            return MyStrategy(space, seed)
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from nas.specs import AutoDeepLabSpace, CellLimit, DenseCellSpace, NetworkLimit
from nas.strategies.base import Observation, SearchStrategy, SpaceExhausted
from nas.strategies.cells import CellSpace
from nas.strategies.networks import NetworkSpace
from nas.strategies.spaces import Space
from search_spaces.auto_deeplab.architecture import AutoDeepLab, Block
from search_spaces.auto_deeplab.cost import NetworkSetting
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.cost import CellSetting
from search_spaces.document import Architecture, architecture_from_dict, architecture_to_dict, canonical

RUNGS = (10, 30, 90)
"""The rungs of the made-up trials, in training iterations."""

PAPER = CellSpace(DenseCellSpace())
SMALL = CellSpace(DenseCellSpace(branches=1))
SPACES: Mapping[str, Space[Any]] = {
    "paper": PAPER,
    "two branches": CellSpace(DenseCellSpace(branches=2)),
    "extended": CellSpace(DenseCellSpace(branches=3, operators="extended")),
    "levels, widths and a limit": CellSpace(
        DenseCellSpace(levels=(8, 16), channels=(16, 24, 32, 48), limit=CellLimit(parameters=13_000)),
        CellSetting(in_channels=(24, 40), channels=32, output_stride=8, crop=(128, 256)),
    ),
}
"""Spaces that differ in every field of `DenseCellSpace`."""

NETWORKS = NetworkSpace(AutoDeepLabSpace())
FEW_NETWORKS = NetworkSpace(AutoDeepLabSpace(layers=2, levels=2, blocks=1, operators=("sep_3x3", "sep_5x5", "skip")))
NETWORK_SPACES: Mapping[str, Space[Any]] = {
    "paper": NETWORKS,
    "two blocks on a short trellis": NetworkSpace(AutoDeepLabSpace(layers=4, blocks=2)),
    "one level and two operators": NetworkSpace(
        AutoDeepLabSpace(layers=3, levels=1, blocks=3, operators=("atrous_3x3", "max_pool_3x3"))
    ),
    "a limit": NetworkSpace(
        AutoDeepLabSpace(layers=5, levels=3, blocks=3, limit=NetworkLimit(parameters=35_000)),
        NetworkSetting(
            filters=4, stem_channels=8, aspp_channels=16, low_level_channels=8, decoder_channels=16, crop=(128, 256)
        ),
    ),
}
"""Spaces that differ in every field of `AutoDeepLabSpace`."""


class StrategyContract:
    """Checks what every search strategy promises. A subclass builds the strategy, and may choose sizes and spaces.

    By default the spaces are of dense cells. `OnNetworks`, named before the suite, has it run on networks.

    Attributes:
        asks: Proposals that are checked for repeats in the paper's space; 10,000 takes long and finds more.
        trials: Proposals of the other checks.
        workers: Proposals that are asked for before the first trial ends; 370 as in the DPC paper's search.
        spaces: The spaces of which proposals are checked, by a name for messages; `paper` is the one of `asks`.
        paper: The space of the other checks, so large that no draw is made twice.
        small: A space of less than 100 architectures, which is searched to its end.
    """

    asks = 150
    trials = 30
    workers = 370
    spaces: Mapping[str, Space[Any]] = SPACES
    paper: Space[Any] = PAPER
    small: Space[Any] = SMALL

    def build(self, space: Space[Any], seed: int) -> SearchStrategy:
        """Build the strategy under test, as new."""
        raise NotImplementedError("a subclass of StrategyContract builds its strategy in build(space, seed)")

    def ending(self, number: int, cell: Architecture) -> Observation:
        """Make up how a trial ends; the same for the same number, and of every kind."""
        rng = random.Random(number)  # noqa: S311
        status = rng.choice(["completed", "completed", "completed", "pruned", "pruned", "failed", "stopped"])
        rung = RUNGS[-1] if status == "completed" else rng.choice(RUNGS[:-1] if status == "pruned" else RUNGS)
        unjudged = (RUNGS[0], rng.random()) if rung > RUNGS[0] and rng.random() < 0.2 else None
        if status == "failed" and rng.random() < 0.5:
            return Observation(number, cell, status)
        return Observation(number, cell, status, rng.random(), rung, unjudged)

    def test_proposals_belong_to_the_space_and_none_repeats(self) -> None:
        for name, space in self.spaces.items():
            strategy, seen, in_flight = self.build(space, 0), set(), dict[int, Architecture]()
            for number in range(self.asks if name == "paper" else self.trials):
                cell = _ask(strategy, number)
                _check_belongs(space, cell, f"{name}: proposal {number}")
                assert cell not in seen, f"{name}: proposal {number} was proposed before"
                seen.add(cell)
                in_flight[number] = cell
                self._end_one(strategy, in_flight, most=12)

    def test_a_number_asked_again_has_the_same_architecture(self) -> None:
        strategy = self.build(self.paper, 0)
        first = _ask(strategy, 0)
        _ask(strategy, 1)
        assert _ask(strategy, 0) == first, "trial 0 has another architecture when asked for again"

    def test_all_workers_may_ask_before_the_first_tell(self) -> None:
        strategy = self.build(self.paper, 0)
        proposed = {_ask(strategy, number) for number in range(self.workers)}
        found = len(proposed)
        assert found == self.workers, f"{self.workers} outstanding proposals have only {found} architectures"

    def test_what_runs_or_has_ended_is_not_proposed_and_the_space_ends(self) -> None:
        """Half of a small space is told, of earlier processes and other searches; the other half is left."""
        everything = list(self.small.all())
        random.Random(1).shuffle(everything)  # noqa: S311
        half = len(everything) // 2 + 1
        known, left = everything[:half], everything[half:]
        strategy = self.build(self.small, 0)
        statuses = ["running", "completed", "pruned", "failed", "stopped"]
        strategy.restore(
            Observation(number, cell, statuses[number % 5], *((0.5, 90) if number % 5 in (1, 2) else ()))
            for number, cell in enumerate(known, start=-11)
        )
        first = half - 11
        proposed = [_ask(strategy, number) for number in range(first, first + len(left))]
        assert not set(proposed) & set(known), "an architecture that was told is proposed"
        assert set(proposed) == set(left), "architectures of the space are left, and others are proposed"
        try:
            strategy.ask(first + len(left))
        except SpaceExhausted:
            return
        raise AssertionError("the space is used up, and ask raises no SpaceExhausted")

    def test_the_order_of_parts_makes_no_other_architecture(self) -> None:
        """Told architectures are enqueued with their parts in another order, and so are the first proposals."""
        told = [self._turnable(number) for number in range(self.trials)]
        strategy = self.build(self.paper, 0)
        strategy.restore(Observation(n, cell, "completed", 0.5, 90) for n, cell in enumerate(told, start=-len(told)))
        strategy.enqueue(_turned(cell) for cell in told)
        for number in range(self.trials):
            cell = _ask(strategy, number)
            assert cell not in told, f"proposal {number} was told, with its parts in another order"
            strategy.tell(self.ending(number, _turned(cell)))

    def test_equal_histories_give_equal_proposals_and_seeds_differ(self) -> None:
        one, again, other = ([_written(cell) for cell in self._life(seed)] for seed in (1, 1, 2))
        assert one == again, "two searches with equal seed and history propose differently"
        assert one != other, "another seed gives the same search"

    def test_restored_in_the_middle_it_proposes_the_same(self) -> None:
        """Many trials in flight, ended in any order, told as the store keeps them; the record comes shuffled."""
        for seed, outstanding in ((0, 1), (1, 4), (2, self.trials * 2 // 3)):
            lived, rng = self.build(self.paper, seed), random.Random(seed)  # noqa: S311
            in_flight: dict[int, Architecture] = {}
            ended: list[Observation] = []
            for number in range(self.trials):
                in_flight[number] = _stored(_ask(lived, number))
                if len(in_flight) == outstanding:
                    done = rng.choice(sorted(in_flight))
                    ended.append(self.ending(done, in_flight.pop(done)))
                    lived.tell(ended[-1])
            running = [Observation(number, cell, "running", 0.9, 10) for number, cell in in_flight.items()]
            restored = self.build(self.paper, seed)
            restored.restore(rng.sample([*ended, *running], k=self.trials))
            self._same_next(lived, restored, f"restored with {len(running)} trials in flight")
            for number, cell in in_flight.items():  # they end after all, in both lives
                lived.tell(self.ending(number, cell))
                restored.tell(self.ending(number, cell))
            self._same_next(lived, restored, "after the trials in flight have ended", first=self.trials + 3)

    def test_the_order_of_tells_does_not_matter(self) -> None:
        one, other = self.build(self.paper, 0), self.build(self.paper, 0)
        ends = [self.ending(number, _stored(_ask(one, number))) for number in range(self.trials)]
        for number in range(self.trials):
            other.ask(number)
        for end in ends:
            one.tell(end)
        for end in random.Random(2).sample(ends, k=len(ends)):  # noqa: S311
            other.tell(end)
        self._same_next(one, other, "told in another order")

    def test_a_second_end_is_ignored(self) -> None:
        def more(number: int, end: Observation) -> Iterable[Observation]:
            cell = end.architecture
            return end, Observation(number, cell, "failed"), Observation(number, cell, "completed", 1.0, 90)

        once, twice = self._told(lambda _, end: (end,)), self._told(more)
        self._same_next(once, twice, "told a second end of each trial")

    def test_failed_and_stopped_trials_have_no_score(self) -> None:
        """Whether such a trial had the best score of all before it ended, or none, makes no difference."""

        def ends(score: float | None, iteration: int | None) -> SearchStrategy:
            def end(number: int, end: Observation) -> Iterable[Observation]:
                failed = end.status in ("failed", "stopped")
                return (Observation(number, end.architecture, end.status, score, iteration) if failed else end,)

            return self._told(end)

        self._same_next(ends(None, None), ends(1.0, RUNGS[-1]), "told the best scores for failed and stopped trials")

    def test_a_search_in_which_all_trials_fail_goes_on(self) -> None:
        strategy = self._told(lambda number, end: (Observation(number, end.architecture, "failed"),))
        _ask(strategy, self.trials)

    def test_scores_of_different_rungs_are_not_compared(self) -> None:
        """All scores of one rung are halved: their order stays, and how they lie to other rungs' changes."""
        as_ended = self._told(lambda _, end: (end,))
        for rung in RUNGS:

            def halved(number: int, end: Observation, rung: int = rung) -> Iterable[Observation]:
                at, score, unjudged = end.iteration, end.score, end.unjudged
                score = score / 2 if score is not None and at == rung else score
                unjudged = (rung, unjudged[1] / 2) if unjudged is not None and unjudged[0] == rung else unjudged
                return (Observation(number, end.architecture, end.status, score, at, unjudged),)

            self._same_next(as_ended, self._told(halved), f"told half of each score at the rung {rung}")

    def test_generators_of_the_process_are_neither_read_nor_moved(self) -> None:
        before = random.getstate(), _numpy_state()
        answers = [_written(cell) for cell in self._life(3)]
        assert (random.getstate(), _numpy_state()) == before, "a random generator of the process was moved"
        random.seed(1)
        np.random.seed(1)
        try:
            assert [_written(cell) for cell in self._life(3)] == answers, "a random generator of the process is read"
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])

    def test_enqueued_architectures_come_first_and_once(self) -> None:
        first, known, second = (self._turnable(number) for number in range(3))
        queue, warm = [first, _turned(first), known, second], Observation(-1, known, "completed", 0.5, 90)
        lived, restored = self.build(self.paper, 0), self.build(self.paper, 0)
        for strategy in (lived, restored):
            strategy.enqueue(queue)
            strategy.restore([warm])
        assert [_ask(lived, 0), _ask(lived, 1)] == [first, second], "the queue is not proposed first, each cell once"
        assert _ask(lived, 2) not in queue, "a queued architecture is proposed twice"
        restored.restore([Observation(0, _stored(first), "running")])
        assert _ask(restored, 1) == second, "restored after the first of its queue, it does not go on with the next"
        assert _written(_ask(restored, 2)) == _written(_ask(lived, 2)), "restored, it proposes something else"

    def _turnable(self, number: int) -> Architecture:
        """Draw an architecture that can be written in another order; the same for the same number."""
        rng = random.Random(number)  # noqa: S311
        while True:
            cell: Architecture = self.paper.sample(rng)
            if _written(_turned(cell)) != _written(cell):
                return cell

    def _life(self, seed: int) -> list[Architecture]:
        """Ask and tell with a few trials in flight."""
        strategy, found, in_flight = self.build(self.paper, seed), [], dict[int, Architecture]()
        for number in range(self.trials):
            found.append(_ask(strategy, number))
            in_flight[number] = found[-1]
            self._end_one(strategy, in_flight, most=4)
        return found

    def _end_one(self, strategy: SearchStrategy, in_flight: dict[int, Architecture], most: int) -> None:
        if len(in_flight) == most:
            done = random.Random(max(in_flight)).choice(sorted(in_flight))  # noqa: S311
            strategy.tell(self.ending(done, _stored(in_flight.pop(done))))

    def _told(self, ends: Any) -> SearchStrategy:
        """Tell a strategy, after each proposal, what `ends` makes of the trial's end."""
        strategy = self.build(self.paper, 0)
        # All are asked for first: what is told differs between two lives, and what was proposed must not.
        cells = [_stored(_ask(strategy, number)) for number in range(self.trials)]
        for number, cell in enumerate(cells):
            for end in ends(number, self.ending(number, cell)):
                strategy.tell(end)
        return strategy

    def _same_next(self, one: SearchStrategy, other: SearchStrategy, words: str, first: int | None = None) -> None:
        start = self.trials if first is None else first
        for number in range(start, start + 3):
            expected, found = _written(_ask(one, number)), _written(_ask(other, number))
            assert found == expected, f"{words}, it proposes for trial {number} {found} instead of {expected}"


def _ask(strategy: SearchStrategy, number: int) -> Architecture:
    return strategy.ask(number)


def _check_belongs(space: Space[Any], cell: Architecture, words: str) -> None:
    try:
        space.spec.check_architecture(cell)
    except ValueError as error:
        raise AssertionError(f"{words} is not of the space: {error}") from None
    assert space.admits(cell), f"{words} is beyond the limit"


def _stored(cell: Architecture) -> Architecture:
    """Return the architecture as a trial's record has it: in its canonical form, through JSON."""
    return architecture_from_dict(architecture_to_dict(canonical(cell)))


def _turned(cell: Architecture) -> Architecture:
    """Write an architecture in another order where that is the same one.

    The first two branches of a cell change places; of a network the edges of all blocks do, and its first two blocks
    where the second does not read the first.
    """
    if isinstance(cell, AutoDeepLab):
        return _turned_network(cell)
    assert isinstance(cell, DenseCell), cell.kind
    first, second, *rest = cell.branches
    if second.input >= 0 or any(branch.input in (0, 1) for branch in rest):
        return cell
    return cell.model_copy(update={"branches": (second, first, *rest)})


def _turned_network(network: AutoDeepLab) -> AutoDeepLab:
    blocks = [[edge.model_dump() for edge in reversed(block.edges)] for block in network.blocks]
    if len(blocks) > 1 and all(edge["input"] < 2 for edge in blocks[1]):
        blocks[:2] = blocks[1::-1]
        for edge in (edge for edges in blocks for edge in edges):
            edge["input"] = {2: 3, 3: 2}.get(edge["input"], edge["input"])
    turned = tuple(Block.model_validate({"edges": edges}) for edges in blocks)
    return network.model_copy(update={"blocks": turned})


def _written(architecture: Architecture) -> dict[str, Any]:
    return architecture_to_dict(architecture)


def _numpy_state() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state()
    return (name, tuple(keys), *rest)


class OnNetworks:
    """Spaces of networks in place of those of cells, for a subclass of a contract: `class X(OnNetworks, Mine)`."""

    spaces = NETWORK_SPACES
    paper: Space[Any] = NETWORKS
    small: Space[Any] = FEW_NETWORKS
