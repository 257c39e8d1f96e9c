"""What the REST interface says: the models that the service answers with and that the Python client gives back.

They read with unknown fields left out, so that an older client understands a newer service. Times are UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from nas.problems import FieldProblem
from nas.spec import SearchSpec
from nas.store.records import SearchStatus, TrialStatus

Item = TypeVar("Item")


class PublicModel(BaseModel):
    """Frozen; ignores what a newer service may add."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class StagePublic(PublicModel):
    """What the search is at: `done` of `total` units of the stage `name` ("warm-up", "features", "trials")."""

    name: str
    done: int
    total: int


class BestPublic(PublicModel):
    """The best trial so far: highest score at the deepest rung that any trial has reached."""

    number: int
    score: float = Field(description="Validation mIoU in [0, 1].")
    iteration: int


class CostPublic(PublicModel):
    """What a search has cost so far."""

    device_seconds: float = Field(description="Of all trials and runs that were run, to their last measurement.")
    measured: int = Field(description="Trials that ran and measured something.")
    adopted: int = Field(description="Trials taken over from a search that had measured the same.")


class RungForecastPublic(PublicModel):
    """One rung of a forecast."""

    iteration: int
    trials: float = Field(description="Expected to get there.")
    seconds: float | None = Field(description="Of one trial from the rung before; null where nothing is known.")
    measured: int = Field(description="Trials that have been there at this very fidelity; 0: read off a line.")


class TrialsForecastPublic(PublicModel):
    """The trials of one fidelity of a spec."""

    path: str = Field(description="Of the fidelity in the spec.")
    trials: int
    rungs: tuple[RungForecastPublic, ...]
    seconds: float | None = Field(description="Of all these trials, one after the other.")
    device_seconds: float | None
    basis: str | None = Field(description="Whose times these are; null: nothing comparable was measured.")
    measured: int = Field(description="Trials that those times are means of.")
    measured_to: int | None = Field(description="Their deepest iteration.")


class RunsForecastPublic(PublicModel):
    """The runs of a differentiable search, at most: a remedy may end them earlier."""

    runs: int
    epochs: int
    device_seconds: float | None
    measured: int = Field(description="Epochs that were timed.")


class ForecastPublic(PublicModel):
    """What a search is expected to cost, from means over comparable trials that were measured before.

    Not in it: preparation (backbone, features), the start of processes, waiting for a machine.
    """

    trials: int
    device_seconds: float | None = Field(description="Of all trials and runs; null where something is not known.")
    seconds: float | None = Field(description="How long that takes with `resources.concurrent` trials at a time.")
    basis: str | None = Field(description="What that rests on.")
    reason: str | None = Field(description="Why something is not known, and what to do about it.")
    parts: tuple[TrialsForecastPublic, ...] = Field(description="One for each fidelity.")
    runs: RunsForecastPublic | None = Field(description="Of a differentiable search.")


class SearchPublic(PublicModel):
    """One search: what was asked for, where it stands."""

    id: str
    kind: str = Field(description="black_box, auto_deeplab, reference, full_scale or calibration.")
    name: str
    status: SearchStatus
    message: str | None = Field(description="Why it is in this status, where there is something to say.")
    stage: StagePublic | None
    attempt: int = Field(description="How many drivers this search has had; above 1 after a lost one.")
    trials: dict[TrialStatus, int] = Field(description="Number of trials by status.")
    planned: int = Field(description="Number of trials that it will have, at most.")
    best: BestPublic | None
    cost: CostPublic
    forecast: ForecastPublic | None = Field(
        None, description="What it was expected to cost when it was created, where something comparable was known."
    )
    parent: str | None = Field(description="The search whose architectures a full-scale evaluation measures.")
    spec: SearchSpec
    dashboard: str | None = Field(description="The search's job in the Ray dashboard.")
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class TrialPublic(PublicModel):
    """One trial; score, iteration and seconds are those of the deepest rung measured."""

    number: int
    status: TrialStatus
    score: float | None = Field(description="Validation mIoU in [0, 1].")
    iteration: int | None
    seconds: float | None
    device_seconds: float | None
    parameters: int | None = Field(None, description="Trainable ones of what was trained.")
    multiply_adds: int | None = Field(None, description="Of one forward pass of that for one crop.")
    source: str | None = Field(None, description="SEARCH/NUMBER of the trial from which it was taken over, unrun.")
    reason: str | None = Field(description="Why it failed, where it did.")
    attempt: int
    seed: int
    architecture: dict[str, Any]
    architecture_key: str
    fidelity_key: str
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class MeasurementPublic(PublicModel):
    """One rung of a learning curve."""

    iteration: int
    score: float
    class_iou: tuple[float | None, ...]
    train_loss: float
    val_loss: float
    seconds: float
    device_seconds: float


