"""Spec of Auto-DeepLab's space for black-box searches: layers, levels, blocks and operators of its networks, limit."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from nas.specs.cost_limit import CostLimit, Count, tighter
from nas.specs.crops import crop_misfit
from nas.specs.fidelity import Fidelity
from nas.specs.space import Space
from nas.specs.trained_cost import logits_cost
from search_spaces.auto_deeplab.architecture import (
    MAX_BLOCKS,
    MAX_LAYERS,
    NONE,
    OPERATORS,
    PUBLISHED_AUTO_DEEPLAB,
    STRIDES,
    AutoDeepLab,
    Block,
    Edge,
    Operator,
)
from search_spaces.auto_deeplab.cost import NetworkSetting, network_cost
from search_spaces.auto_deeplab.least import FEWEST_MULTIPLY_ADDS, FEWEST_PARAMETERS, Networks
from search_spaces.auto_deeplab.mutation import NETWORK_MUTATIONS
from search_spaces.auto_deeplab.space import DECODABLE
from search_spaces.changes import MutationKind
from search_spaces.document import Architecture
from search_spaces.text import architecture_text

NAMED_NETWORKS: Mapping[str, AutoDeepLab] = {"published": PUBLISHED_AUTO_DEEPLAB}
"""The networks that a spec may name."""


def network_family(layers: int, blocks: int) -> Hashable:
    """Return what searches for networks of so many layers and blocks have in common: the cost of their trials."""
    return ("auto_deeplab", layers, blocks)


class NetworkLimit(CostLimit):
    """The most parameters and multiply-adds that a network may have; networks beyond it are never trained.

    Both count the entire network without its logits (a 1x1 convolution to the classes), multiply-adds for one crop.
    """

    parameters: Count | None = Field(None, description="Most trainable parameters of a network, its logits left out.")
    multiply_adds: Count | None = Field(
        None, description="Most multiply-adds of a network for one crop, its logits left out."
    )


class AutoDeepLabSpace(Space):
    """Auto-DeepLab's space (Liu et al., CVPR 2019): a cell of `blocks` blocks along a path of `layers` layers.

    The fields have the names and the defaults of a differentiable search's `supernet`. How wide a network is built is
    said by the fidelity's `network`.
    """

    whole_network: ClassVar[bool] = True
    noun: ClassVar[str] = "network of Auto-DeepLab's space"

    kind: Literal["auto_deeplab"] = "auto_deeplab"
    layers: Annotated[int, Field(ge=1, le=MAX_LAYERS)] = 12
    blocks: Annotated[int, Field(ge=1, le=MAX_BLOCKS)] = 5
    levels: Annotated[int, Field(ge=1, le=len(STRIDES))] = Field(
        4, description="Number of strides of the trellis: 4, 8, 16, 32."
    )
    operators: Annotated[tuple[Operator, ...], Field(min_length=1)] = Field(
        DECODABLE, description="What an edge may do: those of a supernet without none, which no network has."
    )
    limit: NetworkLimit | None = Field(
        None,
        exclude_if=lambda limit: limit is None,
        description="Most parameters and multiply-adds of a network, counted before anything is trained.",
    )

    @model_validator(mode="before")
    @classmethod
    def _no_widths(cls, data: Any) -> Any:
        # A supernet has them, from which a space may be copied.
        for field in ("filters", "stem"):
            if isinstance(data, Mapping) and field in data:
                raise ValueError(f"a space has no {field}: fidelity.network says how wide networks are built")
        return data

    @field_validator("operators")
    @classmethod
    def _in_order(cls, operators: tuple[Operator, ...]) -> tuple[Operator, ...]:
        if NONE in operators:
            raise ValueError(f"operators of networks are all but {NONE}, which brings nothing: leave it out")
        if len(set(operators)) != len(operators):
            raise ValueError(f"operators must differ from each other: {', '.join(operators)}")
        return tuple(sorted(operators, key=OPERATORS.index))  # the same set is the same space

    @property
    def family(self) -> Hashable:
        """That of differentiable searches, whose measured networks are of this space."""
        return network_family(self.layers, self.blocks)

    @property
    def limited(self) -> bool:
        return self.limit is not None

    @property
    def deepest(self) -> int:
        """The largest stride that a path can reach, in pixels."""
        return STRIDES[min(self.levels, self.layers + 1) - 1]

    def check_architecture(self, architecture: Architecture) -> None:
        if not isinstance(architecture, AutoDeepLab):
            text = architecture_text(architecture)
            raise ValueError(f"{text} is no network of Auto-DeepLab's space, and space.kind is {self.kind}")
        if len(architecture.blocks) != self.blocks:
            raise ValueError(
                f"the network's cell has {len(architecture.blocks)} blocks, and space.blocks is {self.blocks}"
            )
        if len(architecture.path) != self.layers:
            raise ValueError(f"the network has {len(architecture.path)} layers, and space.layers is {self.layers}")
        if (deepest := max(architecture.path)) >= self.levels:
            raise ValueError(
                f"the network goes down to stride {STRIDES[deepest]}, and with space.levels {self.levels} networks go "
                f"down to {STRIDES[self.levels - 1]}"
            )
        for edge in (edge for block in architecture.blocks for edge in block.edges):
            if edge.operator not in self.operators:
                raise ValueError(f"the network has the operator {edge.operator}, which space.operators does not name")

    def admits(self, architecture: Architecture, fidelity: Fidelity) -> bool:
        assert isinstance(architecture, AutoDeepLab), architecture.kind
        return self.limit is None or self.limit.covers(network_cost(architecture, self.setting(fidelity)))

    def named(self, name: str) -> Sequence[AutoDeepLab]:
        if name not in NAMED_NETWORKS:
            raise ValueError(f"{name} is a cell, and the space has entire networks: use {', '.join(NAMED_NETWORKS)}")
        return [NAMED_NETWORKS[name]]

    def check_mutation(self, kind: MutationKind) -> None:
        why = None
        if kind not in NETWORK_MUTATIONS:
            why = f"a network has other kinds of change: {', '.join(NETWORK_MUTATIONS)}"
        elif kind == "path" and self.levels == 1:
            why = "all networks of the space stay at stride 4: give space.levels at least 2"
        elif kind == "operator" and len(self.operators) == 1:
            why = "the space has one operator: give space.operators at least two"
        if why is not None:
            raise ValueError(f"strategy.mutations names {kind}, but {why}, or leave {kind} out")

    def check_fidelity(self, path: str, fidelity: Fidelity) -> None:
        if (needed := crop_misfit(fidelity.crop, self.deepest)) is not None:
            raise ValueError(
                f"{path}.crop is {list(fidelity.crop)}, and paths of the space go down to stride {self.deepest}: "
                f"{needed}; change the crop or lower space.levels"
            )

    def check_limit(self, path: str, fidelity: Fidelity, name: str = "space.limit") -> None:
        """Check that some network has few enough parameters: the narrowest one, all of whose layers are at stride 4.

        Multiply-adds, and both together, are looked at before a search is stored (`out_of_reach`), and not here, where
        those are read that are stored already.
        """
        if self.limit is None or self.limit.parameters is None:
            return
        least = min(
            network_cost(self._along_the_border(operator), self.setting(fidelity)).parameters
            for operator in self.operators
        )
        if least > self.limit.parameters:
            raise ValueError(
                f"no network of {self.layers} layers and {self.blocks} blocks is within {name}: the smallest has "
                f"{least} parameters; raise the limit, or lower layers, blocks or the channels of {path}.network"
            )

    def bounded(self, parameters: int | None, multiply_adds: int | None, fidelity: Fidelity) -> Self:  # noqa: ARG002  needs no fidelity to be counted
        own = self.limit
        least = NetworkLimit.model_construct(
            parameters=tighter(parameters, None if own is None else own.parameters),
            multiply_adds=tighter(multiply_adds, None if own is None else own.multiply_adds),
        )
        unbounded = least.parameters is None and least.multiply_adds is None
        return self if unbounded else self.model_copy(update={"limit": least})

    def out_of_reach(
        self, parameters: int | None, multiply_adds: int | None, fidelity: Fidelity, classes: int
    ) -> str | None:
        setting, own = self.setting(fidelity), self.limit
        logits = logits_cost(setting.decoder_channels, setting.cells(STRIDES[0]), classes)
        most_parameters = tighter(
            None if own is None else own.parameters, None if parameters is None else parameters - logits.parameters
        )
        most_adds = tighter(
            None if own is None else own.multiply_adds,
            None if multiply_adds is None else multiply_adds - logits.multiply_adds,
        )
        if most_parameters is None and most_adds is None:
            return None
        networks = Networks(self.layers, self.blocks, self.levels, self.operators, setting)
        if not networks.none_within(most_parameters, most_adds):
            return None
        smallest, quickest = networks.least(FEWEST_PARAMETERS), networks.least(FEWEST_MULTIPLY_ADDS)
        return (
            f"no network of {self.layers} layers and {self.blocks} blocks costs so little: with its logits the "
            f"smallest has {smallest.parameters + logits.parameters:,} parameters and "
            f"{smallest.multiply_adds + logits.multiply_adds:,} multiply-adds, the one with the fewest multiply-adds "
            f"{quickest.parameters + logits.parameters:,} and {quickest.multiply_adds + logits.multiply_adds:,}; raise "
            "the limit, or lower layers, blocks, the channels of fidelity.network or the crop"
        )

    def setting(self, fidelity: Fidelity) -> NetworkSetting:
        """Return what the cost of the space's networks depends on at a fidelity."""
        network = fidelity.network
        return NetworkSetting(
            filters=network.filters,
            stem_channels=network.stem_channels,
            aspp_channels=network.aspp_channels,
            low_level_channels=network.low_level_channels,
            decoder_channels=network.decoder_channels,
            crop=fidelity.crop,
        )

    def _along_the_border(self, operator: Operator) -> AutoDeepLab:
        block = Block(edges=(Edge(input=0, operator=operator), Edge(input=0, operator=operator)))
        return AutoDeepLab(blocks=(block,) * self.blocks, path=(0,) * self.layers)
