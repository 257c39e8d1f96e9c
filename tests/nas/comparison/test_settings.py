"""The settings in which specs differ."""

from __future__ import annotations

from nas.comparison.settings import LONGEST_VALUE, Setting, differing_settings, shown_value
from nas.specs import RandomStrategy, ReferenceSpec, TpeStrategy
from tests.builders import black_box_spec, scenes_fidelity


def test_equal_specs_differ_in_nothing_but_their_names():
    assert differing_settings([black_box_spec(name="a"), black_box_spec(name="b")]) == []
    assert differing_settings([black_box_spec()]) == []


def test_only_what_differs_is_listed_by_its_path():
    one = black_box_spec(RandomStrategy(), trials=5)
    other = black_box_spec(TpeStrategy(), trials=7, fidelity=scenes_fidelity(100, 500))
    found = dict(differing_settings([one, other, one]))
    assert found["trials"] == ("5", "7", "5")
    assert found["strategy.name"] == ("random", "tpe", "random")
    assert found["fidelity.rungs"] == ("[100, 300]", "[100, 500]", "[100, 300]")
    assert all(path.partition(".")[0] in ("trials", "strategy", "fidelity") for path in found)
    assert found["strategy.startup"][0] is None, "a field that the first strategy does not have"


def test_a_default_is_a_value():
    one, other = black_box_spec(), black_box_spec(trials=black_box_spec().trials)
    assert differing_settings([one, other]) == []


def test_searches_of_other_kinds_begin_with_the_kind():
    found = differing_settings([black_box_spec(), ReferenceSpec(name="heads", fidelity=scenes_fidelity())])
    assert found[0] == Setting("kind", ("black_box", "reference"))
    assert ("strategy.name", None) in [(setting.path, setting.values[1]) for setting in found]


def test_long_values_are_shortened():
    assert shown_value(None) == "–"
    assert shown_value("short") == "short"
    assert len(shown_value("x" * 1000)) == LONGEST_VALUE
