"""The first search is one: what the form proposes, what `segnas init` writes, what the API documents."""

from __future__ import annotations

from api.openapi.examples import example_spec
from nas.cli.first_files import first_spec
from nas.first_search import BackboneOption, backbones, first_request, usable
from nas.settings import Settings
from nas.specs import BlackBoxSpec
from nas.weights.packages import DISTRIBUTIONS
from nas.yaml_text import parse_yaml


def test_every_backbone_makes_a_valid_search():
    for option in backbones({}):
        spec = BlackBoxSpec.model_validate(first_request("scenes", option.backbone))
        assert (spec.fidelity.backbone.strides[0], spec.fidelity.label_stride) == (8, 8)


def test_the_last_backbone_needs_no_weights_and_the_first_that_can_be_used_is_taken(monkeypatch):
    monkeypatch.setattr("nas.weights.check.packaged_weights", _missing)
    *others, last = options = list(backbones({}))
    assert last.problem is None
    assert all(option.backbone["name"] in DISTRIBUTIONS and option.problem == "not here" for option in others)
    assert usable(options) is last
    hopeless = [BackboneOption("a", {}, "x"), BackboneOption("b", {}, "y")]
    assert usable(hopeless).text == "b"


def _missing(name: str) -> str:
    raise ValueError("not here")


def test_file_and_example_are_the_same_search():
    request = first_request("scenes")
    assert example_spec(Settings(datasets={})) == request
    assert parse_yaml(first_spec(request)) == request
    lines = first_spec(request, "mine.yaml").splitlines()
    assert "mine.yaml --watch" in lines[2]
    assert "  crop: [128, 128]                      # no larger than the images" in lines
    assert max(map(len, lines)) <= 120
