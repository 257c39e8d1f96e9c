"""Spec of a differentiable search (Auto-DeepLab, CVPR 2019): supernet, bilevel optimisation, decoding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from nas.specs.confirm import CONFIRM, Confirm, ConfirmField, check_confirm, check_no_heads, confirming
from nas.specs.fidelity import Fidelity
from nas.specs.fields import Name, Resize, Size
from nas.specs.job import JobSpec
from nas.specs.optimization import AugmentSpec
from search_spaces.auto_deeplab.architecture import MAX_BLOCKS, MAX_LAYERS, NONE, OPERATORS, STRIDES, Operator
from search_spaces.auto_deeplab.trellis import halved
from search_spaces.base import StrictModel, content_key

SMALLEST_MAP = 2
"""Least side of the coarsest map, in cells: on one cell, the batch statistics of a small batch mean nothing."""


class SupernetSpec(StrictModel):
    """The supernet: `layers` layers of cells on `levels` strides (4, 8, ...), each cell with `blocks` blocks.

    A block at stride s has filters * s / 4 channels, a cell `blocks` times as many.
    """

    layers: Annotated[int, Field(ge=1, le=MAX_LAYERS)] = 12
    filters: Annotated[int, Field(ge=1, le=256)] = 8
    blocks: Annotated[int, Field(ge=1, le=MAX_BLOCKS)] = 5
    levels: Annotated[int, Field(ge=1, le=len(STRIDES))] = 4
    stem: Annotated[int, Field(ge=1, le=1024)] = Field(
        64, description="Filters of the stem; the output of the stem has twice as many."
    )
    operators: Annotated[tuple[Operator, ...], Field(min_length=1)] = OPERATORS
    partial_channels: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="K: only 1/K of the channels goes through the operators (PC-DARTS, Xu et al., ICLR 2020)."
    )
    auxiliary_skip: bool = Field(
        False,
        description="Add to every edge a skip whose weight fades from 1 to 0 by the end of the search (DARTS-, Chu et "
        "al., ICLR 2021).",
    )
    activation_checkpointing: bool = Field(
        False, description="Recompute each cell in the backward pass: less memory, a third more work."
    )

    @property
    def deepest(self) -> int:
        """The largest stride to which the path of a decoded network can go down, in pixels."""
        return STRIDES[self.reached - 1]

    @property
    def reached(self) -> int:
        """Number of strides that a path can reach: each layer goes one down at most."""
        return min(self.levels, self.layers + 1)

    @field_validator("operators")
    @classmethod
    def _something_to_decode(cls, operators: tuple[Operator, ...]) -> tuple[Operator, ...]:
        if len(set(operators)) != len(operators):
            raise ValueError(f"operators must differ from each other: {', '.join(operators)}")
        if all(operator == NONE for operator in operators):
            raise ValueError(
                f"operators need at least one that is not {NONE}, for instance sep_3x3: nothing could be decoded"
            )
        return operators

    @model_validator(mode="after")
    def _channels_divide(self) -> Self:
        if self.filters % self.partial_channels:
            raise ValueError(
                f"partial_channels {self.partial_channels} must divide the filters, {self.filters}: "
                "one part goes through the operators"
            )
        return self


class CosineSgd(StrictModel):
    """Optimiser of the weights: SGD with momentum, cosine schedule from `learning_rate` to `final_rate`.

    Source: Auto-DeepLab, section 4.1.
    """

    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.025
    final_rate: Annotated[float, Field(ge=0, le=10)] = 0.001
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 3e-4
    clip: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Largest norm of the gradient, which is clipped to it; null: no limit."
    )


class ArchitectureAdam(StrictModel):
    """Optimiser of alpha and beta: Adam (Auto-DeepLab, section 4.1); its `betas` are torch's by default."""

    learning_rate: Annotated[float, Field(gt=0, le=10)] = 3e-3
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 1e-3
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.999)


class BilevelSpec(StrictModel):
    """The bilevel optimisation of weights on one part of the training images, of alpha and beta on the other.

    The training images are split into equal parts A, for the weights, and B, for alpha and beta. An epoch is one pass
    over part A.
    """

    dataset: Name
    crop: Size = (321, 321)
    resize: Resize = Field(
        1.0, description="Factor on the size of every image as it is read. The paper searches at half size, 0.5."
    )
    augment: AugmentSpec = AugmentSpec()
    batch: Annotated[int, Field(ge=1, le=1024)] = 2
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 40
    architecture_from_epoch: Annotated[int, Field(ge=0)] = Field(
        20, description="From this epoch on (counted from 0) each step also moves alpha and beta."
    )
    second_order: bool = Field(
        False, description="Differentiate through one step of the weights (DARTS, Liu et al., ICLR 2019, eq. 8)."
    )
    weights: CosineSgd = CosineSgd()
    architecture: ArchitectureAdam = ArchitectureAdam()
    precision: Literal["float32", "bfloat16"] = "float32"
    acceleration: Literal["none", "compile", "graph"] = Field(
        "none",
        description="Only none works: a run that would compile the supernet or capture its steps is refused.",
    )
    train_images: Annotated[int, Field(ge=2)] | None = Field(None, description="Use the first N; null uses all.")
    val_images: Annotated[int, Field(ge=1)] | None = Field(None, description="Use the first N; null uses all.")
    class_weighting: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="Exponent e of the loss weight (class frequency)^-e; 0 weighs all pixels alike."
    )

    @model_validator(mode="after")
    def _architecture_moves(self) -> Self:
        if self.architecture_from_epoch >= self.epochs:
            raise ValueError(
                f"architecture_from_epoch {self.architecture_from_epoch} is not before the end ({self.epochs} epochs): "
                "alpha and beta would never move"
            )
        return self


