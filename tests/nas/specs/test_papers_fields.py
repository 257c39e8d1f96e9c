"""What the papers' protocols need: in the spec when asked for, absent from dumps (and so from keys) when not."""

import pytest

from nas.specs import AutoDeepLabSpec, BackboneSpec, BilevelSpec, Fidelity, HeadSpec, NetworkSpec
from search_spaces.base import content_key
from search_spaces.validation import validate

BEFORE = "08529d601c3b4310ffa9bac8a0a451b1645a36d235dd0d92530ce80db6cb154d"
"""Key of a fidelity as stored by versions without these fields."""


def test_the_defaults_are_in_no_dump():
    old = Fidelity(dataset="x", backbone=BackboneSpec())
    defaults = {"resize": 1, "head": HeadSpec(bn_momentum=0.1), "network": NetworkSpec(bn_momentum=0.1)}
    assert Fidelity.model_validate({**dict(old), **defaults}).key == old.key == BEFORE
    assert "resize" not in BilevelSpec(dataset="x").model_dump()


@pytest.mark.parametrize(
    "changes",
    [
        {"resize": 0.5},
        {"head": HeadSpec(bn_momentum=0.0003)},
        {"network": NetworkSpec(bn_momentum=0.0003)},
    ],
)
def test_other_values_are_other_keys_and_survive_the_store(changes):
    fidelity = Fidelity(dataset="x", backbone=BackboneSpec(), **changes)
    dumped = fidelity.model_dump(mode="json")
    assert fidelity.key == content_key(dumped) != BEFORE
    assert Fidelity.model_validate(dumped) == fidelity


def test_half_size_is_another_run_of_a_differentiable_search():
    whole, half = (AutoDeepLabSpec(name="s", bilevel=BilevelSpec(dataset="x", resize=resize)) for resize in (1.0, 0.5))
    assert whole.run_key != half.run_key


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"resize": 0}, "resize"), ({"resize": 5}, "resize"), ({"head": {"bn_momentum": 0}}, r"head\.bn_momentum")],
)
def test_nonsense_is_refused_by_name(changes, field):
    with pytest.raises(ValueError, match=field):
        validate(Fidelity, {"dataset": "x", **changes})
