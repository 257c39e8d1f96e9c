"""Plans of trials: a driver asks a plan for the next trial and reports each result to it. With the plan of a list."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from nas.results.measurement import Measurement
from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.specs import Fidelity
from nas.store import TrialRecord
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.document import Architecture


class Need(NamedTuple):
    """A fidelity to prepare; with `whole_network` the architectures are entire networks and need no backbone."""

    fidelity: Fidelity
    whole_network: bool = False


class Plan(Protocol):
    """The source of a driver's trials, which also decides which of them stop early.

    A plan that was restored from recorded trials proposes and stops as the plan would have that proposed them.
    """

    @property
    def size(self) -> int:
        """Largest number of trials."""
        ...

    @property
    def finished(self) -> bool:
        """Whether nothing is left to propose."""
        ...

    @property
    def note(self) -> str | None:
        """A remark for the user on the completed search, one sentence; None without one."""
        ...

    @property
    def needs(self) -> Collection[Need]:
        """Fidelities to prepare before the first trial (backbone and features), each once."""
        ...

    def fidelity_of(self, trial: TrialRecord) -> Fidelity:
        """Fidelity of a recorded trial."""
        ...

    def restore(self, trials: Sequence[TrialRecord], curves: Mapping[int, Sequence[Measurement]]) -> None:
        """Continue from the trials of earlier drivers.

        Args:
            trials: All recorded trials, running ones too.
            curves: Their measurements by the number of the trial, ascending in iterations.
        """
        ...

    def propose(self) -> Proposal | None:
        """Propose the next trial to run; None when none is left."""
        ...

    def should_continue(self, number: int, measurement: Measurement) -> bool:
        """Record a measurement at a rung, and decide whether the trial continues or is stopped early."""
        ...

    def judged(self, number: int, measurement: Measurement) -> bool | None:
        """Return whether a trial that continues from a rung was judged there; None where nothing is ever stopped."""
        ...

    def tell(self, number: int, architecture: Architecture, status: TrialStatus, last: Measurement | None) -> None:
        """Report the end of a trial; `last` is the measurement at its deepest rung, None without any."""
        ...


class ListPlan:
    """The plan of a fixed list of trials: they run in the order of the list, each to its last rung."""

    note = None

    def __init__(self, proposals: Iterable[Proposal]) -> None:
        self._all = {proposal.number: proposal for proposal in proposals}
        self._pending = deque(self._all.values())

    @property
    def size(self) -> int:
        return len(self._all)

    @property
    def finished(self) -> bool:
        return not self._pending

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
        self._pending = deque(proposal for proposal in self._all.values() if proposal.number not in recorded)

    def propose(self) -> Proposal | None:
        return self._pending.popleft() if self._pending else None

    def should_continue(self, number: int, measurement: Measurement) -> bool:
        return True

    def judged(self, number: int, measurement: Measurement) -> bool | None:
        return None

    def tell(self, number: int, architecture: Architecture, status: TrialStatus, last: Measurement | None) -> None:
        """Ignore the result: the list is fixed."""
