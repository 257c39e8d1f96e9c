"""Calibrations: find the cheapest proxy fidelity that orders architectures as full scale does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from nas.formatting import counted
from nas.kinds.plans import ListPlan, Plan
from nas.kinds.protocol import Adoption, Candidates, Family, Kind, Records, Repeat, refused_fidelity
from nas.kinds.sequential import SequentialPlan
from nas.results.proposal import Proposal
from nas.schemas.panels import Panel
from nas.specs import BlackBoxSpec, CalibrationSpec, Fidelity, RandomStrategy
from nas.specs.given import given_fields
from nas.store import SearchRecord, Store
from nas.strategies import SpaceExhausted, build_strategy
from search_spaces.document import Architecture
from search_spaces.validation import FieldProblem, InputError


class Calibration(Kind[CalibrationSpec]):
    """Searches that measure the same architectures under every proxy and at full scale."""

    spec = CalibrationSpec
    requested = False
    grows = ("seeds",)
    best_is_answer = False

    def plan(self, spec: CalibrationSpec, search_id: str, records: Records) -> Plan:
        if spec.sequential is not None:
            return SequentialPlan(spec, calibration_sample(spec))
        return ListPlan(calibration_trials(spec))

    def check(self, spec: CalibrationSpec, records: Records) -> None:
        if spec.sequential is not None and (found := len(calibration_sample(spec))) < spec.sampled:
            message = (
                f"the proxies would measure {spec.sampled} architectures, sequential.cheap for each of these, and the "
                f"space has {found}: use at most {found // spec.sequential.cheap}"
            )
            raise InputError([FieldProblem(path="architectures", message=message)])

    def training_free(self, spec: CalibrationSpec, records: Records) -> Candidates:
        """All architectures of the calibration, at the fidelity of the first proxy."""
        first = next(iter(spec.proxies.values()))
        return Candidates(calibration_sample(spec), first, spec.seed, spec.training_free)

    def adoption(self, spec: CalibrationSpec, records: Records) -> Adoption | None:
        return Adoption() if spec.reuse else None

    def family(self, spec: CalibrationSpec, records: Records) -> Family:
        """The family of a black-box search over the same space."""
        return Family(spec.space)

    def trial_counts(self, spec: CalibrationSpec) -> Mapping[str, int]:
        seeds = {"full_scale": spec.seeds}
        full = {path: spec.architectures * count for path, count in seeds.items()}
        return {path: full.get(path, spec.sampled) for path in spec.fidelities}

    def dataset(self, spec: CalibrationSpec) -> str:
        return spec.full_scale.dataset

    def next_command(self, search: SearchRecord) -> str:
        return f"segnas calibration {search.id}"

    def question(self, spec: CalibrationSpec) -> str:
        upto = "" if spec.sequential is None else "up to "
        return (
            f"Which of {counted(len(spec.proxies), 'proxy', 'proxies')} is the cheapest that orders "
            f"{upto}{counted(spec.architectures, 'architecture')} as "
            f"full scale does on {self.dataset(spec)}, with rho above {spec.least_rho:g}?"
        )

    def repeat(self, spec: CalibrationSpec) -> Repeat:
        return Repeat("calibration.yaml", given_fields(spec), "segnas calibrate calibration.yaml --watch")

    def panels(self, search: SearchRecord, store: Store) -> tuple[Panel, ...]:
        from nas.panels.calibration import calibration_panels  # numpy and scipy: not at the service's start
        from nas.ranking.from_store import calibration

        spec = self.own(search.spec)
        assert spec is not None, search.id
        result, _ = calibration(search.id, spec, store)
        return calibration_panels(result, spec.least_rho)

    def unranked(self, search: SearchRecord) -> str:
        return f"{search.id} is a calibration, which has its own full scale: see /v1/calibrations/{search.id}"

    def named_fidelity(self, search: SearchRecord, proxy: str | None, records: Records) -> Fidelity:
        """The fidelity of the proxy of that name, or without a name of the proxy that the calibration recommends."""
        spec = self.own(search.spec)
        assert spec is not None, search.id
        if proxy is not None:
            if proxy not in spec.proxies:
                known = ", ".join(spec.proxies)
                raise refused_fidelity(f"calibration {search.id} has no proxy {proxy!r}; it has {known}")
            return spec.proxies[proxy]
        if not search.status.terminal:
            known = ", ".join(f"{search.id}/{name}" for name in spec.proxies)
            raise refused_fidelity(
                f"calibration {search.id} is {search.status}, so what it recommends may change; name one of its "
                f"proxies ({known}), or wait"
            )
        from nas.ranking.calibration import calibrate  # numpy and scipy: not at the service's start

        result = calibrate(spec, records.all_trials(search.id), {})
        if result.recommended is None:
            raise refused_fidelity(f"calibration {search.id} recommends nothing: {result.verdict}")
        return spec.proxies[result.recommended]


def calibration_sample(spec: CalibrationSpec) -> list[Architecture]:
    """Sample the architectures of a calibration uniformly from its space, no two of them equal.

    A space with fewer architectures than the calibration wants gives all it has.
    """
    drawn = BlackBoxSpec(
        name=spec.name, space=spec.space, strategy=RandomStrategy(), fidelity=spec.full_scale, seed=spec.seed
    )
    strategy = build_strategy(drawn)
    sample: list[Architecture] = []
    with contextlib.suppress(SpaceExhausted):
        sample.extend(strategy.ask(number) for number in range(spec.sampled))
    return sample


def calibration_trials(spec: CalibrationSpec) -> Iterator[Proposal]:
    """Yield the trials of a calibration: all architectures under each proxy in turn, at last at full scale."""
    sample = calibration_sample(spec)
    passes = [(fidelity, spec.seed) for fidelity in spec.proxies.values()]
    passes += [(spec.full_scale, spec.seed + offset) for offset in range(spec.seeds)]
    for number, (fidelity, seed) in enumerate(passes):
        for index, architecture in enumerate(sample):
            yield Proposal(number * len(sample) + index, architecture, fidelity, seed)


KIND = Calibration()
