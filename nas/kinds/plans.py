"""Plans of trials: what a driver asks for the next trial and reports each result to; and the plan of a fixed list."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from nas.results.measurement import Measurement
from nas.results.status import TrialStatus
from nas.specs import Fidelity
from nas.store import TrialRecord
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.document import Architecture


@dataclass(frozen=True)
class Proposal:
    """A trial that shall be run: `number` names it within its search."""

    number: int
    architecture: Architecture
    fidelity: Fidelity
    seed: int


class Need(NamedTuple):
    """A fidelity to prepare; `whole_network` where the architectures bring their own backbone."""

    fidelity: Fidelity
    whole_network: bool = False


class Plan(Protocol):
    """Where a driver's trials come from.

    A plan that was restored from the record proposes and stops as the one would have that made the record.
    """

    @property
    def size(self) -> int:
        """Number of trials, at most."""
        ...

    @property
    def finished(self) -> bool:
        """Whether nothing is left to propose."""
        ...

    @property
    def note(self) -> str | None:
        """A sentence for people about the search once it completed; None: there is nothing to say."""
        ...

    @property
    def needs(self) -> Collection[Need]:
        """Fidelities whose backbone and features are made before the first trial, each once."""
        ...

    def fidelity_of(self, trial: TrialRecord) -> Fidelity:
        """Fidelity of a recorded trial."""
        ...

    def restore(self, trials: Sequence[TrialRecord], curves: Mapping[int, Sequence[Measurement]]) -> None:
        """Take in all trials that earlier drivers recorded, running ones too, and their learning curves by number."""
        ...

    def propose(self) -> Proposal | None:
        """The next trial to run; None when none is left."""
        ...

    def should_continue(self, number: int, measurement: Measurement) -> bool:
        """Whether early stopping lets a trial train on after it was measured at a rung."""
        ...

    def tell(self, number: int, architecture: Architecture, status: TrialStatus, last: Measurement | None) -> None:
        """Take in the end of a trial; `last` is its measurement at the deepest rung, None without any."""
        ...


class ListPlan:
    """A list of trials known from the start, run in its order; each runs to its last rung."""

    note = None

    def __init__(self, proposals: Iterable[Proposal]) -> None:
        self._all = {proposal.number: proposal for proposal in proposals}
        self._left = deque(self._all.values())

    @property
    def size(self) -> int:
        return len(self._all)

    @property
    def finished(self) -> bool:
        return not self._left

    @property
    def needs(self) -> Collection[Need]:
        return dict.fromkeys(
            Need(proposal.fidelity, isinstance(proposal.architecture, AutoDeepLab)) for proposal in self._all.values()
        )

    def fidelity_of(self, trial: TrialRecord) -> Fidelity:
        proposal = self._all[trial.number]
        assert proposal.fidelity.key == trial.fidelity_key, trial.number
        return proposal.fidelity

    def restore(self, trials: Sequence[TrialRecord], curves: Mapping[int, Sequence[Measurement]]) -> None:
        recorded = {trial.number for trial in trials}
        assert recorded <= self._all.keys(), sorted(recorded - self._all.keys())
        self._left = deque(proposal for proposal in self._all.values() if proposal.number not in recorded)

    def propose(self) -> Proposal | None:
        return self._left.popleft() if self._left else None

    def should_continue(self, number: int, measurement: Measurement) -> bool:
        return True

    def tell(self, number: int, architecture: Architecture, status: TrialStatus, last: Measurement | None) -> None:
        """Nothing is learned from a trial: the list is fixed."""
