"""The requests of first searches for entire networks of Auto-DeepLab's space: by a strategy, and by differentiating."""

from __future__ import annotations

from typing import Any

_TRELLIS = {"layers": 5, "levels": 3, "blocks": 3}
"""Small enough for two CPU cores, as in `examples/auto_deeplab.yaml` and `examples/auto_deeplab_evolution.yaml`."""

_RUNS_BATCH = 4
"""Crops of a step of a run, whose supernet holds all networks at once."""


def first_networks_request(
    dataset: str, crop: tuple[int, int] = (128, 128), batch: int = 8, keep_back: bool = False
) -> dict[str, Any]:
    """Make the request of a first black-box search for networks, each of which is trained as a whole.

    Args:
        dataset: The name of the data set.
        crop: Height and width in pixels, multiples of 32, no larger than the images.
        batch: Crops of a step, no more than there are training images.
        keep_back: Whether half of the validation images do not select, and the two best networks are confirmed on them.
    """
    return {
        "kind": "black_box",
        "name": f"networks on {dataset}",
        "space": {"kind": "auto_deeplab", **_TRELLIS},
        "strategy": {"name": "evolution", "population": 6, "sample": 3},
        "trials": 16,
        "early_stopping": {"reduction": 2},
        **_confirm(keep_back),
        "resources": {"cpus": 1, "concurrent": 2},
        "fidelity": _fidelity(dataset, crop, batch, (50, 150), keep_back=keep_back),
    }


def first_differentiable_request(
    dataset: str, crop: tuple[int, int] = (128, 128), batch: int = 8, keep_back: bool = False
) -> dict[str, Any]:
    """Make the request of a first differentiable search, whose decoded networks are trained as a whole and measured.

    Args:
        dataset: The name of the data set.
        crop: Height and width in pixels, multiples of 32, no larger than the images.
        batch: Crops of a step of a decoded network, no more than there are training images; a run takes fewer, and half
            of the images for each of its two parts.
        keep_back: Whether half of the validation images do not select, and the two best networks are confirmed on them.
    """
    return {
        "kind": "auto_deeplab",
        "name": f"differentiable on {dataset}",
        "supernet": {**_TRELLIS, "filters": 4, "stem": 16},
        "bilevel": {
            "dataset": dataset,
            "crop": list(crop),
            "augment": {"scale": [1.0, 1.0]},
            "train_images": 256,
            "val_images": 48,
            "batch": max(1, min(_RUNS_BATCH, batch // 2)),
            "epochs": 8,
            "architecture_from_epoch": 4,
            # The paper's rates are for 30,000 steps; a run of some hundred moves little with them.
            "weights": {"learning_rate": 0.4, "final_rate": 0.02, "clip": 5.0},
            "architecture": {"learning_rate": 0.05},
            "class_weighting": 0.5,
        },
        "seeds": 2,
        "score_every": 4,
        **_confirm(keep_back),
        "resources": {"cpus": 1, "concurrent": 2},
        "scoring": _fidelity(dataset, crop, batch, (150,), keep_back=keep_back),
    }


def _confirm(keep_back: bool) -> dict[str, Any]:
    return {"confirm": {"top": 2}} if keep_back else {}


def _fidelity(
    dataset: str, crop: tuple[int, int], batch: int, rungs: tuple[int, ...], *, keep_back: bool
) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "crop": list(crop),
        "augment": {"scale": [1.0, 1.0]},
        "network": {
            "filters": 8,
            "stem_channels": 16,
            "aspp_channels": 32,
            "low_level_channels": 16,
            "decoder_channels": 32,
            "dropout": 0.0,
        },
        "rungs": list(rungs),
        "batch": batch,
        "optimizer": {"name": "adam", "learning_rate": 0.004, "weight_decay": 0.0},
        "class_weighting": 0.5,
        "label_stride": 4,
        **({"holdout": {"share": 0.5}} if keep_back else {}),
    }
