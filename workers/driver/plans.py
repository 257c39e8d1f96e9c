"""Which trials a search is made of: what a strategy proposes, or a list known from the start."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from nas.results.measurement import Measurement
from nas.results.status import TrialStatus
from nas.specs import BlackBoxSpec, Fidelity
from nas.store import TrialRecord
from nas.strategies import Observation, SpaceExhausted, SuccessiveHalving, build_strategy
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.document import Architecture


@dataclass(frozen=True)
class Proposal:
    """A trial to be: `number` names it within its search."""

    number: int
    architecture: Architecture
    fidelity: Fidelity
    seed: int


class Need(NamedTuple):
    """A fidelity to prepare; `whole_network` where the architectures bring their own backbone."""

    fidelity: Fidelity
    whole_network: bool = False


class Plan(Protocol):
    """Where a driver's trials come from. Restored from the record it goes on as if it had lived on."""

    @property
    def size(self) -> int:
        """Trials in all, at most."""
        ...

    @property
    def finished(self) -> bool:
        """Whether nothing is left to propose."""
        ...

    @property
    def note(self) -> str | None:
        """What there is to say of a search that completed."""
        ...

    @property
    def needs(self) -> Collection[Need]:
        """What has to be prepared before the first trial."""
        ...

    def fidelity_of(self, trial: TrialRecord) -> Fidelity:
        """That of a recorded trial."""
        ...

    def restore(self, trials: Sequence[TrialRecord], curves: Mapping[int, Sequence[Measurement]]) -> None:
        """Take note of all trials that earlier drivers recorded, those in flight too."""
        ...

    def propose(self) -> Proposal | None:
        """The next trial; None when there is none left."""
        ...

    def should_continue(self, number: int, measurement: Measurement) -> bool:
        """Early stopping's word on a trial that has reached a rung."""
        ...

    def tell(self, number: int, architecture: Architecture, status: TrialStatus, last: Measurement | None) -> None:
        """A trial ended; `last` is its deepest rung."""
        ...


class StrategyPlan:
    """A black-box search: the strategy proposes, successive halving stops the weak at the rungs."""

    def __init__(self, spec: BlackBoxSpec) -> None:
        self._spec = spec
        early = spec.early_stopping
        self._strategy = build_strategy(spec)
        self._halving = SuccessiveHalving(spec.fidelity.rungs, early.reduction) if early else None
        self._next = 0
        self._exhausted = False

    @property
    def size(self) -> int:
        """As many as asked for."""
        return self._spec.trials

    @property
    def finished(self) -> bool:
        """Whether all were proposed, or the space holds no more."""
        return self._exhausted or self._next >= self._spec.trials

    @property
    def note(self) -> str | None:
        """Says so where the space was too small."""
        return f"the space has only {self._next} architectures" if self._exhausted else None

    @property
    def needs(self) -> Collection[Need]:
        """Backbone and features of the one fidelity."""
        return (Need(self._spec.fidelity),)

    def fidelity_of(self, trial: TrialRecord) -> Fidelity:
        """The one of all trials."""
        assert trial.fidelity_key == self._spec.fidelity.key, trial.number
        return self._spec.fidelity

    def restore(self, trials: Sequence[TrialRecord], curves: Mapping[int, Sequence[Measurement]]) -> None:
        """Told to the strategy in the order of their numbers."""
        self._strategy.restore(_observation(trial) for trial in trials)
        if self._halving is not None:
            self._halving.replay(curves)
        self._next = max((trial.number + 1 for trial in trials), default=0)

    def propose(self) -> Proposal | None:
        """What the strategy proposes next."""
        if self.finished:
            return None
        try:
            architecture = self._strategy.ask(self._next)
        except SpaceExhausted:
            self._exhausted = True
            return None
        self._next += 1
        return Proposal(self._next - 1, architecture, self._spec.fidelity, self._spec.seed)

    def should_continue(self, number: int, measurement: Measurement) -> bool:
        """Successive halving's word."""
        return self._halving is None or self._halving.record(number, measurement.iteration, measurement.score)

    def tell(self, number: int, architecture: Architecture, status: TrialStatus, last: Measurement | None) -> None:
        """The strategy learns."""
        score, iteration = (None, None) if last is None else (last.score, last.iteration)
        self._strategy.tell(Observation(number, architecture, str(status), score, iteration))


class ListPlan:
    """Trials known from the start, in their order; each runs to its last rung."""

    note = None

    def __init__(self, proposals: Iterable[Proposal]) -> None:
        self._all = {proposal.number: proposal for proposal in proposals}
        self._left = deque(self._all.values())

    @property
    def size(self) -> int:
        """Length of the list."""
        return len(self._all)

    @property
    def finished(self) -> bool:
        """Whether all were proposed."""
        return not self._left

    @property
    def needs(self) -> Collection[Need]:
        """Those of all trials, each once, in their order."""
        return dict.fromkeys(
            Need(proposal.fidelity, isinstance(proposal.architecture, AutoDeepLab)) for proposal in self._all.values()
        )

    def fidelity_of(self, trial: TrialRecord) -> Fidelity:
        """That of the trial's place in the list."""
        proposal = self._all[trial.number]
        assert proposal.fidelity.key == trial.fidelity_key, trial.number
        return proposal.fidelity

    def restore(self, trials: Sequence[TrialRecord], curves: Mapping[int, Sequence[Measurement]]) -> None:  # noqa: ARG002  nothing is stopped by rungs
        """Crosses them off the list."""
        recorded = {trial.number for trial in trials}
        assert recorded <= self._all.keys(), sorted(recorded - self._all.keys())
        self._left = deque(proposal for proposal in self._all.values() if proposal.number not in recorded)

    def propose(self) -> Proposal | None:
        """The next on the list."""
        return self._left.popleft() if self._left else None

    def should_continue(self, number: int, measurement: Measurement) -> bool:  # noqa: ARG002  asked of every plan
        """Always."""
        return True

    def tell(self, number: int, architecture: Architecture, status: TrialStatus, last: Measurement | None) -> None:
        """Nothing to learn."""


def _observation(trial: TrialRecord) -> Observation:
    return Observation(trial.number, trial.architecture, str(trial.status), trial.score, trial.iteration)
