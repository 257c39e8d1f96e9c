"""The probe that asks whether a search is worth it: its heads, its answer, and what it refuses."""

from __future__ import annotations

import random

import pytest

from nas.ranking.worth import Planned
from nas.schemas.references import ReferencePublic
from nas.specs import BlackBoxSpec, DenseCellSpace, ReferenceSpec, TpeStrategy
from nas.specs.confirmation import textbook_heads
from nas.worth import HEADS, planned, probe_key, worth_of, worth_probe
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.text import architecture_text
from search_spaces.validation import InputError
from tests.builders import black_box_spec, scenes_fidelity

SPEC = black_box_spec(trials=100)
TEXTBOOK = textbook_heads(SPEC.fidelity, SPEC.fidelity.head.channels)


def rows(probe: ReferenceSpec, lead: float = 0.0) -> list[ReferencePublic]:
    """Scores of all heads with two seeds; the textbook's are ahead by `lead`."""
    rng = random.Random(0)
    keys = {head.key for head in TEXTBOOK}
    found = []
    for head in probe.heads:
        true = rng.gauss(0.5, 0.05) + (lead if head.key in keys else 0.0)
        scores = {seed: true + rng.gauss(0, 0.01) for seed in (0, 1)}
        found.append(
            ReferencePublic(
                head=architecture_text(head),
                architecture_key=head.key,
                parameters=1000,
                multiply_adds=10_000_000,
                device_seconds=4.0,
                scores=scores,
                failed={},
                mean=sum(scores.values()) / 2,
                spread=None,
                difference=None,
            )
        )
    return found


def test_a_probe_has_the_textbook_and_random_cells_at_the_first_rung():
    probe = worth_probe(SPEC)
    assert probe.heads[: len(TEXTBOOK)] == TEXTBOOK
    cells = probe.heads[len(TEXTBOOK) :]
    assert len(probe.heads) == HEADS == 24
    for cell in cells:
        assert isinstance(cell, DenseCell)
        SPEC.space.check_architecture(cell)
    assert probe.fidelity == SPEC.fidelity.model_copy(update={"rungs": (100,)})
    assert (probe.seeds, probe.name) == (2, "a search on scenes, is it worth it?")


def test_equal_searches_have_equal_probes_whatever_their_strategy_and_length():
    assert worth_probe(SPEC) == worth_probe(black_box_spec(TpeStrategy(), trials=9))
    assert worth_probe(SPEC) == worth_probe(SPEC.model_copy(update={"name": "by another name"}))
    assert probe_key(worth_probe(SPEC)) != probe_key(worth_probe(black_box_spec(seed=1)))


def test_cells_are_of_the_searched_space():
    space = DenseCellSpace(branches=1, channels=(16, 24, 40))
    spec = black_box_spec(space=space, constraints={"multiply_adds": {"max": 60_000_000}})
    probe = worth_probe(spec)
    assert textbook_heads(spec.fidelity, 24) == probe.heads[:6], "of the width in the middle"
    bounded = spec.space_at(spec.fidelity)
    assert bounded.limited
    for cell in probe.heads[6:]:
        assert bounded.admits(cell, spec.fidelity)


@pytest.mark.parametrize(
    ("stopping", "keep"),
    [
        ({"reduction": 4}, 1 / 4),
        ({"name": "hyperband", "reduction": 2}, 1 / 2),
        ({"name": "median"}, 1 / 2),
        (None, 1.0),
    ],
)
def test_what_early_stopping_lets_go_on(stopping, keep):
    assert planned(black_box_spec(trials=50, early_stopping=stopping)) == Planned(50, keep, 100, 300)


def test_a_single_rung_and_a_small_space():
    spec = black_box_spec(trials=5000, space=DenseCellSpace(branches=1), fidelity=scenes_fidelity(100))
    assert planned(spec) == Planned(81, 1.0, 100, 100)


def test_the_answer_in_words():
    probe = worth_probe(SPEC)
    found = worth_of(SPEC, "s0123456789ab", rows(probe))
    assert (found.cells, found.references, found.trials, found.first, found.last) == (18, 6, 100, 100, 300)
    assert found.low < found.gain < found.high
    assert found.matched == 1
    assert found.device_seconds == 24 * 2 * 4.0
    assert found.best_reference in {architecture_text(head) for head in TEXTBOOK}
    assert f"a search of 100 trials is expected to gain {found.gain:+.3f} mIoU" in found.sentence
    behind = worth_of(SPEC, "s0123456789ab", rows(probe, lead=-0.3))
    ahead = worth_of(black_box_spec(trials=5), "s0123456789ab", rows(probe, lead=0.3))
    assert (behind.answer, ahead.answer) == ("worth it", "not worth it")
    assert behind.sentence.startswith("Worth it: ")
    assert ahead.sentence.startswith("Not worth it: ")


def test_heads_with_a_failed_trial_are_left_out():
    probe = worth_probe(SPEC)
    some = rows(probe)
    some[0] = some[0].model_copy(update={"scores": {0: 0.5}, "failed": {1: "unlucky"}})
    some[10] = some[10].model_copy(update={"scores": {}})
    found = worth_of(SPEC, "s0123456789ab", some)
    assert (found.cells, found.references) == (17, 5)
    with pytest.raises(ValueError, match="0 random architectures have a score"):
        worth_of(SPEC, "s0123456789ab", some[:6])


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (
            ReferenceSpec(name="heads", fidelity=SPEC.fidelity),
            "kind: only a search that proposes cells of a space can",
        ),
        (black_box_spec(objectives=("worst_class_iou",)), "the first objective of this one is worst class's IoU"),
    ],
)
def test_what_has_no_worth_is_refused(spec, sentence):
    with pytest.raises(InputError, match=sentence):
        worth_probe(spec)


def test_the_spec_may_come_from_the_wire():
    assert worth_probe(BlackBoxSpec.model_validate(SPEC.model_dump(mode="json"))) == worth_probe(SPEC)
