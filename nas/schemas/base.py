"""What every answer of the REST interface shares: the model itself, a page of a listing, an error."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from search_spaces.validation import FieldProblem

Item = TypeVar("Item")


class PublicModel(BaseModel):
    """Frozen; ignores what a newer service may add."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PagePublic(PublicModel, Generic[Item]):
    """One page of a listing; `next_cursor` asks for the following one, null says that this is the last."""

    items: tuple[Item, ...]
    next_cursor: str | None


class Problem(PublicModel):
    """An error (RFC 9457, `application/problem+json`): `detail` is a sentence, `errors` name the wrong fields."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: tuple[FieldProblem, ...] = ()
