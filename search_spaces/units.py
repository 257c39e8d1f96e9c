"""Units of global reasoning, whose output has the shape of their input: operators of cells, parts of trunk heads."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, model_validator

from search_spaces.base import StrictModel

Count = Annotated[int, Field(strict=True, ge=1, le=1024)]


class _UnitModel(StrictModel):
    """A strict model whose error for an unknown parameter lists the parameters that the unit has."""

    @model_validator(mode="before")
    @classmethod
    def _only_its_own(cls, data: Any) -> Any:
        if isinstance(data, dict):
            own = [name for name in cls.model_fields if name != "op"]
            for name in data:
                if name != "op" and name not in own:
                    has = f"it has {', '.join(own)}" if own else "it has none"
                    raise ValueError(f"{name} is no parameter of {cls.model_fields['op'].default}; {has}")
        return data


class DoubleAttention(_UnitModel):
    """Double attention (Chen et al., "A^2-Nets", NeurIPS 2018) with K = `maps` attention maps and as many features."""

    op: Literal["double_attention"] = "double_attention"
    maps: Count = 64


class GloRe(_UnitModel):
    """Global reasoning unit (Chen et al., CVPR 2019) with m = `nodes` nodes of 2 m states."""

    op: Literal["glore"] = "glore"
    nodes: Count = 64


class GraphConvolution(_UnitModel):
    """Graph convolution unit (Li and Gupta, "Beyond Grids", NeurIPS 2018) with V = `vertices` vertices.

    The soft `assignment` of pixels to vertices is by "distance" as in the paper, or by "dot" product as in the authors'
    slides.
    """

    op: Literal["gcu"] = "gcu"
    vertices: Count = 8
    assignment: Literal["distance", "dot"] = Field("distance", exclude_if=lambda value: value == "distance")


class SymbolicReasoning(_UnitModel):
    """Symbolic graph reasoning (Liang et al., NeurIPS 2018): `steps` steps over a knowledge graph.

    The knowledge graph is not part of the description: it comes with the classes that a network is built for. `graph`
    "identity" is the ablation that uses the graph's nodes without its edges. `mapping` "drawn" is the degenerate
    mapping that the paper's figure shows.
    """

    op: Literal["sgr"] = "sgr"
    steps: Annotated[int, Field(strict=True, ge=1, le=16)] = 2
    mapping: Literal["dot", "drawn"] = Field("dot", exclude_if=lambda value: value == "dot")
    graph: Literal["given", "identity"] = Field("given", exclude_if=lambda value: value == "given")


class ConstantContext(_UnitModel):
    """Control for the units: adds one vector per image, the same for every pixel."""

    op: Literal["constant_context"] = "constant_context"


class NonLocal(_UnitModel):
    """Control for the units: all pixels attend to all pixels (Wang et al., "Non-local Neural Networks", CVPR 2018)."""

    op: Literal["non_local"] = "non_local"


Unit: TypeAlias = DoubleAttention | GloRe | GraphConvolution | SymbolicReasoning | ConstantContext | NonLocal

UNITS: tuple[type[Unit], ...] = (
    DoubleAttention,
    GloRe,
    SymbolicReasoning,
    GraphConvolution,
    ConstantContext,
    NonLocal,
)
"""All units; the defaults of each are those of its paper."""
