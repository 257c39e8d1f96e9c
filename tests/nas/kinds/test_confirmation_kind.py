"""The plan of a confirmation: which architectures at which learning rates, in which order."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from nas.kinds.confirmation import KIND, confirmation_trials
from nas.specs import ConfirmationSpec
from search_spaces import ReferenceHead
from tests.builders import dense_cell, scenes_fidelity

FOUND = (dense_cell(1), dense_cell(2))
ASPP, PPM = ReferenceHead(name="aspp"), ReferenceHead(name="ppm")


def spec_of(**changes: Any) -> ConfirmationSpec:
    given = {"name": "c", "of": "s0123456789ab", "trials": (7, 9), "references": (ASPP, PPM), "seeds": 2, "seed": 5}
    return ConfirmationSpec(**{**given, "fidelity": scenes_fidelity(), **changes})


def test_every_seed_measures_all_and_the_heads_at_each_rate():
    spec = spec_of(learning_rates=(0.02, 0.01, 0.005))
    own, fast, slow = spec.at_rates.values()
    assert list(spec.at_rates) == [0.01, 0.02, 0.005], "the search's own comes first, wherever it is named"
    assert own == spec.fidelity
    assert (fast.optimizer.learning_rate, slow.optimizer.learning_rate) == (0.02, 0.005)
    trials = list(confirmation_trials(spec, FOUND))
    one = [(cell, own) for cell in FOUND] + [(head, at) for at in (own, fast, slow) for head in (ASPP, PPM)]
    assert [(trial.architecture, trial.fidelity) for trial in trials] == one * 2
    assert [trial.number for trial in trials] == list(range(16))
    assert [trial.seed for trial in trials] == [5] * 8 + [6] * 8
    assert spec.planned == 16 == sum(KIND.trial_counts(spec).values())
    assert KIND.trial_counts(spec) == {"fidelity": 8, "learning_rates.0": 4, "learning_rates.1": 4}
    assert list(spec.fidelities.values()) == [own, fast, slow]
    assert KIND.trials_again(spec, 9) == (1, 9)
    assert [trials[number].architecture for number in KIND.trials_again(spec, 9)] == [FOUND[1]] * 2
    assert "2 heads at 3 learning rates are measured with 2 fresh seeds" in KIND.question(spec)


def test_more_seeds_leave_the_trials_of_fewer_as_they_are():
    fewer = list(confirmation_trials(spec_of(learning_rates=(0.02,)), FOUND))
    more = list(confirmation_trials(spec_of(learning_rates=(0.02,), seeds=3), FOUND))
    assert more[: len(fewer)] == fewer


def test_without_rates_it_is_what_it_always_was():
    spec = spec_of()
    assert "learning_rates" not in spec.model_dump(mode="json")
    assert KIND.trial_counts(spec) == {"fidelity": 8}
    assert [trial.fidelity for trial in confirmation_trials(spec, FOUND)] == [spec.fidelity] * 8


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rates": (0.02, 0.02)}, "learning rate 0.02 is named twice"),
        ({"learning_rates": (0.0,)}, "greater than 0"),
        ({"learning_rates": (0.02,), "references": ()}, "there are none: leave them out"),
    ],
)
def test_rates_that_make_no_sense_are_refused(changes, words):
    with pytest.raises(ValidationError, match=words):
        spec_of(**changes)
