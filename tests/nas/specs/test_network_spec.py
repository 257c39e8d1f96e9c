"""A fidelity's part for whole networks, and that specs from before it was there keep their keys."""

import json

import pytest

from nas.specs import BackboneSpec, BlackBoxSpec, Fidelity, NetworkSpec
from search_spaces.base import content_key
from search_spaces.validation import validate

BEFORE = "08529d601c3b4310ffa9bac8a0a451b1645a36d235dd0d92530ce80db6cb154d"
"""Key of a fidelity as stored by versions without `network`."""


def test_a_fidelity_without_a_network_keeps_its_key():
    fidelity = Fidelity(dataset="x", backbone=BackboneSpec())
    assert fidelity.key == BEFORE
    assert Fidelity(dataset="x", backbone=BackboneSpec(), network=NetworkSpec()).key == BEFORE
    assert "network" not in fidelity.model_dump()
    assert "network" not in BlackBoxSpec(name="s", fidelity=fidelity).model_dump(mode="json")["fidelity"]


def test_another_network_is_another_key_and_survives_the_store():
    fidelity = Fidelity(dataset="x", backbone=BackboneSpec(), network=NetworkSpec(filters=8))
    assert fidelity.key != BEFORE
    assert fidelity.key == content_key(fidelity.model_dump(mode="json"))
    again = Fidelity.model_validate(json.loads(fidelity.model_dump_json()))
    assert again == fidelity
    assert again.network.filters == 8
    assert BlackBoxSpec(name="s", fidelity=fidelity).key != BlackBoxSpec(name="s", fidelity=Fidelity(dataset="x")).key


@pytest.mark.parametrize(
    ("network", "place"),
    [({"filters": 0}, "filters"), ({"drop_path": 1}, "drop_path"), ({"dropout": -0.1}, "dropout"), ({"f": 1}, "f")],
)
def test_wrong_networks_are_refused_by_name(network, place):
    with pytest.raises(ValueError, match=rf"network\.{place}"):
        validate(Fidelity, {"dataset": "x", "network": network})


def test_both_are_described_for_people():
    schema = Fidelity.model_json_schema()
    assert "backbone and head are then not used" in schema["properties"]["network"]["description"]