class TrialDetail(TrialPublic):
    """A trial with its learning curve, ascending in iterations, and the architecture document to take away."""

    curve: tuple[MeasurementPublic, ...]
    document: dict[str, Any]


class PagePublic(PublicModel, Generic[Item]):
    """One page of a listing; `next_cursor` asks for the following one, null says that this is the last."""

    items: tuple[Item, ...]
    next_cursor: str | None


class SnapshotPublic(PublicModel):
    """What a run of a differentiable search decoded to after an epoch.

    Entropies are relative to uniform: 1 undecided, 0 decided. `score` is the decoded network's own, where it was
    measured as a trial; `supernet_miou` is the supernet's.
    """

    run: int = Field(description="Which of the search's seeds, from 0.")
    epoch: int = Field(description="From 1.")
    step: int
    architecture: dict[str, Any]
    architecture_key: str
    path: tuple[int, ...] = Field(description="Level of each layer: 0 is stride 4, 1 is stride 8, ...")
    alpha_entropy: float
    beta_entropy: float
    supernet_miou: float
    train_loss: float
    architecture_loss: float | None
    hessian_eigenvalue: float | None
    device_seconds: float
    finished: bool
    stopped_by: str | None = Field(description="The remedy that ended the run early.")
    trial: int | None = Field(description="The trial that measured the decoded network.")
    score: float | None = Field(description="Its validation mIoU in [0, 1].")
    created_at: datetime


class SnapshotDetail(SnapshotPublic):
    """A snapshot with the probabilities behind it and the architecture document.

    `alpha[edge][operator]`, edges block after block, each from its first possible input; `beta[node][way on]`, nodes by
    layer and level, ways on from the finest level they lead to.
    """

    operators: tuple[str, ...]
    alpha: tuple[tuple[float, ...], ...]
    beta: tuple[tuple[float, ...], ...]
    document: dict[str, Any]


class DifferencePublic(PublicModel):
    """A head minus the trunk without a unit, paired by seed, in mIoU."""

    baseline: str
    mean: float
    error: float | None = Field(description="Standard error of the mean; null with one seed.")
    seeds: int


class ReferencePublic(PublicModel):
    """One head of a reference search."""

    head: str
    architecture_key: str
    parameters: int | None
    multiply_adds: int | None
    device_seconds: float | None = Field(description="Mean of a trial.")
    scores: dict[int, float] = Field(description="Validation mIoU by seed, of trials that reached the last rung.")
    failed: dict[int, str] = Field(description="Why, by seed.")
    mean: float | None
    spread: float | None = Field(description="Standard deviation over the seeds (n - 1).")
    difference: DifferencePublic | None


class SpacePublic(PublicModel):
    """A search space: how many architectures it holds, and the JSON Schema of its description in a spec."""

    kind: str
    description: str
    size: str = Field(description="Number of architectures by default, as decimal digits (too long for a float).")
    sizes: dict[str, str] = Field(description="The same for other settings, such as `blocks=5, layers=12`.")
    spec_schema: dict[str, Any]


class DatasetPublic(PublicModel):
    """A registered data set, by the name that a spec uses."""

    name: str
    layout: str
    available: bool
    problem: str | None = Field(description="Why it cannot be read from where the service runs.")
    class_names: tuple[str, ...]
    images: dict[str, int] = Field(description="Number of images by split.")


class HealthPublic(PublicModel):
    """The process is alive."""

    status: str
    version: str


class PartPublic(PublicModel):
    """Whether one part that the service needs is there, and if not, why."""

    ok: bool
    message: str | None = None


class ServerPublic(PublicModel):
    """Whether the service can do its work, part by part, and where its cluster's dashboard is."""

    ready: bool
    version: str
    parts: dict[str, PartPublic]
    ray_dashboard: str | None


class Problem(PublicModel):
    """An error (RFC 9457, `application/problem+json`): `detail` is a sentence, `errors` name the wrong fields."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: tuple[FieldProblem, ...] = ()
