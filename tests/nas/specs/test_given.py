"""What is dumped without defaults validates to an equal spec."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from nas.kinds.registry import kind_of
from nas.specs import (
    AutoDeepLabSpec,
    BilevelSpec,
    CalibrationSpec,
    ConfirmationRequest,
    ConfirmationSpec,
    DpcStrategy,
    Explicit,
    FullScaleRequest,
    FullScaleSpec,
    JobSpec,
    ReferenceSpec,
    TpeStrategy,
)
from nas.specs.given import given_fields
from nas.specs.requests import CalibrationRequest, SearchRequest, resolve
from nas.yaml_files import read_yaml
from nas.yaml_text import dump_yaml, parse_yaml
from search_spaces import PUBLISHED_CELL, DenseCell, ReferenceHead
from tests.builders import black_box_spec, scenes_fidelity

EXAMPLES = Path(__file__).parents[3] / "examples"
FIDELITY = scenes_fidelity(100, 300, batch=4)
SPECS: list[JobSpec] = [
    black_box_spec(DpcStrategy(startup=3), trials=9, seed=4, fidelity=FIDELITY),
    black_box_spec(TpeStrategy(), start=("published",), early_stopping=None),
    AutoDeepLabSpec(name="trellis", bilevel=BilevelSpec(dataset="scenes", crop=(129, 129)), seeds=2, scoring=FIDELITY),
    ReferenceSpec.model_validate(
        {"name": "heads", "heads": ["aspp", "published_dpc"], "fidelity": FIDELITY, "seeds": 4}
    ),
    CalibrationSpec(name="which", proxies={"short": scenes_fidelity(50)}, full_scale=FIDELITY, training_free=()),
]


def test_only_what_was_asked_for_stays():
    spec = black_box_spec(DpcStrategy(startup=3), trials=9, fidelity=FIDELITY)
    assert given_fields(spec) == {
        "name": "a search",
        "kind": "black_box",
        "strategy": {"name": "dpc", "startup": 3},
        "fidelity": {"dataset": "scenes", "rungs": [100, 300], "batch": 4},
        "trials": 9,
    }


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_a_search_can_be_asked_for_again(spec):
    """Through YAML, as the command reads it."""
    content = parse_yaml(dump_yaml(kind_of(spec).repeat(spec).content))
    if spec.kind == "calibration":
        assert TypeAdapter(CalibrationRequest).validate_python(content).key == spec.key
    else:
        again = resolve(TypeAdapter(SearchRequest).validate_python(content), lambda name: FIDELITY)
        assert again.key == spec.key


def test_a_full_scale_evaluation_can_be_asked_for_again():
    spec = FullScaleSpec(
        name="again", of="s0123456789ab", sampling="top", trials=(3, 1), fidelity=FIDELITY, seeds=2, seed=5
    )
    repeat = kind_of(spec).repeat(spec)
    request = FullScaleRequest.model_validate(parse_yaml(dump_yaml(repeat.content)))
    shared = {name: getattr(request, name) for name in type(request).model_fields if name != "choose"}
    assert isinstance(request.choose, Explicit)
    again = FullScaleSpec(of=spec.of, sampling="top", trials=request.choose.trials, **shared)
    assert again.key == spec.key
    assert repeat.command == "segnas full-scale s0123456789ab --fidelity full_scale.yaml --watch"


def test_a_confirmation_can_be_asked_for_again():
    heads = (ReferenceHead(name="aspp", channels=20), DenseCell(branches=PUBLISHED_CELL.branches, channels=48))
    spec = ConfirmationSpec(
        name="sure",
        of="s0123456789ab",
        trials=(3, 1),
        references=heads,
        fidelity=FIDELITY,
        seeds=5,
        seed=7,
        learning_rates=(0.5, 0.1),
    )
    request = ConfirmationRequest.model_validate(kind_of(spec).repeat(spec).content)
    assert isinstance(request.choose, Explicit)
    assert (request.choose.trials, request.references, request.iterations) == ((3, 1), heads, 300)
    assert (request.name, request.seeds, request.seed, request.learning_rates) == ("sure", 5, 7, (0.5, 0.1))


@pytest.mark.parametrize(
    "example",
    [
        *("demo", "scenes", "own_data", "extended", "levels", "random", "reference", "cityscapes"),
        *("auto_deeplab", "auto_deeplab_evolution"),
    ],
)
def test_the_examples_come_back(example):
    request = TypeAdapter(SearchRequest).validate_python(read_yaml(EXAMPLES / f"{example}.yaml"))
    spec = resolve(request, lambda name: FIDELITY)
    again = resolve(TypeAdapter(SearchRequest).validate_python(given_fields(spec)), lambda name: FIDELITY)
    assert again.key == spec.key
