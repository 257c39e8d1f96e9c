"""Shared by all answers of the REST interface: the base model, a page of a listing, an error."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from search_spaces.validation import FieldProblem

Item = TypeVar("Item")


class PublicModel(BaseModel):
    """Base of all answers: frozen, and ignores fields that a newer service may add."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PagePublic(PublicModel, Generic[Item]):
    """One page of a listing."""

    items: tuple[Item, ...]
    next_cursor: str | None = Field(description="The `cursor` of the next page; null on the last page.")


class Problem(PublicModel):
    """An error (RFC 9457, `application/problem+json`): `detail` is a sentence, `errors` list the wrong fields."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: tuple[FieldProblem, ...] = ()
