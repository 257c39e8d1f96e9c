"""Every number, truth value and text of every description refuses what is of another type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from typing_extensions import TypeAliasType

from nas.specs.requests import CalibrationRequest, FullScaleRequest, search_requests
from nas.specs.search import stored_specs
from search_spaces.base import StrictModel
from search_spaces.validation import InputError, validate

Named = TypeAliasType("Named", Annotated[int, Field(ge=1)])


class Inner(StrictModel):
    number: Named = 1
    stride: Literal[1, 8, 16] = 8


class Outer(StrictModel):
    number: int = 0
    factor: float = 1.0
    flag: bool = False
    text: str = ""
    maybe: Annotated[float, Field(gt=0)] | None = None
    pair: tuple[int, int] = (1, 1)
    by_name: dict[str, Inner] = Field(default_factory=dict)
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"number": True}, "number: Input should be a valid integer, not true"),
        ({"number": "010"}, "number: Input should be a valid integer, not the text '010'"),
        ({"number": " 8"}, "valid integer"),
        ({"number": 8.0}, "number: Input should be a valid integer, not the number 8.0"),
        ({"factor": "0.5"}, "factor: Input should be a valid number, not the text '0.5'"),
        ({"factor": False}, "factor: Input should be a valid number, not false"),
        ({"factor": float("nan")}, "finite"),
        ({"factor": float("inf")}, "finite"),
        ({"flag": 1}, "flag: Input should be a valid boolean, not the number 1"),
        ({"flag": "yes"}, "flag: Input should be a valid boolean, not the text 'yes'"),
        ({"text": 3}, "text: Input should be a valid string, not the number 3"),
        ({"maybe": "1"}, "valid number"),
        ({"pair": [1, "1"]}, "pair.1: Input should be a valid integer, not the text '1'"),
        ({"inner": {"number": True}}, "inner.number: Input should be a valid integer"),
        ({"inner": {"stride": True}}, "inner.stride: Input should be a valid integer, not true"),
        ({"inner": {"stride": 8.0}}, "inner.stride: Input should be a valid integer"),
        ({"inner": {"stride": "8"}}, "inner.stride"),
        ({"by_name": {"a": {"number": "1"}}}, "by_name.a.number: Input should be a valid integer"),
    ],
)
def test_a_scalar_is_made_from_no_other_type(data, message):
    with pytest.raises(InputError) as caught:
        validate(Outer, data)
    assert message in str(caught.value)


def test_lists_are_still_tuples_and_integers_still_numbers():
    found = validate(Outer, {"factor": 3, "maybe": 2, "pair": [4, 5], "inner": {"stride": 16}})
    assert (found.factor, found.maybe, found.pair, found.inner.stride) == (3.0, 2.0, (4, 5), 16)


def test_being_part_of_many_types_changes_nothing():
    # A schema is visited with each type that holds it; it must not grow with each visit.
    for _ in range(100):
        adapter = TypeAdapter(Annotated[Inner | None, Field()])
    assert adapter.validate_python({"stride": 16}) == Inner(stride=16)
    assert len(str(Inner.__pydantic_core_schema__)) < 5000


def _leaves(schema: Any, path: str = "", seen: frozenset[int] = frozenset()) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, list | tuple):
        for index, child in enumerate(schema):
            yield from _leaves(child, f"{path}[{index}]", seen)
    elif isinstance(schema, dict) and id(schema) not in seen:
        if schema.get("type") in ("int", "float", "bool", "str"):
            yield path, schema
        for name, child in schema.items():
            if name not in ("metadata", "serialization", "default", "schema_serializer"):
                yield from _leaves(child, f"{path}.{name}", seen | {id(schema)})


@pytest.mark.parametrize(
    "model",
    [*stored_specs(), *search_requests(), FullScaleRequest, CalibrationRequest],
    ids=lambda model: model.__name__,
)
def test_every_field_of_every_spec_is_strict(model: type[BaseModel]):
    found = list(_leaves(model.__pydantic_core_schema__))
    assert len(found) > 20
    loose = [path for path, leaf in found if not leaf.get("strict") and ".lax_schema" not in path]
    assert not loose


def test_pydantic_itself_is_what_is_tightened():
    class Loose(BaseModel):
        number: int

    assert Loose.model_validate({"number": True}).number == 1  # what a spec must not do
    with pytest.raises(ValidationError):
        Outer.model_validate({"number": True})
