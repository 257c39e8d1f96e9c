"""The plan of a calibration that stops when it knows which proxies order well enough."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from nas.kinds.plans import Need
from nas.results.measurement import Measurement
from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.specs import CalibrationSpec, Fidelity
from nas.specs.calibration_trials import Place, TrialNumbers
from nas.store import TrialRecord
from search_spaces.document import Architecture

# Only types: numpy and scipy are not loaded at the service's start.
if TYPE_CHECKING:
    from nas.ranking.sequential import Course
    from nas.ranking.sequential_trials import Outcome


class SequentialPlan:
    """Proposes what the next look waits for, the longest trainings first, and then nothing until these have ended.

    Which architectures go on to full scale is chosen by the scores of the costliest proxy, so these come first.

    Proxies have the calibration's seed, and full scale the seeds after it: noise that both share would be taken for
    agreement.

    Args:
        spec: A calibration with `sequential`.
        sample: Its architectures, as many as its proxies measure at most.
    """

    def __init__(self, spec: CalibrationSpec, sample: Sequence[Architecture]) -> None:
        self._spec = spec
        self._sample = sample
        self._numbers = TrialNumbers(spec)
        self._begun: set[int] = set()
        self._ended: dict[int, Outcome] = {}
        self._course: Course | None = None
        self._missing: set[int] = set()

    @property
    def size(self) -> int:
        return self._spec.planned

    @property
    def finished(self) -> bool:
        return next(self._waiting(), None) is None

    @property
    def note(self) -> str | None:
        course = self._now()
        left = self.size - len(self._begun)
        return f"it was known after {course.looks} looks, so {left} trials were not needed" if left else None

    @property
    def needs(self) -> Collection[Need]:
        return [Need(fidelity) for fidelity in (*self._spec.proxies.values(), self._spec.full_scale)]

    def fidelity_of(self, trial: TrialRecord) -> Fidelity:
        fidelity = self._proposal(trial.number).fidelity
        assert fidelity.key == trial.fidelity_key, trial.number
        return fidelity

    def restore(self, trials: Sequence[TrialRecord], curves: Mapping[int, Sequence[Measurement]]) -> None:
        from nas.ranking.sequential_trials import outcomes

        self._begun = {trial.number for trial in trials}
        self._ended = outcomes(trials)
        self._course = None

    def propose(self) -> Proposal | None:
        number = next(self._waiting(), None)
        if number is None:
            return None
        self._begun.add(number)
        return self._proposal(number)

    def should_continue(self, number: int, measurement: Measurement) -> bool:
        return True

    def judged(self, number: int, measurement: Measurement) -> bool | None:
        return None

    def tell(self, number: int, architecture: Architecture, status: TrialStatus, last: Measurement | None) -> None:
        from nas.ranking.sequential_trials import Outcome

        done = status is TrialStatus.COMPLETED and last is not None
        self._ended[number] = Outcome(last.score, last.device_seconds) if done and last else Outcome(math.nan, 0.0)
        self._missing.discard(number)
        if not self._missing:
            self._course = None  # the next look can be taken

    def _now(self) -> Course:
        from nas.ranking.sequential_trials import course_of

        if self._course is None:
            self._course = course_of(self._spec, self._ended)
            self._missing = {number for number in self._next(self._course) if number not in self._ended}
        return self._course

    def _waiting(self) -> Iterator[int]:
        """Numbers of the trials that the next look needs and that have not begun."""
        return (number for number in self._next(self._now()) if number not in self._begun)

    def _next(self, course: Course) -> Iterator[int]:
        """Numbers of the trials that the next look needs, the longest first."""
        if course.over:
            return
        assert self._spec.sequential is not None, self._spec.name
        wide = course.full * self._spec.sequential.cheap
        full = [Place(None, index, seed) for seed in range(self._spec.seeds) for index in course.chosen]
        cheap = [Place(name, index) for name in reversed(course.wanted) for index in range(wide)]
        yield from map(self._numbers.number, (*full, *cheap))

    def _proposal(self, number: int) -> Proposal:
        proxy, index, seed = self._numbers.place(number)
        if proxy is None:
            return Proposal(number, self._sample[index], self._spec.full_scale, self._spec.seed + 1 + seed)
        return Proposal(number, self._sample[index], self._spec.proxies[proxy], self._spec.seed)
