"""The first search is one: what the form proposes, what `segnas init` writes, what the API documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.openapi.examples import example_spec
from nas.cli.first_files import first_spec
from nas.data.survey import SplitSurvey
from nas.first_search import (
    LEAST_VALIDATION,
    SCENES,
    BackboneOption,
    backbones,
    data_set,
    first_request,
    fitting,
    usable,
)
from nas.settings import Settings
from nas.specs import BlackBoxSpec
from nas.weights.packages import DISTRIBUTIONS
from nas.yaml_files import read_yaml
from nas.yaml_text import parse_yaml
from search_spaces.validation import InputError

EXAMPLES = Path(__file__).parents[2] / "examples"


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


@pytest.mark.parametrize(
    ("sizes", "images", "validation", "fits"),
    [
        (((1024, 2048),), 2975, 500, {"crop": (256, 256), "batch": 8, "keep_back": True}),
        (((128, 256), (96, 300)), 64, LEAST_VALIDATION, {"crop": (96, 256), "batch": 8, "keep_back": True}),
        (((40, 70),), 2, LEAST_VALIDATION - 1, {"crop": (64, 64), "batch": 2, "keep_back": False}),
        ((), 5, 1, {"batch": 5, "keep_back": False}),
    ],
)
def test_what_the_images_decide_by_hand(sizes, images, validation, fits):
    assert fitting({"train": SplitSurvey(images, sizes), "val": SplitSurvey(validation, ())}) == fits


def test_a_search_with_images_kept_back_is_confirmed_at_its_end_and_one_without_is_not():
    kept, plain = (
        BlackBoxSpec.model_validate(first_request("scenes", keep_back=keep_back)) for keep_back in (True, False)
    )
    assert kept.confirming is not None
    assert (kept.confirming.top, kept.fidelity.holdout is not None) == (2, True)
    assert (plain.confirming, plain.fidelity.holdout) == (None, None)


def test_the_data_set_is_the_one_asked_for_or_the_first():
    assert data_set({"b": 1, "a": 2}, None) == "b"
    assert data_set({"b": 1, "a": 2}, "a") == "a"
    with pytest.raises(InputError, match="no data set 'c'; known are: a, b"):
        data_set({"b": 1, "a": 2}, "c")
    with pytest.raises(InputError, match="no data set; none is registered"):
        data_set({}, None)


def test_the_demo_is_the_first_search_on_the_generated_scenes():
    first = BlackBoxSpec.model_validate(first_request("scenes", **SCENES))
    demo = BlackBoxSpec.model_validate(read_yaml(EXAMPLES / "demo.yaml"))
    unflipped = first.fidelity.augment.model_copy(update={"flip": False})
    assert demo.fidelity == first.fidelity.model_copy(update={"augment": unflipped})
    assert (demo.space, demo.trials, demo.confirm) == (first.space, first.trials, first.confirm)
    assert demo.early_stopping == first.early_stopping


def test_file_and_example_are_the_same_search():
    assert example_spec(Settings(datasets={})) == first_request("scenes")
    request = first_request("scenes", **SCENES)
    assert parse_yaml(first_spec(request)) == request
    lines = first_spec(request, "mine.yaml").splitlines()
    assert "mine.yaml --watch" in lines[2]
    assert "  crop: [128, 256]                      # no larger than the images" in lines
    assert sum("kept back" in line or "are confirmed" in line for line in lines) == 1, "why there is a holdout"
    assert max(map(len, lines)) <= 120
