"""Sequential calibrations through the driver's own book: they end when they know, and a new driver goes on the same."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from nas.kinds.calibration import KIND, calibration_sample
from nas.kinds.sequential import SequentialPlan
from nas.ranking.from_store import calibration
from nas.results.measurement import Measurement
from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import CalibrationSpec
from nas.specs.calibration_trials import Place, TrialNumbers
from nas.store import TrialRecord
from search_spaces.validation import InputError
from tests.builders import measured, scenes_fidelity, trial_record
from workers.simulation.simulate import simulate
from workers.trainables.task import TrialTask

NOISE = {100: 3.0, 200: 0.1, 400: 0.05, 4000: 0.02}
"""Of a score, by the iterations; true scores have the deviation 1."""


def spec(**changes: Any) -> CalibrationSpec:
    given = {
        "name": "which",
        "proxies": {
            "long": {"dataset": "scenes", "rungs": [400]},
            "short": {"dataset": "scenes", "rungs": [200]},
            "tiny": {"dataset": "scenes", "rungs": [100]},
        },
        "full_scale": {"dataset": "scenes", "rungs": [4000]},
        "training_free": [],
        "sequential": {},
        "resources": {"concurrent": 5},
    }
    return CalibrationSpec.model_validate({**given, **changes})


def measurement(key: str, iterations: int, seed: int) -> Measurement:
    true = random.Random(key).gauss(0, 1)
    score = true + NOISE[iterations] * random.Random(f"{key}/{iterations}/{seed}").gauss(0, 1)
    return measured(iterations, 0.5 + score / 40, iterations / 10)


def of_task(task: TrialTask) -> list[Measurement]:
    return [measurement(task.architecture.key, task.fidelity.iterations, task.seed)]


def of_proposal(proposal: Proposal) -> Measurement:
    return measurement(proposal.architecture.key, proposal.fidelity.iterations, proposal.seed)


def plan(of: CalibrationSpec) -> SequentialPlan:
    return SequentialPlan(of, calibration_sample(of))


def rest(plan: SequentialPlan, told: dict[int, tuple[Proposal, Measurement]]) -> list[int]:
    """Run the plan to its end, one trial at a time; return the numbers in their order."""
    order = []
    while (proposal := plan.propose()) is not None:
        order.append(proposal.number)
        told[proposal.number] = (proposal, of_proposal(proposal))
        plan.tell(proposal.number, proposal.architecture, TrialStatus.COMPLETED, told[proposal.number][1])
    return order


def recorded(told: dict[int, tuple[Proposal, Measurement]], numbers: Sequence[int]) -> list[TrialRecord]:
    return [
        trial_record(n, found.score, fidelity_key=proposal.fidelity.key, device_seconds=found.device_seconds)
        for n in numbers
        for proposal, found in (told[n],)
    ]


def test_a_calibration_ends_when_it_knows(store, clock):
    of = spec()
    found = simulate(store, clock, of, plan(of), of_task)
    assert found.status is SearchStatus.COMPLETED
    answer, trials = calibration(found.search_id, of, store)
    assert answer.recommended == "short"
    judged = {proxy.name: proxy.judged.state for proxy in answer.proxies if proxy.judged}
    assert (judged["short"], judged["tiny"]) == ("above", "below")
    assert len(trials) < of.planned == 3 * 48 + 12
    assert answer.measured < 12
    assert answer.verdict.startswith("short is the cheapest proxy known to have a rho of at least 0.8: observed ")
    note = store.get_search(found.search_id).message
    assert note is not None
    assert note.endswith(f"so {of.planned - len(trials)} trials were not needed")
    at_full = {trial.seed for trial in trials if trial.fidelity_key == of.full_scale.key}
    assert (at_full, {trial.seed for trial in trials} - at_full) == ({1}, {0}), "noise is not shared"


def test_the_number_of_workers_changes_nothing_of_what_is_measured(store, clock):
    keys = []
    for workers in (1, 64):
        of = spec(resources={"concurrent": workers})
        found = simulate(store, clock, of, plan(of), of_task)
        keys.append({trial.number: trial.score for trial in store.all_trials(found.search_id)})
    assert keys[0] == keys[1]


def test_it_waits_for_a_look_and_then_goes_on():
    of = spec()
    some = plan(of)
    first = list(iter(some.propose, None))
    assert len(first) == 3 * 24, "who goes on to full scale is not known yet"
    assert [proposal.fidelity.rungs for proposal in first[::24]] == [(100,), (200,), (400,)], "by the names given"
    for proposal in first[:-1]:
        some.tell(proposal.number, proposal.architecture, TrialStatus.COMPLETED, of_proposal(proposal))
        assert some.finished, "nothing to propose for now"
    some.tell(first[-1].number, first[-1].architecture, TrialStatus.FAILED, None)
    second = list(iter(some.propose, None))
    assert [proposal.fidelity for proposal in second] == [of.full_scale] * 6
    assert {proposal.architecture.key for proposal in second} <= {proposal.architecture.key for proposal in first}
    for proposal in second:
        some.tell(proposal.number, proposal.architecture, TrialStatus.COMPLETED, of_proposal(proposal))
    assert not some.finished or some.note is not None


@pytest.mark.parametrize("after", [0, 3, 50, 78, 81, 90])
def test_a_new_driver_goes_on_as_the_old_one_would_have(after):
    of = spec(proxies={"long": {"dataset": "scenes", "rungs": [400]}, "tiny": {"dataset": "scenes", "rungs": [100]}})
    told: dict[int, tuple[Proposal, Measurement]] = {}
    whole = rest(plan(of), told)
    restored = plan(of)
    restored.restore(recorded(told, whole[:after]), {})
    assert rest(restored, {}) == whole[after:]


def test_failed_trials_end_a_look_too():
    of = spec()
    failing = plan(of)
    for _ in range(of.planned):
        proposal = failing.propose()
        if proposal is None:
            break
        failing.tell(proposal.number, proposal.architecture, TrialStatus.FAILED, None)
    assert failing.finished
    assert failing.propose() is None


def test_more_seeds_keep_the_numbers():
    one, two = TrialNumbers(spec()), TrialNumbers(spec(seeds=2))
    for number in range(4 * 48):
        assert one.number(one.place(number)) == number
        assert one.place(number) == two.place(number)
    assert two.place(4 * 48) == Place(None, 0, 1)


def test_more_seeds_of_a_calibration_that_has_ended_are_measured():
    of = spec()
    told: dict[int, tuple[Proposal, Measurement]] = {}
    whole = rest(plan(of), told)
    records = recorded(told, whole)
    longer = plan(spec(seeds=2))
    longer.restore(records, {})
    proposal = longer.propose()
    assert proposal is not None
    place = TrialNumbers(spec(seeds=2)).place(proposal.number)
    assert (place.proxy, place.seed, proposal.seed) == (None, 1, 2)
    assert proposal.architecture == next(
        done.architecture for done, _ in told.values() if TrialNumbers(of).place(done.number) == (None, place[1], 0)
    ), "an architecture that was at full scale before"


def test_a_space_with_too_few_architectures_is_refused():
    of = spec(space={"branches": 1}, architectures=30)
    with pytest.raises(InputError, match=r"measure 120 architectures, .* and the space has 81: use at most 20"):
        KIND.check(of, None)  # type: ignore[arg-type]  # it reads no records
    KIND.check(spec(space={"branches": 1}, architectures=20), None)  # type: ignore[arg-type]


def test_a_calibration_that_ends_before_its_first_look_is_refused():
    with pytest.raises(ValidationError, match=r"architectures 6 ends before the first look, .* use at least 8"):
        spec(architectures=6, sequential={"first": 8})


def test_what_a_spec_wants():
    given: Mapping[str, Any] = spec().model_dump(mode="json")
    assert (spec().least_rho, spec(least_rho=0.6).least_rho, spec(sequential=None).least_rho) == (0.8, 0.6, 0.5)
    assert CalibrationSpec.model_validate(given) == spec()
    assert "sequential" not in spec(sequential=None).model_dump(mode="json"), "older specs keep their keys"
    assert KIND.trial_counts(spec(seeds=2)) == {
        "proxies.long": 48,
        "proxies.short": 48,
        "proxies.tiny": 48,
        "full_scale": 24,
    }
    assert [need.fidelity.rungs for need in plan(spec()).needs] == [(400,), (200,), (100,), (4000,)]
    assert scenes_fidelity(400).rungs == (400,)
