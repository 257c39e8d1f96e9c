"""What of a spec was asked for: its fields without those that have their defaults, to be read and sent again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel


def given_fields(model: BaseModel) -> dict[str, Any]:
    """Dump a model as plain data without the fields that have their defaults.

    Fields that tell the members of a union apart, such as a strategy's `name`, stay: validating what is returned gives
    an equal model.
    """
    dumped, given = model.model_dump(mode="json"), {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        tag = get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1
        if name in dumped and (tag or field.is_required() or value != field.get_default(call_default_factory=True)):
            given[name] = _given(value, dumped[name])
    return given


def _given(value: Any, dumped: Any) -> Any:
    if isinstance(value, BaseModel):
        return given_fields(value)
    if isinstance(value, Mapping):
        return {key: _given(inner, dumped[str(key)]) for key, inner in value.items()}
    if isinstance(value, tuple | list) and isinstance(dumped, list) and len(value) == len(dumped):
        return [_given(inner, plain) for inner, plain in zip(value, dumped, strict=True)]
    return dumped
