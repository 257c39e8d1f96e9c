"""A black-box search over networks: what it prepares, costs and answers, and what is refused."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from nas.kinds.auto_deeplab import KIND as DIFFERENTIABLE
from nas.kinds.black_box import KIND, StrategyPlan
from nas.kinds.plans import Need
from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import AutoDeepLabSpec, CalibrationSpec, EvolutionStrategy, RandomStrategy
from nas.store import Store
from nas.worth import worth_probe
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.auto_deeplab.space import sample
from search_spaces.validation import InputError, validate
from tests.builders import black_box_spec, measured, scenes_fidelity

FIDELITY = scenes_fidelity(10, 30, crop=(128, 256))
SPACE = {"kind": "auto_deeplab", "layers": 5, "blocks": 3}
SPEC = black_box_spec(RandomStrategy(), space=SPACE, fidelity=FIDELITY, trials=6)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open("sqlite://") as opened:
        opened.migrate()
        yield opened


def test_its_trials_need_no_backbone_and_are_networks():
    plan = StrategyPlan(SPEC)
    assert list(plan.needs) == [Need(FIDELITY, whole_network=True)]
    proposal = plan.propose()
    assert proposal is not None
    assert isinstance(proposal.architecture, AutoDeepLab)
    assert proposal.fidelity == FIDELITY


def test_a_driver_that_takes_over_proposes_what_the_first_would_have(store):
    """Through the store, with the record's form of each network."""
    spec = black_box_spec(
        EvolutionStrategy(population=2, sample=2),
        space=SPACE,
        fidelity=FIDELITY,
        trials=8,
        early_stopping=None,
    )
    search = store.create_search(spec)[0].id
    attempt = store.begin_driver(search)
    first = KIND.plan(spec, search, store)
    for number in range(4):
        proposal = first.propose()
        assert proposal is not None
        store.add_trial(search, attempt, proposal)
        for rung in (10, 30):
            last = measured(rung, 0.1 * number)
            store.record_measurement(search, number, attempt, last)
        store.finish_trial(search, number, attempt, TrialStatus.COMPLETED)
        first.tell(number, store.all_trials(search)[number].architecture, TrialStatus.COMPLETED, last)
    second = KIND.plan(spec, search, store)
    second.restore(store.all_trials(search), store.measurements(search))
    assert second.propose() == first.propose()


def test_it_costs_what_the_networks_of_a_differentiable_search_cost(store):
    bilevel = {"dataset": "scenes", "epochs": 2, "architecture_from_epoch": 1}
    supernet = {"layers": 5, "blocks": 3}
    other = AutoDeepLabSpec.model_validate({"name": "runs", "supernet": supernet, "bilevel": bilevel})
    assert KIND.family(SPEC, store) == DIFFERENTIABLE.family(other, store)
    assert KIND.family(SPEC, store).whole_network
    assert not KIND.family(black_box_spec(), store).whole_network


def test_it_starts_from_the_best_network_of_a_differentiable_search(store):
    given = {
        "name": "runs",
        "supernet": {"layers": 5, "blocks": 3},
        "bilevel": {"dataset": "scenes", "epochs": 2, "architecture_from_epoch": 1},
    }
    runs, silent = (
        store.create_search(AutoDeepLabSpec.model_validate({**given, **scoring}))[0].id
        for scoring in ({"scoring": FIDELITY, "score_every": 1}, {})
    )
    attempt = store.begin_driver(runs)
    networks = [sample(3, 5, random.Random(number)) for number in range(2)]
    for number, network in enumerate(networks):
        store.add_trial(runs, attempt, Proposal(number, network, FIDELITY, 0))
        store.record_measurement(runs, number, 1, measured(30, 0.5 + 0.1 * number))
        store.finish_trial(runs, number, 1, TrialStatus.COMPLETED)
    for search in (runs, silent):
        store.move_search(search, [SearchStatus.QUEUED, SearchStatus.STARTING], SearchStatus.STOPPED)
    spec = black_box_spec(RandomStrategy(), space=SPACE, fidelity=FIDELITY, trials=6, start=(runs,))
    KIND.check(spec, store)
    plan = KIND.plan(spec, store.create_search(spec)[0].id, store)
    first = plan.propose()
    assert first is not None
    assert first.architecture == networks[1]
    for source, space, words in (
        (runs, {"branches": 5}, "is no cell, and space.kind is dense_cell"),
        (silent, SPACE, f"search {silent} has no trial with a score; name one that has"),
    ):
        with pytest.raises(InputError, match=words):
            KIND.check(black_box_spec(RandomStrategy(), space=space, fidelity=FIDELITY, start=(source,)), store)


def test_its_words_and_counts():
    assert "Which network of Auto-DeepLab's space scores highest on scenes" in KIND.question(SPEC)
    assert "Which dense prediction cell scores highest" in KIND.question(black_box_spec())
    one = {"kind": "auto_deeplab", "layers": 1, "levels": 1, "blocks": 1, "operators": ["skip"]}
    small = black_box_spec(RandomStrategy(), space=one, fidelity=FIDELITY, trials=50)
    assert KIND.trial_counts(small) == {"fidelity": 3}
    (problem,) = KIND.warnings(small)
    assert problem.message == "the space has 3 architectures, so the search ends after 3 trials"


def test_its_confirmation_has_no_heads():
    spec = black_box_spec(RandomStrategy(), space=SPACE, fidelity=FIDELITY, trials=6, confirm=True)
    follow_up = KIND.expected_follow_up(spec)
    assert follow_up is not None
    assert follow_up.trials == 3 * 4
    assert "reference heads" not in follow_up.text


def test_a_probe_is_a_search_of_the_same_space():
    probe = KIND.probe(SPEC)
    assert probe.space == SPEC.space
    assert isinstance(probe.strategy, RandomStrategy)


def test_what_compares_with_heads_is_refused_in_a_sentence():
    with pytest.raises(InputError, match="only a search that proposes cells of a space can be asked what it is"):
        worth_probe(SPEC)
    fidelity = FIDELITY.model_dump(mode="json")
    given = {"name": "c", "space": SPACE, "proxies": {"cheap": fidelity}, "full_scale": fidelity}
    with pytest.raises(InputError, match="a calibration measures dense prediction cells, not networks of auto_deeplab"):
        validate(CalibrationSpec, given)
