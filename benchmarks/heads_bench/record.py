"""The recording: searches of reference heads, a chunk at a time, each found again by its idempotency key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.heads_bench.protocol import BRAIN, SCENE_IMAGES, SCENE_SIZE, SCENE_VAL, SCENES
from benchmarks.real.brain import make
from benchmarks.real.service import Bench
from nas.data.scenes import generate


def data_folders(folder: Path, given: Mapping[str, Path], package: Path | None) -> dict[str, Path]:
    """Make the data sets that are not given, and return the folder of each.

    Args:
        folder: Where those that are made go.
        given: Folders of data sets that were made before.
        package: The Debian package of the brain images as a file; None downloads it where it is needed.
    """
    found = {BRAIN: folder / BRAIN, SCENES: folder / SCENES, **given}
    if BRAIN not in given and not (found[BRAIN] / "classes.txt").exists():  # the last file that is written
        make(found[BRAIN], package)
    if SCENES not in given:
        generate(found[SCENES], SCENE_IMAGES, 0, SCENE_SIZE, SCENE_VAL)
    return found


def record(
    bench: Bench,
    chunks: Sequence[tuple[int, Sequence[Mapping[str, Any]]]],
    fidelities: Iterable[Mapping[str, Any]],
    seeds: int,
    resources: Mapping[str, float],
) -> list[str]:
    """Measure all heads on every data set; what an earlier run has measured is found again.

    Data sets take turns, so that a recording that is broken off has as much of each.

    Args:
        bench: The service.
        chunks: By `benchmarks.heads_bench.protocol.chunks`.
        fidelities: One for each data set.
        seeds: Trainings of each head.
        resources: Of the searches.

    Returns:
        Ids of the searches.
    """
    every, searches = list(fidelities), []
    for first, heads in chunks:
        for fidelity in every:
            name = f"{fidelity['dataset']}: {len(heads)} heads from {first} on, {seeds} seeds"
            spec = {"kind": "reference", "heads": heads, "fidelity": fidelity, "seeds": seeds}
            searches.append(bench.done(name, {**spec, "resources": dict(resources)}).id)
    return searches
