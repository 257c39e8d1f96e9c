"""What a search optimises and which architectures it admits: objectives and constraints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Protocol, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag
from typing_extensions import TypeAliasType

from search_spaces.base import StrictModel
from search_spaces.latency import Latency

COSTS = ("parameters", "multiply_adds", "latency")
"""The objectives that are minimised."""


class ClassIou(StrictModel):
    """The objective to maximise one class's IoU."""

    class_iou: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="The name of the class.")
    number: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Its place among the classes of the data set, from 0. Left out, the service finds it by name."
    )


ObjectiveName = TypeAliasType(
    "ObjectiveName",
    Annotated[
        Literal["miou", "worst_class_iou", "parameters", "multiply_adds", "latency"],
        Field(
            description="miou (mean of the classes' IoU) and worst_class_iou (the least of them) are maximised; "
            "parameters and multiply_adds of what is trained, and latency (measured on a worker), are minimised."
        ),
    ],
)
"""An objective that needs no further words."""


def _tag(value: Any) -> str:
    return "ObjectiveName" if isinstance(value, str) else "ClassIou"


Objective = TypeAliasType(
    "Objective",
    Annotated[
        Annotated[ObjectiveName, Tag("ObjectiveName")] | Annotated[ClassIou, Tag("ClassIou")], Discriminator(_tag)
    ],
)
"""One thing to maximise or to minimise."""

Vector: TypeAlias = tuple[float, ...]
"""The values of a trial's objectives, in their order and with the sign by which the greater one is the better."""


def objective_text(objective: Objective) -> str:
    """Name an objective in a word or two, for tables and sentences."""
    if isinstance(objective, ClassIou):
        return f"IoU of {objective.class_iou}"
    words = {"miou": "mIoU", "worst_class_iou": "worst class's IoU", "multiply_adds": "multiply-adds"}
    return words.get(objective, objective)


Direction: TypeAlias = Literal["maximise", "minimise"]


def objective_direction(objective: Objective) -> Direction:
    """Say which values of an objective are the better ones: the high ones of an IoU, the low ones of a cost."""
    return "minimise" if objective in COSTS else "maximise"


def objective_at(objective: Objective, *, elsewhere: bool) -> Objective:
    """Return an objective as a search has it that measures the same trials again.

    Args:
        objective: The objective.
        elsewhere: Whether they are measured on another data set, where a class may have another number.
    """
    if elsewhere and isinstance(objective, ClassIou):
        return objective.model_copy(update={"number": None})
    return objective


def _distinct(objectives: tuple[Objective, ...]) -> tuple[Objective, ...]:
    names = [objective_text(objective) for objective in objectives]
    if (twice := next((name for name in names if names.count(name) > 1), None)) is not None:
        raise ValueError(f"{twice} is named twice; name each objective once")
    if objectives[0] in COSTS:
        raise ValueError(
            f"the first objective is {objectives[0]}, which the smallest head has without any search: begin with miou, "
            "worst_class_iou or a class_iou, by which leaderboards are ordered, or make it one of the constraints"
        )
    return objectives


Objectives: TypeAlias = Annotated[
    tuple[Objective, ...],
    Field(min_length=1, max_length=5),
    AfterValidator(_distinct),
]
"""The objectives of a search, the one that leaderboards are ordered by first."""

OfSearch: TypeAlias = Annotated[
    tuple[Objective, ...],
    Field(min_length=1, max_length=1),
    AfterValidator(_distinct),
]
"""The first objective of another search, by which a search compares that measures its trials again."""

_BY_MIOU: tuple[Objective, ...] = ("miou",)

OF_SEARCH = Field(
    _BY_MIOU,
    # Left out of every dump while it is the default: specs written before it was there keep their keys.
    exclude_if=lambda objectives: objectives == _BY_MIOU,
    description="The first objective of the search whose trials are measured again: what is compared.",
)


class MostCount(StrictModel):
    """The largest number that is admitted."""

    max: Annotated[int, Field(ge=1, le=10**15)]


class MostMilliseconds(StrictModel):
    """The longest time that is admitted, in milliseconds."""

    max: Annotated[float, Field(gt=0, le=1e6)]


