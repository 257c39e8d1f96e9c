"""From a search's spec to its plan of trials."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from nas.specs import AutoDeepLabSpec, BlackBoxSpec, CalibrationSpec, FullScaleSpec, RandomStrategy, ReferenceSpec
from nas.store import SnapshotRecord, TrialRecord
from nas.strategies import SpaceExhausted, build_strategy
from search_spaces.document import Architecture
from workers.driver.plans import ListPlan, Plan, Proposal, StrategyPlan
from workers.driver.record import DriverRecord, persist


def plan_of(driver: DriverRecord) -> Plan:
    """The plan of the search. A differentiable one's is known only when its runs are over."""
    spec, store = driver.spec, driver.store
    match spec:
        case BlackBoxSpec():
            return StrategyPlan(spec)
        case ReferenceSpec():
            return ListPlan(reference_trials(spec))
        case CalibrationSpec():
            return ListPlan(calibration_trials(spec))
        case FullScaleSpec():
            chosen = chosen_trials(driver, spec)
            return ListPlan(full_scale_trials(spec, [trial.architecture for trial in chosen]))
        case AutoDeepLabSpec():
            return ListPlan(scored_snapshots(spec, persist(lambda: store.snapshots(driver.search_id))))


def chosen_trials(driver: DriverRecord, spec: FullScaleSpec) -> list[TrialRecord]:
    """The trials of the other search that shall be measured at full scale."""
    recorded = {trial.number: trial for trial in persist(lambda: driver.store.all_trials(spec.of))}
    return [recorded[number] for number in spec.trials]


def reference_trials(spec: ReferenceSpec) -> Iterator[Proposal]:
    """Every head with the first seed, then with the next: what is there of a stopped search can be compared."""
    for turn in range(spec.seeds):
        for index, head in enumerate(spec.heads):
            yield Proposal(turn * len(spec.heads) + index, head, spec.fidelity, spec.seed + turn)


def full_scale_trials(spec: FullScaleSpec, architectures: Sequence[Architecture]) -> Iterator[Proposal]:
    """Every chosen architecture with the first seed, then with the next."""
    for turn in range(spec.seeds):
        for index, architecture in enumerate(architectures):
            number = turn * len(architectures) + index
            yield Proposal(number, architecture, spec.fidelity, spec.seed + turn)


def calibration_sample(spec: CalibrationSpec) -> list[Architecture]:
    """The architectures: uniform over the space, no two the same; all of a space that has fewer."""
    drawn = BlackBoxSpec(
        name=spec.name, space=spec.space, strategy=RandomStrategy(), fidelity=spec.full_scale, seed=spec.seed
    )
    strategy = build_strategy(drawn)
    sample: list[Architecture] = []
    with contextlib.suppress(SpaceExhausted):
        sample.extend(strategy.ask(number) for number in range(spec.architectures))
    return sample


def calibration_trials(spec: CalibrationSpec) -> Iterator[Proposal]:
    """All architectures under one proxy, then under the next, at last at full scale: the cheap ones first."""
    sample = calibration_sample(spec)
    turns = [(fidelity, spec.seed) for fidelity in spec.proxies.values()]
    turns += [(spec.full_scale, spec.seed + turn) for turn in range(spec.seeds)]
    for turn, (fidelity, seed) in enumerate(turns):
        for index, architecture in enumerate(sample):
            yield Proposal(turn * len(sample) + index, architecture, fidelity, seed)


def scored_snapshots(spec: AutoDeepLabSpec, recorded: Sequence[SnapshotRecord]) -> Iterator[Proposal]:
    """The decoded network of every run at every scored epoch, each network once.

    Its number is its place among all that could be measured (run by run, epoch by epoch), so numbers may be missing.
    """
    if spec.scoring is None:
        return
    epochs, seen = spec.scored_epochs, set()
    for record in recorded:
        snapshot = record.snapshot
        if snapshot.epoch not in epochs and not snapshot.finished:
            continue
        place = sum(epoch < snapshot.epoch for epoch in epochs)
        if snapshot.architecture.key not in seen:
            seen.add(snapshot.architecture.key)
            yield Proposal(record.run * len(epochs) + place, snapshot.architecture, spec.scoring, spec.seed)