class HessianStop(StrictModel):
    """Stop a run when the dominant eigenvalue of the Hessian in alpha of the loss on part B grows.

    It grows when its mean over the last `window` epochs is above `ratio` times the mean `window` epochs before.

    Source: RobustDARTS, Zela et al., ICLR 2020, section 4.2.
    """

    window: Annotated[int, Field(ge=1, le=1000)] = 5
    ratio: Annotated[float, Field(gt=1)] = 1.33
    iterations: Annotated[int, Field(ge=1, le=100)] = Field(6, description="Iterations of the power method.")


class StopSpec(StrictModel):
    """Remedies against collapse, each of which ends a run early."""

    max_skips: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Stop when the decoded cell has this many skips or more (DARTS+, Liang et al., 2019, criterion 1; "
        "there 2 of a normal cell's 8 edges).",
    )
    hessian: HessianStop | None = None


class DecodingSpec(StrictModel):
    """How beta is decoded to the path of a network.

    The rule `beta` is the paper's: the path of the largest product of probabilities. A node at the border of the
    trellis has two outgoing edges, a node in the middle three, so uniform betas decode to the path along the border,
    all at stride 4. The rule `normalised` compares each step with a uniform choice (probability times the number of
    outgoing edges), which removes that bias: with uniform betas all paths are then equally likely, and the one with
    the fewest changes of level wins.
    """

    paths: Literal["beta", "normalised"] = "beta"


class AutoDeepLabSpec(JobSpec):
    """A differentiable search: one long run for each seed, whose snapshots decode to networks.

    Every `score_every` epochs, and at the end, the decoded network is measured in a trial at the fidelity `scoring`.
    Without `scoring` no decoded network is measured, only the supernet.
    """

    kind: Literal["auto_deeplab"] = "auto_deeplab"
    supernet: SupernetSpec = SupernetSpec()
    bilevel: BilevelSpec
    stop: StopSpec = StopSpec()
    decoding: DecodingSpec = DecodingSpec()
    seeds: Annotated[int, Field(ge=1, le=100)] = 1
    scoring: Fidelity | None = None
    score_every: Annotated[int, Field(ge=1)] = Field(10, description="Number of epochs between two measured snapshots.")
    confirm: ConfirmField = CONFIRM

    @property
    def scored_epochs(self) -> tuple[int, ...]:
        """Epochs (counted from 1) after which the decoded network of a run is measured.

        A run that ends early is measured at its last epoch, in place of the next of these.
        """
        if self.scoring is None:
            return ()
        epochs = self.bilevel.epochs
        return tuple(sorted({*range(self.score_every, epochs + 1, self.score_every), epochs}))

    @property
    def planned(self) -> int:
        """Largest number of trials: snapshots that decode to the same network share one."""
        return self.seeds * len(self.scored_epochs)

    @property
    def runs(self) -> int:
        return self.seeds

    @property
    def fidelities(self) -> Mapping[str, Fidelity]:
        return {} if self.scoring is None else {"scoring": self.scoring}

    @property
    def datasets(self) -> Mapping[str, str]:
        """Names of the data sets of the runs and of the measured snapshots, by their path in the spec."""
        return {"bilevel.dataset": self.bilevel.dataset, **super().datasets}

    @property
    def run_key(self) -> str:
        """Content hash of the fields that decide a run; a run resumes only from checkpoints with the same hash."""
        parts = ("supernet", "bilevel", "stop", "decoding")
        return content_key({part: getattr(self, part).model_dump(mode="json") for part in parts})

    @model_validator(mode="after")
    def _trellis_fits_crop(self) -> Self:
        depth = self.supernet.reached
        for side in self.bilevel.crop:
            if halved(side, depth + 1) < SMALLEST_MAP:
                least = (SMALLEST_MAP - 1) * 2 ** (depth + 1) + 1
                raise ValueError(
                    f"crop {list(self.bilevel.crop)} is too small for {depth} levels: at stride "
                    f"{self.supernet.deepest} the map would have a side below {SMALLEST_MAP} cells; use at least "
                    f"{least} pixels a side, or fewer levels"
                )
        return self

    @property
    def confirming(self) -> Confirm | None:
        """How the search is confirmed at its end; None where it is not."""
        return None if self.scoring is None else confirming(self.confirm, self.scoring)

    @model_validator(mode="after")
    def _confirm_fits(self) -> Self:
        if self.confirm and self.scoring is None:
            raise ValueError("confirm measures decoded networks again, and none is measured: give a scoring fidelity")
        check_no_heads(self.confirm)
        if self.scoring is not None:
            check_confirm(self.confirm, self.scoring)
        return self

    @model_validator(mode="after")
    def _skips_can_be_reached(self) -> Self:
        if self.stop.max_skips is not None and self.stop.max_skips > 2 * self.supernet.blocks:
            raise ValueError(
                f"max_skips {self.stop.max_skips} is never reached: a cell of {self.supernet.blocks} blocks has "
                f"{2 * self.supernet.blocks} edges"
            )
        return self
