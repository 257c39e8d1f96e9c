"""Answers about searches side by side."""

from __future__ import annotations

from pydantic import Field

from nas.results.status import SearchStatus
from nas.schemas.base import PublicModel
from nas.schemas.panels import Panel
from nas.schemas.searches import BestConfirmedPublic, CostPublic
from search_spaces.latency import Latency


class StepPublic(PublicModel):
    """A trial that is better than all before it, in the order of numbers."""

    trials: int = Field(description="Number of trials up to this one.")
    device_seconds: float = Field(description="Device-seconds of the runs and of these trials.")
    value: float = Field(description="Of the search's first objective.")


class WinnerPublic(PublicModel):
    """The best trial of a search; of one that measures no networks, the best snapshot, without a score of its own."""

    trial: int | None = Field(description="Number of the trial; null for a snapshot.")
    text: str = Field(description="The architecture in one line.")
    short_text: str = Field("", description="The architecture in few characters; empty from an older service.")
    value: float | None = Field(
        description="Of the search's first objective, by which it is the best, at the rung where it stands; null for a "
        "snapshot, which is not measured."
    )
    score: float | None = Field(description="Validation mIoU in [0, 1]; null for a snapshot.")
    confirmed: BestConfirmedPublic | None = Field(
        None, description="What a confirmation measured of it; null where none decides which trial is best."
    )
    rung: int | None = Field(description="Rung at which the trial stands, in iterations.")
    parameters: int | None = Field(description="Trainable parameters of the modules that were trained.")
    multiply_adds: int | None = Field(description="Multiply-adds of one forward pass of these modules for one crop.")
    latency: Latency | None = Field(description="Time of one such pass; null where it was not asked for.")
    device_seconds: float | None
    drawing: str = Field(description="Path of the drawing of its architecture.")


class ComparedPublic(PublicModel):
    """One of the searches."""

    id: str
    name: str
    kind: str
    method: str
    dataset: str
    objective: str = Field(description="The search's first objective in words: what is best has the highest value.")
    status: SearchStatus
    trials: int = Field(description="Number of trials, of any status.")
    planned: int
    cost: CostPublic
    winner: WinnerPublic | None = Field(description="Null before anything is measured.")
    steps: tuple[StepPublic, ...] = Field(
        description="How the best value rose, at the fidelity and rung of the best trial."
    )


class SettingPublic(PublicModel):
    """A setting in which the searches differ."""

    path: str = Field(description="Path of the field in the specs.")
    values: tuple[str | None, ...] = Field(description="Of each search as text; null where its spec has no such field.")


class ComparisonPublic(PublicModel):
    """Searches side by side."""

    searches: tuple[ComparedPublic, ...]
    comparable: bool = Field(
        description="Whether the best scores are of the same objective, and were measured at the same fidelity and "
        "rung, as far as is known on the same data."
    )
    notes: tuple[str, ...] = Field(description="How comparable the best scores are, in sentences.")
    settings: tuple[SettingPublic, ...] = Field(description="The settings that differ, at most 100.")
    panels: tuple[Panel, ...] = Field(description="All of this as charts and tables, ready to be drawn.")
