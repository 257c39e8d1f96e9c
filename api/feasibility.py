"""What a service knows of a search before it is stored: data, backbone, weights and resources that cannot serve it.

A service with a Ray of its own trains on its own machine, and refuses what that machine lacks. A service of a cluster
cannot see the nodes: what it does not find may be there, so it judges only what it finds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from api.names import class_names
from nas.data.entry import Registration
from nas.data.errors import DatasetError
from nas.formatting import counted
from nas.kinds.protocol import Records
from nas.kinds.registry import kind_of
from nas.settings import Settings
from nas.specs import AutoDeepLabSpec, BackboneSpec, Fidelity, JobSpec, Resources
from nas.specs.channels import BUILT_IN, level_channels, reached_stride
from nas.weights.check import missing_parts
from search_spaces.validation import FieldProblem, InputError
from workers.cluster.state import cluster_folder, read_cluster

if TYPE_CHECKING:
    from nas.data.survey import Survey, Surveys

LEAST_FILLED = 0.5
"""Least part of a crop that an image has to fill: below it most of what is scored would be padding."""


def check_feasible(spec: JobSpec, settings: Settings, records: Records, *, new: bool = True) -> None:
    """Check that a search can run, as far as the service knows; the names that it uses are registered.

    Args:
        spec: The search.
        settings: Of the service.
        records: Read access to the searches that the spec may name.
        new: Whether the search does not exist yet: then what its architectures need is looked at, too.

    Raises:
        InputError: It cannot; the message names each field.
    """
    here = trains_here(settings)
    problems = [*_data(spec, settings, here)]
    if not kind_of(spec).family(spec, records).whole_network:  # which has no backbone, whatever its fidelity says
        problems += _backbones(spec, settings, here)
    if new:
        problems += kind_of(spec).infeasible(spec, max(1, _classes(spec, settings)))
    if here:
        problems += _resources(spec.resources)
    if problems:
        raise InputError(problems)


def _classes(spec: JobSpec, settings: Settings) -> int:
    """Count the classes of the data set on which a search measures first; 0 where that is not known here."""
    first = next(iter(spec.fidelities.values()), None)
    return 0 if first is None else len(class_names(settings, first.dataset))


def trains_here(settings: Settings) -> bool:
    """Return whether searches run in the Ray that the service has started, on this machine alone."""
    state = read_cluster(cluster_folder(settings.folder))
    return state is not None and state.dashboard_url == settings.ray_dashboard


def _backbones(spec: JobSpec, settings: Settings, here: bool) -> Iterator[FieldProblem]:
    weights = settings.registered_weights
    for path, fidelity in spec.fidelities.items():
        for field, misfit in fidelity.misfits_of_heads():  # of plugins; the specs here have looked at them already
            yield FieldProblem(path=f"{path}.{field}", message=misfit)
        yield from _strides(f"{path}.backbone", fidelity.backbone)
        for field, message in missing_parts(fidelity.backbone, weights) if here else ():
            yield FieldProblem(path=f"{path}.backbone.{field}", message=message)


def _strides(path: str, backbone: BackboneSpec) -> Iterator[FieldProblem]:
    if backbone.name not in BUILT_IN:
        return  # known only when the network is built
    if (reached := reached_stride(backbone)) != backbone.output_stride:
        message = f"{backbone.name} as it is described here reaches stride {reached}, not {backbone.output_stride}"
        if backbone.blocks is not None:
            message += "; keep more blocks or ask for a smaller output_stride"
        yield FieldProblem(path=f"{path}.output_stride", message=message)
        return
    try:
        level_channels(backbone)
    except ValueError as error:
        yield FieldProblem(path=f"{path}.levels", message=str(error))


def _data(spec: JobSpec, settings: Settings, here: bool) -> Iterator[FieldProblem]:
    datasets = settings.registered_datasets
    surveys = {name: surveyed(datasets[name], here) for name in set(spec.datasets.values())}
    for path, name in spec.datasets.items():
        found = surveys[name]
        if isinstance(found, str):
            yield FieldProblem(path=path, message=f"data set {name!r} cannot be used: {found}")
    for path, fidelity in spec.fidelities.items():
        found = surveys[fidelity.dataset]
        if not isinstance(found, str | None):
            yield from _crop(f"{path}.crop", fidelity.crop, fidelity.resize, found)
            yield from _batch(path, fidelity, found)
    runs = kind_of(spec).runs(spec)
    if runs is not None and not isinstance(found := surveys[runs.bilevel.dataset], str | None):
        yield from _bilevel(runs, found)


@cache
def _surveys() -> Surveys:
    from nas.data.survey import Surveys  # imports numpy, which would slow down the service's start

    return Surveys()


def surveyed(entry: Registration, here: bool) -> Survey | str | None:
    """Survey a data set; a sentence where it cannot be used, None where nothing can be said."""
    try:
        return _surveys().of(entry)
    except (DatasetError, OSError) as error:
        # On a cluster the folder may be another one, or a place where only the nodes have something mounted.
        fetched_later = entry.url is not None and not entry.root.expanduser().exists()
        return _without_root(str(error), entry.root) if here and not fetched_later else None


def _without_root(text: str, root: Path) -> str:
    return text.replace(str(root.expanduser()), "<root>")


def _crop(path: str, crop: tuple[int, int], resize: float, found: Survey) -> Iterator[FieldProblem]:
    sizes = [(height * resize, width * resize) for split in found.values() for height, width in split.sizes]
    if not sizes:
        return
    filled = max(min(height / crop[0], 1) * min(width / crop[1], 1) for height, width in sizes)
    if filled < LEAST_FILLED:
        height, width = (round(side) for side in max(sizes, key=lambda size: size[0] * size[1]))
        resized = "" if resize == 1 else f" after resize {resize:g}"
        message = (
            f"the crop {crop[0]}x{crop[1]} is larger than the images, which have up to {height}x{width} pixels (height "
            f"x width){resized} and would fill {filled:.0%} of it: use a crop of about their size"
        )
        yield FieldProblem(path=path, message=message)


def _batch(path: str, fidelity: Fidelity, found: Survey) -> Iterator[FieldProblem]:
    images = _used(fidelity.train_images, found)
    crops = images * fidelity.views
    if fidelity.batch > crops:
        what = counted(images, "training image") + ("" if fidelity.views == 1 else f" in {fidelity.views} views")
        yield FieldProblem(
            path=f"{path}.batch",
            message=f"a batch of {fidelity.batch} is larger than the data, {what}: use {crops} at most",
        )


def _bilevel(spec: AutoDeepLabSpec, found: Survey) -> Iterator[FieldProblem]:
    bilevel = spec.bilevel
    yield from _crop("bilevel.crop", bilevel.crop, bilevel.resize, found)
    half = _used(bilevel.train_images, found) // 2
    if half < bilevel.batch:
        message = (
            f"a batch of {bilevel.batch} is larger than each half of the training images, {half}: use a smaller batch "
            "or more images"
        )
        yield FieldProblem(path="bilevel.batch", message=message)


def _used(limit: int | None, found: Survey) -> int:
    images = found["train"].images
    return images if limit is None else min(limit, images)


def _resources(resources: Resources) -> Iterator[FieldProblem]:
    cpus = os.cpu_count() or 1
    if resources.cpus > cpus:
        message = f"a trial would wait for ever: this machine has {counted(cpus, 'CPU')}, and searches run on it alone"
        yield FieldProblem(path="resources.cpus", message=message)
    if resources.gpus > 0 and sys.platform == "linux" and not _has_gpu():
        message = "a trial would wait for ever: this machine has no GPU, and searches run on it alone"
        yield FieldProblem(path="resources.gpus", message=message)


def _has_gpu() -> bool:
    # The devices of NVIDIA, AMD, Intel (or any other with a render node) and of WSL.
    devices = Path("/dev")
    names = ("nvidia[0-9]*", "kfd", "dxg", "dri/renderD*", "accel/*")
    return any(next(devices.glob(name), None) is not None for name in names)
