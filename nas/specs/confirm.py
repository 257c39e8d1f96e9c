"""What a search does at its end by itself: it confirms its best architectures with fresh seeds."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from nas.specs.confirmation import LEARNING_RATES, FreshSeeds, LearningRates
from nas.specs.fidelity import Fidelity
from nas.specs.named_head import NamedHead
from nas.specs.reference import named_head
from search_spaces.base import StrictModel


class Confirm(StrictModel):
    """How a search is confirmed at its end: its `top` best and reference heads again, each with `seeds` fresh seeds."""

    top: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="How many of the best, or all where there are fewer."
    )
    seeds: FreshSeeds = Field(4, description="Number of fresh seeds of each architecture and head.")
    references: Annotated[tuple[NamedHead, ...], Field(max_length=100)] | None = Field(
        None, description="Heads to compare with, in full or by name; null takes the textbooks' at two widths."
    )
    learning_rates: LearningRates = LEARNING_RATES


ConfirmField: TypeAlias = bool | Confirm | None
"""The field `confirm` of a spec: no, yes, how; null is yes where the fidelity keeps images back."""

CONFIRM = Field(
    None,
    # Left out of every dump while it is the default: specs written before it was there keep their keys.
    exclude_if=lambda confirm: confirm is None,
    description="Whether, and how, a completed search is followed by a confirmation of its best, a search of its own "
    "on the images that were kept back. Null: where `holdout` of the fidelity keeps images back. true also confirms "
    "without such images, on those that the search measured on.",
)


def confirming(asked: ConfirmField, fidelity: Fidelity) -> Confirm | None:
    """Decide how a search is confirmed at its end; None where it is not.

    Args:
        asked: The field of the spec.
        fidelity: The fidelity of the search.
    """
    if asked is None:
        asked = fidelity.holdout is not None and fidelity.holdout.measure_on == "selection"
    if asked is True:
        return Confirm()
    return asked or None


def check_confirm(asked: ConfirmField, fidelity: Fidelity) -> None:
    """Check that a search that asks for a confirmation can have one.

    Raises:
        ValueError: It measures on the images that are kept back, or a reference head does not fit the fidelity.
    """
    found = confirming(asked, fidelity) if asked else None
    if found is None:
        return
    if fidelity.holdout is not None and fidelity.holdout.measure_on == "kept_back":
        raise ValueError(
            "confirm measures on the images that are kept back, and fidelity.holdout.measure_on has the search itself "
            "measure on them: use measure_on: selection"
        )
    heads = [named_head(head) for head in found.references or ()]
    for index, head in enumerate(heads):
        if heads.index(head) != index:
            raise ValueError(f"confirm.references.{index} is the same head as confirm.references.{heads.index(head)}")
        try:
            fidelity.check_head(head)
        except ValueError as error:
            raise ValueError(f"confirm.references.{index}: {error}") from None


def check_no_heads(asked: ConfirmField) -> None:
    """Check that a search for entire networks names no heads to compare them with.

    Raises:
        ValueError: It does.
    """
    if isinstance(asked, Confirm) and (asked.references or asked.learning_rates):
        raise ValueError(
            "confirm.references and their learning_rates are of heads, and entire networks are not compared with "
            "heads: leave them out"
        )


def confirming_fidelity(fidelity: Fidelity, iterations: int | None = None) -> Fidelity:
    """Return the fidelity at which a search measured, on the images that it kept back.

    Args:
        fidelity: The fidelity of the search.
        iterations: Another last rung; None keeps the search's.
    """
    changes: dict[str, object] = {}
    if fidelity.holdout is not None:
        changes["holdout"] = fidelity.holdout.model_copy(update={"measure_on": "kept_back"})
    if iterations is not None:
        changes["rungs"] = (*(rung for rung in fidelity.rungs if rung < iterations), iterations)
    return Fidelity.model_validate({**dict(fidelity), **changes})
