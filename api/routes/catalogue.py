"""The catalogue: the search spaces and the data sets that a spec can name, and a first search to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import SettingsDep
from api.feasibility import surveyed
from api.first_search import first_search
from nas.data.entry import Registration
from nas.schemas.catalogue import DatasetPublic, SpacePublic
from nas.schemas.first_search import FirstKind, FirstSearchPublic
from nas.specs import DenseCellSpace, SupernetSpec
from nas.specs.reference import PUBLISHED_DPC
from search_spaces.auto_deeplab.space import count_cells, count_paths
from search_spaces.dense_cell.architecture import OPERATOR_SETS
from search_spaces.dense_cell.space import size
from search_spaces.reference.architecture import HEAD_NAMES, SEVERAL_LEVELS, ReferenceHead
from search_spaces.reference.heads import MULTI_LEVEL_HEADS, REFERENCE_HEADS

router = APIRouter(tags=["catalogue"])


@router.get("/spaces")
def list_spaces() -> list[SpacePublic]:
    """List the search spaces: how many architectures each one holds, and the JSON schema of its part of a spec."""
    return [_dense_cells(), _auto_deeplabs(), _reference_heads()]


def _dense_cells() -> SpacePublic:
    default = DenseCellSpace()
    sizes = {
        f"branches={branches}, operators={operators}": str(size(branches, operators))
        for operators in OPERATOR_SETS
        for branches in range(1, 11)
    }
    sizes |= {
        f"branches={branches}, operators={operators}, levels={list(levels)}": str(size(branches, operators, levels))
        for operators in OPERATOR_SETS
        for levels in ((8, 16), (4, 8, 16))
        for branches in range(1, 11)
    }
    return SpacePublic(
        kind=default.kind,
        description=(
            "Dense prediction cell (Chen et al., NeurIPS 2018): B branches, each a 1x1 convolution, one of 64 "
            "atrous separable convolutions or one of 16 pyramid poolings, on the features or an earlier branch. "
            "`operators: extended` adds 11 units of global reasoning. With `levels` a branch may read each of several "
            "feature maps. With `channels` the width is a choice too, and each width has as many cells. `limit` leaves "
            "out cells of too many parameters or multiply-adds; the counts here include them."
        ),
        size=str(size(default.branches, default.operators)),
        sizes=sizes,
        spec_schema=DenseCellSpace.model_json_schema(),
    )


def _auto_deeplabs() -> SpacePublic:
    default = SupernetSpec()
    sizes = {
        f"blocks={blocks}, layers={layers}": str(count_cells(blocks) * count_paths(layers))
        for blocks in range(1, 6)
        for layers in (4, 6, 8, 10, 12)
    }
    return SpacePublic(
        kind="auto_deeplab",
        description=(
            "Auto-DeepLab (Liu et al., CVPR 2019): one cell of B blocks, each two edges with one of 8 operators, along "
            "a path over the strides 4 to 32. Counted as the paper does: cells with the operator none, edges in order. "
            "A differentiable search describes it as its `supernet`, whose schema is here; a black-box search as its "
            "`space`, with `layers`, `levels`, `blocks` and `operators` of the same meaning."
        ),
        size=str(count_cells(default.blocks) * count_paths(default.layers)),
        sizes=sizes,
        spec_schema=SupernetSpec.model_json_schema(),
    )


def _reference_heads() -> SpacePublic:
    several = len(REFERENCE_HEADS) + len(MULTI_LEVEL_HEADS)
    return SpacePublic(
        kind="reference_head",
        description=(
            "Heads designed by hand, which a search of the kind `reference` measures side by side. By name: "
            f"{', '.join((*HEAD_NAMES, PUBLISHED_DPC))}. {', '.join(SEVERAL_LEVELS)} need several strides in "
            "`backbone.levels`. Counted are the heads that such a search measures by default."
        ),
        size=str(len(REFERENCE_HEADS)),
        sizes={"one level": str(len(REFERENCE_HEADS)), "several levels": str(several)},
        spec_schema=ReferenceHead.model_json_schema(),
    )


@router.get("/datasets")
def list_datasets(settings: SettingsDep) -> list[DatasetPublic]:
    """List the data sets that are registered on the server, by the name that a spec uses."""
    registered = settings.registered_datasets
    return [describe(name, registered) for name in registered]


@router.get("/first-search")
def propose_first_search(
    settings: SettingsDep,
    dataset: Annotated[
        str | None, Query(max_length=100, description="A registered data set; without it, the first one.")
    ] = None,
    search: Annotated[
        FirstKind,
        Query(description="What to look for: heads on a frozen backbone, or entire networks in one of two ways."),
    ] = "cells",
) -> FirstSearchPublic:
    """Propose a first search on a data set: a small one, with crops that the images fill, to change and to send.

    `request` is what `POST /v1/searches` takes. `searches`, `backbones` and `strategies` are what else can be asked
    for; a backbone with a `problem` needs what the service does not have.
    """
    return first_search(settings, dataset, search)


def describe(name: str, registered: Mapping[str, Registration]) -> DatasetPublic:
    """Describe a registered data set, without its path on the server."""
    from nas.data.registry import class_names  # imports numpy: a third of the service's start time

    try:
        entry = registered[name]
    except ValueError as error:
        return _unavailable(name, "unknown", f"the registration file is broken: {error}")
    if entry.url is not None and not entry.root.expanduser().exists():
        return _unavailable(name, entry.layout, "it is fetched from its URL by the first search that needs it")
    found = surveyed(entry, here=True)
    assert found is not None, "only of a data set that is fetched later nothing can be said"
    if isinstance(found, str):
        return _unavailable(name, entry.layout, found)
    return DatasetPublic(
        name=name,
        layout=entry.layout,
        available=True,
        problem=None,
        class_names=class_names(entry),
        images={split: seen.images for split, seen in found.items()},
    )


def _unavailable(name: str, layout: str, problem: str) -> DatasetPublic:
    return DatasetPublic(name=name, layout=layout, available=False, problem=problem, class_names=(), images={})