class Constraints(StrictModel):
    """What a trial may cost at most; a trial beyond it is not trained, is shown as failed, and is never the best."""

    parameters: MostCount | None = Field(
        None, exclude_if=lambda bound: bound is None, description="Of what is trained, with its logits."
    )
    multiply_adds: MostCount | None = Field(
        None,
        exclude_if=lambda bound: bound is None,
        description="Of one forward pass of what is trained, for one crop, with its logits.",
    )
    latency: MostMilliseconds | None = Field(
        None,
        exclude_if=lambda bound: bound is None,
        description="Median of one forward pass of what is trained, for one crop, in milliseconds on the trial's "
        "worker.",
    )


class Measured(Protocol):
    """What goals read of a measurement (`nas.results.measurement.Measurement`, which describes the fields)."""

    @property
    def score(self) -> float: ...
    @property
    def class_iou(self) -> tuple[float | None, ...]: ...
    @property
    def parameters(self) -> int | None: ...
    @property
    def multiply_adds(self) -> int | None: ...
    @property
    def latency(self) -> Latency | None: ...


class Goals(StrictModel):
    """The objectives and constraints of a search: what its trials' measurements are worth.

    The one place that says so: leaderboards, early stopping, strategies and Pareto sets use these values.
    """

    objectives: Objectives = ("miou",)
    constraints: Constraints = Constraints()

    @property
    def text(self) -> str:
        """The first objective in words."""
        return objective_text(self.objectives[0])

    @property
    def by_miou(self) -> bool:
        """Whether the first objective is mIoU, so that values are scores."""
        return self.objectives[0] == "miou"

    @property
    def direction(self) -> Direction:
        """Which values of the first objective are the better ones."""
        return objective_direction(self.objectives[0])

    @property
    def several(self) -> bool:
        """Whether there are several objectives, so that the answer is a Pareto set."""
        return len(self.objectives) > 1

    @property
    def measure_latency(self) -> bool:
        """Whether the latency of each trial is measured."""
        return "latency" in self.objectives or self.constraints.latency is not None

    def value(self, measurement: Measured) -> float | None:
        """Return the value of the first objective, in [0, 1], by which trials are ordered within a rung.

        None: the measurement does not have it, such as a class's IoU where the class does not occur.
        """
        return _value(self.objectives[0], measurement)

    def values(self, measurement: Measured) -> Vector | None:
        """Return the values of all objectives; None where the measurement lacks one."""
        found = [_value(objective, measurement) for objective in self.objectives]
        known = [value for value in found if value is not None]
        return tuple(known) if len(known) == len(found) else None

    def beyond(
        self, parameters: int | None = None, multiply_adds: int | None = None, latency: float | None = None
    ) -> str | None:
        """Say which constraint a trial breaks; None where it breaks none that can be told.

        Args:
            parameters: Trainable parameters of what is trained.
            multiply_adds: Of one forward pass.
            latency: Median in milliseconds.
        """
        bounds = self.constraints
        for name, found, bound in (
            ("parameters", parameters, bounds.parameters),
            ("multiply_adds", multiply_adds, bounds.multiply_adds),
            ("latency", latency, bounds.latency),
        ):
            if bound is not None and found is not None and found > bound.max:
                unit = " ms" if name == "latency" else ""
                shown = f"{found:.3g}" if name == "latency" else f"{found:,}"
                most = f"{bound.max:g}" if name == "latency" else f"{bound.max:,}"
                return f"{name} {shown}{unit} is beyond constraints.{name}.max, {most}{unit}"
        return None

    def admits(self, measurement: Measured) -> bool:
        """Whether a measurement has all that the search asks for, within its constraints."""
        latency = None if measurement.latency is None else measurement.latency.median_ms
        broken = self.beyond(measurement.parameters, measurement.multiply_adds, latency)
        measured = latency is not None or not self.measure_latency
        return broken is None and measured and self.values(measurement) is not None


MIOU = Goals()
"""The goals of a search that says nothing else: the highest mIoU."""


def _value(objective: Objective, measurement: Measured) -> float | None:
    if isinstance(objective, ClassIou):
        return _class_iou(objective, measurement.class_iou)
    match objective:
        case "miou":
            return measurement.score
        case "worst_class_iou":
            return min((iou for iou in measurement.class_iou if iou is not None), default=None)
        case "latency":
            return None if measurement.latency is None else -measurement.latency.median_ms
        case "parameters":
            return None if measurement.parameters is None else -float(measurement.parameters)
        case "multiply_adds":
            return None if measurement.multiply_adds is None else -float(measurement.multiply_adds)


def _class_iou(objective: ClassIou, ious: Sequence[float | None]) -> float | None:
    number = objective.number
    return None if number is None or number >= len(ious) else ious[number]
