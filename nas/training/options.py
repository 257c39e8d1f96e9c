"""The options that `segnas retrain` and `python -m nas.training retrain` share; reading them imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from nas.training.callbacks import Callback
    from nas.training.full_image import FullImageSpec
    from nas.training.loop.augmentation import Augmentation

Weights = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=PATH", help="Register pretrained weights, which `backbone.weights` names."),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of initial weights, batches and dropout.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:N; default: the first GPU, else the CPU.")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="CPU threads of each process; default: one for each core, shared among them.")
]
Processes = Annotated[
    int, typer.Option(min=1, max=1024, help="Processes that train together: on CPUs, or with a GPU each.")
]
EvaluateOn = Annotated[
    str,
    typer.Option(
        metavar="crop|sliding|whole",
        help="Also score entire validation images: in sliding windows of the crop's size, or in one piece.",
    ),
]
Scales = Annotated[
    str | None,
    typer.Option(metavar="S,S,...", help="Predict entire images at these sizes and average, such as 0.5,0.75,1."),
]
Flip = Annotated[bool, typer.Option("--flip", help="Predict mirror images of entire images too, and average.")]
Augment = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A pipeline saved by albumentations, in JSON or YAML, for training crops."),
]
Log = Annotated[
    list[str] | None,
    typer.Option(
        metavar="tensorboard:DIR|mlflow:URI|MODULE:CLASS", help="Log curves there, or to a callback; repeatable."
    ),
]


class Extras(NamedTuple):
    """What the options ask for beyond the training itself."""

    evaluation: FullImageSpec | None
    augmentation: Augmentation | None
    callbacks: tuple[Callback, ...]


def read_extras(
    crop: tuple[int, int],
    *,
    evaluate: str,
    scales: str | None,
    flip: bool,
    augment: Path | None,
    log: list[str] | None,
) -> Extras:
    """Read the options of entire images, augmentation and loggers.

    Args:
        crop: Height and width of training crops in pixels.
        evaluate: What is scored: `crop`, `sliding` or `whole`.
        scales: Of entire images, with commas between them.
        flip: Whether mirror images of entire images are predicted too.
        augment: The file of a pipeline.
        log: One text for each logger.

    Raises:
        ValueError: An option is wrong, or needs a package that is not installed.
        OSError: The file of the pipeline cannot be read.
    """
    from nas.training.full_image import full_image_spec
    from nas.training.loggers import open_logger
    from nas.training.loop.augmentation import read_augmentation

    return Extras(
        full_image_spec(evaluate, scales, flip),
        None if augment is None else read_augmentation(augment, crop),
        tuple(open_logger(text) for text in log or ()),
    )
