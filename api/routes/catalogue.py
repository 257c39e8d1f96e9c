"""What can be asked for: search spaces and data sets."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import SettingsDep
from nas.dataset_entry import DatasetEntry
from nas.public import DatasetPublic, SpacePublic
from nas.spec import DenseCellSpace
from search_spaces.dense_cell_space import size

router = APIRouter(tags=["catalogue"])


@router.get("/spaces")
def list_spaces() -> list[SpacePublic]:
    """The search spaces, how many architectures each holds, and what a spec can say about it."""
    default = DenseCellSpace()
    return [
        SpacePublic(
            kind=default.kind,
            description=(
                "Dense prediction cell (Chen et al., NeurIPS 2018): B branches, each a 1x1 convolution, one of 64 "
                "atrous separable convolutions or one of 16 pyramid poolings, on the features or an earlier branch. "
                "`operators: extended` adds 11 units of global reasoning: "
                f"{size(default.branches, 'extended')} cells of {default.branches} branches."
            ),
            size=str(size(default.branches)),
            size_by_branches={branches: str(size(branches)) for branches in range(1, 11)},
            spec_schema=DenseCellSpace.model_json_schema(),
        )
    ]


@router.get("/datasets")
def list_datasets(settings: SettingsDep) -> list[DatasetPublic]:
    """The data sets registered in the server's configuration, by the name that a spec uses."""
    return [describe(name, entry) for name, entry in sorted(settings.datasets.items())]


def describe(name: str, entry: DatasetEntry) -> DatasetPublic:
    """What is known of a registered data set; where it lies stays the server's business."""
    # Imported here: they need numpy, a third of the service's start.
    from nas.data.dataset import DatasetError
    from nas.data.registry import open_dataset

    try:
        dataset = open_dataset(entry)
    except (DatasetError, OSError) as error:
        problem = str(error).replace(str(entry.root.expanduser()), "<root>")
        return DatasetPublic(
            name=name, layout=entry.layout, available=False, problem=problem, class_names=(), images={}
        )
    return DatasetPublic(
        name=name,
        layout=entry.layout,
        available=True,
        problem=None,
        class_names=dataset.class_names,
        images={split: len(items) for split, items in dataset.splits.items()},
    )
