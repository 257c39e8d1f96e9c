"""Requests against what is stored: a fidelity by name, resolved once, checked like one in full."""

from __future__ import annotations

import re

import pytest
from pydantic import TypeAdapter

from nas.cli.specs import read_request
from nas.specs import (
    AutoDeepLabSpec,
    BlackBoxRequest,
    BlackBoxSpec,
    Fidelity,
    ReferenceRequest,
    ReferenceSpec,
    SearchRequest,
    SearchSpec,
)
from nas.specs.requests import NAME_PATTERN, resolve
from search_spaces.validation import InputError, validate

FIDELITY = Fidelity(dataset="scenes", rungs=(10, 20), batch=6)
NAME = "s0123456789ab/short"


def named(name: str) -> Fidelity:
    assert name == NAME
    return FIDELITY


def unasked(name: str) -> Fidelity:
    raise AssertionError(f"there is no name to resolve, but {name} was asked for")


@pytest.mark.parametrize(
    ("body", "request_type", "spec_type"),
    [
        ({"name": "x", "trials": 3, "strategy": {"name": "dpc"}}, BlackBoxRequest, BlackBoxSpec),
        ({"kind": "reference", "name": "x", "seeds": 1}, ReferenceRequest, ReferenceSpec),
    ],
)
def test_a_name_and_its_fidelity_lead_to_the_same_spec(body, request_type, spec_type):
    by_name = validate(SearchRequest, {**body, "fidelity": NAME})
    in_full = validate(SearchRequest, {**body, "fidelity": FIDELITY.model_dump(mode="json")})
    assert (type(by_name), type(in_full)) == (request_type, request_type)
    assert (dict(by_name.fidelities), dict(in_full.fidelities)) == ({}, {"fidelity": FIDELITY})
    spec = resolve(by_name, named)
    assert type(spec) is spec_type
    assert spec == resolve(in_full, unasked) == validate(SearchSpec, {**body, "fidelity": FIDELITY})
    assert spec.key == validate(SearchSpec, {**body, "fidelity": FIDELITY}).key


def test_a_differentiable_search_is_asked_for_as_it_is_stored():
    body = {"kind": "auto_deeplab", "name": "x", "bilevel": {"dataset": "scenes"}, "scoring": {"dataset": "scenes"}}
    asked = validate(SearchRequest, body)
    assert type(asked) is AutoDeepLabSpec
    assert resolve(asked, unasked) == asked
    with pytest.raises(InputError, match="scoring: a mapping of fields is needed here"):
        validate(SearchRequest, {**body, "scoring": NAME})
    with pytest.raises(InputError, match="fidelity: unknown field"):
        validate(SearchRequest, {**body, "fidelity": NAME})


def test_what_a_spec_requires_of_its_fidelity_is_required_of_a_named_one():
    body = {"name": "x", "resources": {"cpus": 4, "workers": 4}}
    sentence = r"fidelity\.batch 6 cannot be shared by 4 workers"
    with pytest.raises(InputError, match=sentence):
        validate(SearchRequest, {**body, "fidelity": FIDELITY.model_dump()})
    by_name = validate(SearchRequest, {**body, "fidelity": NAME})
    with pytest.raises(InputError, match=sentence):
        resolve(by_name, named)


@pytest.mark.parametrize(
    "text", ["", "fast", "s0123456789ab/", "s0123456789AB", "s0123456789ab/A", "s0123456789ab/a/b", "s0123456789ab\n"]
)
def test_other_texts_name_no_fidelity(text):
    with pytest.raises(InputError) as refused:
        validate(SearchRequest, {"name": "x", "fidelity": text})
    (problem,) = refused.value.problems
    assert problem.path == "fidelity"
    assert problem.message.startswith(f"{text!r} names no fidelity: a mapping of fields is needed here, or a calib")


def test_mistakes_inside_a_fidelity_are_told_by_their_path():
    with pytest.raises(InputError) as refused:
        validate(SearchRequest, {"name": "x", "trails": 3, "fidelity": {"dataset": "scenes", "rung": [1]}})
    assert {(problem.path, problem.message) for problem in refused.value.problems} == {
        ("trails", "unknown field; did you mean trials?"),
        ("fidelity.rung", "unknown field; did you mean rungs?"),
    }


def test_the_schema_knows_both_forms():
    schema = TypeAdapter(SearchRequest).json_schema()
    for request in ("BlackBoxRequest", "ReferenceRequest"):
        assert schema["$defs"][request]["properties"]["fidelity"] == {"$ref": "#/$defs/NamedFidelity"}
    forms = schema["$defs"]["NamedFidelity"]["oneOf"]
    assert forms == [{"$ref": "#/$defs/Fidelity"}, {"$ref": "#/$defs/FidelityName"}]
    assert schema["$defs"]["FidelityName"]["pattern"] == NAME_PATTERN
    assert re.fullmatch(NAME_PATTERN, NAME)


def test_the_command_line_sends_what_the_request_model_makes_of_a_file(tmp_path):
    file = tmp_path / "spec.yaml"
    file.write_text(f"name: x\ntrials: 3\nfidelity: {NAME}\n")
    sent = read_request(file)
    assert (sent["fidelity"], sent["trials"], sent["resources"]["concurrent"]) == (NAME, 3, 2)
    assert validate(SearchRequest, sent) == validate(SearchRequest, {"name": "x", "trials": 3, "fidelity": NAME})
