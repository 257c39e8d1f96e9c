"""Black-box searches: a strategy proposes architectures of a space, each measured at one proxy fidelity."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from nas.formatting import counted
from nas.kinds.analysis import choice_panels, importance_panels, size_panels, trial_panels
from nas.kinds.confirmed import confirmation_links
from nas.kinds.confirming import confirmation_at_end, expected_confirmation
from nas.kinds.observations import observation_of
from nas.kinds.plans import Need, Plan
from nas.kinds.probing import probe_name, probe_trials, short
from nas.kinds.protocol import Adoption, CellSearch, Family, FollowUp, Kind, Records
from nas.kinds.start import check_start, deciding, start_architectures
from nas.kinds.warm_start import check_sources, warm_observations
from nas.panels.pareto import pareto_panels
from nas.ranking.pareto import pareto_set_of
from nas.results.measurement import Measurement
from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.schemas.panels import Panel
from nas.specs import (
    AshaStopping,
    AutoDeepLabSpace,
    BlackBoxSpec,
    ConfirmationSpec,
    Constraints,
    DenseCellSpace,
    DpcStrategy,
    EvolutionStrategy,
    Fidelity,
    GpStrategy,
    HyperbandStopping,
    MedianStopping,
    Nsga2Strategy,
    PashaStopping,
    RandomStrategy,
    Strategy,
    TpeStrategy,
    Vector,
    objective_text,
)
from nas.store import SearchRecord, Store, TrialRecord
from nas.strategies import (
    Observation,
    SearchStrategy,
    Space,
    SpaceExhausted,
    build_space,
    build_strategy,
    early_stopper,
)
from search_spaces.document import Architecture
from search_spaces.validation import FieldProblem


class BlackBox(Kind[BlackBoxSpec]):
    """Searches whose trials a strategy proposes."""

    spec = BlackBoxSpec
    grows = ("trials",)

    def strategy(self, spec: BlackBoxSpec) -> SearchStrategy:
        """Build what proposes the trials; a kind of your own with a strategy of your own overrides this."""
        return build_strategy(spec)

    def plan(self, spec: BlackBoxSpec, search_id: str, records: Records) -> Plan:
        return StrategyPlan(
            spec,
            warm_observations(spec, search_id, records) if spec.warm_start else (),
            start_architectures(spec, search_id, records) if spec.start else (),
            strategy=self.strategy(spec),
        )

    def adoption(self, spec: BlackBoxSpec, records: Records) -> Adoption | None:
        if isinstance(spec.adopt, bool):
            return Adoption() if spec.adopt else None
        return Adoption(frozenset(spec.adopt))

    def check(self, spec: BlackBoxSpec, records: Records) -> None:
        check_sources(spec, records)
        check_start(spec, records)

    def read_besides(self, spec: BlackBoxSpec, records: Records) -> tuple[str, ...]:
        """The confirmations that decide which trial is the best of a search that it starts from."""
        return deciding(spec, records)

    def infeasible(self, spec: BlackBoxSpec, classes: int) -> tuple[FieldProblem, ...]:
        """Limits and constraints that are below the cheapest architecture of the space."""
        parameters, multiply_adds = spec.constraints.parameters, spec.constraints.multiply_adds
        most = (
            None if parameters is None else parameters.max,
            None if multiply_adds is None else multiply_adds.max,
        )
        for path, (few, quick) in (("space.limit", (None, None)), ("constraints", most)):
            if (message := spec.space.out_of_reach(few, quick, spec.fidelity, classes)) is not None:
                return (FieldProblem(path=path, message=message),)
        return ()

    def follow_up(self, search: SearchRecord, records: Records) -> ConfirmationSpec | None:
        """The confirmation of its best, where the search is confirmed at its end."""
        spec = self.own(search.spec)
        assert spec is not None, search.id
        return confirmation_at_end(search, spec.confirming, records)

    def expected_follow_up(self, spec: BlackBoxSpec) -> FollowUp | None:
        found = self.trial_counts(spec)["fidelity"]
        return expected_confirmation(spec.confirming, spec.fidelity, found, heads=not spec.space.whole_network)

    def family(self, spec: BlackBoxSpec, records: Records) -> Family:
        return Family(spec.space.family, spec.space.whole_network)

    def levels(self, spec: BlackBoxSpec, records: Records) -> int | None:
        return spec.space.levels if isinstance(spec.space, AutoDeepLabSpace) else None

    def trial_counts(self, spec: BlackBoxSpec) -> Mapping[str, int]:
        return {"fidelity": min(spec.trials, build_space(spec.space, spec.fidelity).distinct)}

    def reduction(self, spec: BlackBoxSpec) -> float | None:
        match spec.early_stopping:
            case AshaStopping(reduction=reduction) | PashaStopping(reduction=reduction):
                return reduction  # of pasha at most
            case MedianStopping():
                return 2.0  # where trials keep their order from rung to rung
            case _:
                return None  # hyperband: at most what it would cost without

    def cell_search(self, spec: BlackBoxSpec) -> CellSearch | None:
        space = spec.space_at(spec.fidelity)
        if not isinstance(space, DenseCellSpace):
            return None
        match spec.early_stopping:
            case (
                AshaStopping(reduction=reduction)
                | HyperbandStopping(reduction=reduction)
                | PashaStopping(reduction=reduction)
            ):
                keep = 1 / reduction
            case MedianStopping():
                keep = 0.5
            case _:
                keep = 1.0
        trials = self.trial_counts(spec)["fidelity"]
        return CellSearch(space, spec.fidelity, trials, keep)

    def warnings(self, spec: BlackBoxSpec) -> tuple[FieldProblem, ...]:
        strategy, startup = spec.strategy, drawn_at_random(spec.strategy)
        distinct = build_space(spec.space, spec.fidelity).distinct
        found = []
        if distinct < spec.trials:
            ends = f"the search ends after {counted(distinct, 'trial')}"
            message = f"the space has {counted(distinct, 'architecture')}, so {ends}"
            found.append(FieldProblem(path="trials", message=message))
        if startup is not None and startup[1] >= spec.trials and not spec.warm_start:
            field, count = startup
            message = (
                f"{strategy.name} draws its first {count} trials at random, and so all {spec.trials} of this search"
            )
            found.append(FieldProblem(path=f"strategy.{field}", message=message))
        if spec.goals.several and not isinstance(strategy, Nsga2Strategy | RandomStrategy):
            message = (
                f"{strategy.name} learns from {objective_text(spec.objectives[0])} alone, the first of the objectives; "
                "nsga2 looks for architectures that are good in all of them"
            )
            found.append(FieldProblem(path="strategy", message=message))
        return tuple(found)

    def probe(self, spec: BlackBoxSpec) -> BlackBoxSpec:
        """A few random architectures without early stopping."""
        return BlackBoxSpec.model_validate(
            {
                **dict(spec),
                "name": probe_name(spec),
                "fidelity": short(spec.fidelity),
                "strategy": RandomStrategy(),
                "trials": probe_trials(spec.resources.concurrent, spec.trials),
                "early_stopping": None,
                "objectives": ("miou",),
                "constraints": Constraints(),
                "adopt": False,
                "warm_start": (),
                "start": (),
                "confirm": False,
            }
        )

    def panels(self, search: SearchRecord, store: Store) -> tuple[Panel, ...]:
        links = confirmation_links(search, store)
        if not search.spec.goals.several:
            return links
        found = pareto_set_of(search, store)
        shown = pareto_panels(search.spec.goals, found, store.numbered_trials(search.id, found.values))
        return (*links, *shown)

    def question(self, spec: BlackBoxSpec) -> str:
        return (
            f"Which {spec.space.noun} scores highest on {self.dataset(spec)}, as far as the "
            f"strategy {spec.strategy.name} finds it in {counted(spec.trials, 'trial')}?"
        )

    def method(self, spec: BlackBoxSpec) -> str:
        return spec.strategy.name

    def slow_panels(self, search: SearchRecord, store: Store) -> Mapping[str, Callable[[], tuple[Panel, ...]]]:
        spec = self.own(search.spec)
        assert spec is not None, search.id
        return {
            "trials": partial(trial_panels, search, spec.fidelity.rungs, store),
            "sizes": partial(size_panels, search, store),
            "choices": partial(choice_panels, search, spec.space, store),
            "importance": partial(importance_panels, search.id, spec.space, store),
        }


def drawn_at_random(strategy: Strategy) -> tuple[str, int] | None:
    """Return the field that says how many trials a strategy draws before it learns, and its value; None without one."""
    match strategy:
        case DpcStrategy() | TpeStrategy() | GpStrategy():
            return "startup", strategy.startup
        case EvolutionStrategy() | Nsga2Strategy():
            return "population", strategy.population
    return None


class StrategyPlan:
    """Plan of a black-box search: the strategy proposes trials, successive halving stops the worst at each rung.

    Args:
        spec: The search.
        warm: What other searches have measured, with negative numbers: the strategy learns from it. Early stopping
            judges the search's own trials by each other alone.
        start: The architectures of the first trials.
        space: Where the strategy searches; None for all of the spec's space.
        strategy: What proposes the trials, as new; None for the one that the spec names, in `space`.
    """

    def __init__(
        self,
        spec: BlackBoxSpec,
        warm: Iterable[Observation] = (),
        start: Iterable[Architecture] = (),
        space: Space[Any] | None = None,
        *,
        strategy: SearchStrategy | None = None,
    ) -> None:
        self._spec = spec
        self._goals = spec.goals
        self._strategy = build_strategy(spec, space) if strategy is None else strategy
        self._strategy.enqueue(start)
        self._strategy.restore(warm)
        self._scheduler = early_stopper(spec)
        self._next = 0
        self._note: str | None = None

    @property
    def size(self) -> int:
        return self._spec.trials

    @property
    def finished(self) -> bool:
        return self._note is not None or self._next >= self._spec.trials

    @property
    def note(self) -> str | None:
        return self._note

    @property
    def needs(self) -> Collection[Need]:
        return (Need(self._spec.fidelity, self._spec.space.whole_network),)

    def fidelity_of(self, trial: TrialRecord) -> Fidelity:
        assert trial.fidelity_key == self._spec.fidelity.key, trial.number
        return self._spec.fidelity

    def restore(self, trials: Sequence[TrialRecord], curves: Mapping[int, Sequence[Measurement]]) -> None:
        goals = self._goals
        last = {number: curve[-1] for number, curve in curves.items() if curve}
        self._strategy.restore(observation_of(trial, goals, last.get(trial.number)) for trial in trials)
        if self._scheduler is not None:
            unjudged = {trial.number: trial.unjudged for trial in trials}
            self._scheduler.replay(
                {number: [self._point(measurement) for measurement in curve] for number, curve in curves.items()},
                {number: at for number, at in unjudged.items() if at is not None},
            )
        self._next = max((trial.number + 1 for trial in trials), default=0)

    def propose(self) -> Proposal | None:
        if self.finished:
            return None
        try:
            architecture = self._strategy.ask(self._next)
        except SpaceExhausted as end:
            self._note = str(end)
            return None
        self._next += 1
        return Proposal(self._next - 1, architecture, self._spec.fidelity, self._spec.seed)

    def should_continue(self, number: int, measurement: Measurement) -> bool:
        iteration, values = self._point(measurement)
        return self._scheduler is None or self._scheduler.record(number, iteration, *values)

    def judged(self, number: int, measurement: Measurement) -> bool | None:
        return None if self._scheduler is None else self._scheduler.unjudged(number) is None

    def tell(self, number: int, architecture: Architecture, status: TrialStatus, last: Measurement | None) -> None:
        iteration, values = (None, ()) if last is None else self._point(last)
        score = values[0] if values else None
        unjudged = self._scheduler.unjudged(number) if self._scheduler else None
        several = values if self._goals.several else ()
        self._strategy.tell(Observation(number, architecture, str(status), score, iteration, unjudged, several))

    def _point(self, measurement: Measurement) -> tuple[int, Vector]:
        """The rung of a measurement, and its values of the objectives there."""
        values = self._goals.values(measurement)
        assert values is not None, "a trial without one of them fails"
        return measurement.iteration, values


KIND = BlackBox()
