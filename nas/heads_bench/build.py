"""Build a table of the trials of searches: every head that has a result for every seed on every data set."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from nas.heads_bench.table import About, Head, Latency, LeftOut, Numbers, Setting
from nas.results.measurement import Measurement
from nas.specs import Fidelity
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.document import Architecture, write_document
from search_spaces.text import architecture_text

LICENCE = "CC-BY-4.0"
"""Of a table, where no other is given."""


@dataclass(frozen=True)
class Training:
    """One trial of one head.

    Attributes:
        architecture: The head.
        fidelity: How it was measured; its data set is the one of the table.
        seed: Of the trial.
        curve: Measurements, ascending in iterations; empty where there are none.
        classes: Names of the classes; empty where they are not known.
        reason: Why the trial has not the measurement of the last rung.
    """

    architecture: Architecture
    fidelity: Fidelity
    seed: int
    curve: Sequence[Measurement]
    classes: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def whole(self) -> bool:
        """Whether every rung was measured."""
        return [measurement.iteration for measurement in self.curve] == list(self.fidelity.rungs)


class LatencyOf(NamedTuple):
    """Median and spread (first to third quartile) of the times of a head, in milliseconds."""

    median_ms: float
    spread_ms: float


Latencies: TypeAlias = Mapping[tuple[str, str], LatencyOf]
"""By the name of the data set and the content key of the head."""

_BySeed: TypeAlias = dict[int, Training]


class _OnDataset(NamedTuple):
    """The trainings on one data set, by content key of the head and seed."""

    fidelity: Fidelity
    heads: dict[str, _BySeed]

    @property
    def seeds(self) -> list[int]:
        return sorted({seed for by_seed in self.heads.values() for seed in by_seed})

    @property
    def trainings(self) -> Iterator[Training]:
        return (training for by_seed in self.heads.values() for training in by_seed.values())


def build(
    trainings: Iterable[Training],
    *,
    name: str,
    description: str = "",
    licence: str = LICENCE,
    latency: Latency | None = None,
    latencies: Latencies | None = None,
) -> tuple[About, tuple[Head, ...], dict[str, Numbers]]:
    """Build what `nas.heads_bench.write_table` writes.

    Heads stand in the order in which they first come. A head without a whole training for some data set and seed is
    left out, and named among what was left out with the reason.

    Args:
        trainings: Of heads; a second one of the same head, data set and seed is ignored.
        name: Of the table.
        description: Paragraphs for the data card.
        licence: SPDX identifier.
        latency: How latencies were measured.
        latencies: Of some heads.

    Raises:
        ValueError: There are no trainings, those of one data set are at different fidelities or have other classes,
            or no head has all of its trainings.
    """
    found = _by_dataset(trainings)
    architectures = {
        key: next(iter(by_seed.values())).architecture for of in found.values() for key, by_seed in of.heads.items()
    }
    left_out = tuple(_left_out(found, architectures))
    out = {one.key for one in left_out}
    kept = [key for key in architectures if key not in out]
    if not kept:
        raise ValueError(
            f"no head has a result for every seed on every data set; {left_out[0].text}: {left_out[0].reason}"
        )
    about = About(
        name=name,
        licence=licence,
        description=description,
        settings=tuple(
            _setting(dataset, of.fidelity, of.seeds, [of.heads[key] for key in kept]) for dataset, of in found.items()
        ),
        software=_software(training for of in found.values() for training in of.trainings),
        latency=latency,
        left_out=left_out,
    )
    numbers = {
        setting.dataset: _numbers(setting, kept, found[setting.dataset].heads, latencies or {})
        for setting in about.settings
    }
    return about, tuple(_head(key, architectures[key]) for key in kept), numbers


def _by_dataset(trainings: Iterable[Training]) -> dict[str, _OnDataset]:
    """Group trainings by data set, head and seed."""
    found: dict[str, _OnDataset] = {}
    for training in trainings:
        dataset = training.fidelity.dataset
        fidelity, heads = found.setdefault(dataset, _OnDataset(training.fidelity, defaultdict(dict)))
        if training.fidelity != fidelity:
            raise ValueError(
                f"the searches on {dataset} have different fidelities, and a table has one for each data set: "
                "export searches of one fidelity"
            )
        heads[training.architecture.key].setdefault(training.seed, training)
    if not found:
        raise ValueError("the searches have no trials yet: there is nothing to make a table of")
    return found


def _left_out(found: Mapping[str, _OnDataset], architectures: Mapping[str, Architecture]) -> Iterator[LeftOut]:
    """Name each training that a head lacks, with the reason."""
    for dataset, of in found.items():
        for key, architecture in architectures.items():
            for seed in of.seeds:
                if (reason := _missing(of.heads.get(key, {}).get(seed))) is not None:
                    text = architecture_text(architecture)
                    yield LeftOut(key=key, text=text, dataset=dataset, seed=seed, reason=reason)


def _missing(training: Training | None) -> str | None:
    """Say why a training has no result; None where it has one."""
    if training is None:
        return "not trained with this seed"
    if training.whole:
        return None
    return training.reason or f"measured at {len(training.curve)} of {len(training.fidelity.rungs)} rungs only"


def _setting(dataset: str, fidelity: Fidelity, seeds: Sequence[int], heads: Sequence[_BySeed]) -> Setting:
    trainings = [training for by_seed in heads for training in by_seed.values()]
    counts = {len(measurement.class_iou) for training in trainings for measurement in training.curve}
    if len(counts) != 1:
        raise ValueError(
            f"trials on {dataset} have {' and '.join(map(str, sorted(counts)))} classes: export those of one data set"
        )
    classes = next((training.classes for training in trainings if training.classes), ())
    if len(classes) != (count := counts.pop()):
        classes = tuple(f"class {index}" for index in range(count))
    environments = {
        measurement.environment.key: measurement.environment
        for training in trainings
        for measurement in training.curve
        if measurement.environment is not None
    }
    return Setting(
        dataset=dataset,
        fidelity=fidelity.model_dump(mode="json"),
        fidelity_key=fidelity.key,
        classes=classes,
        seeds=tuple(seeds),
        rungs=fidelity.rungs,
        environments=tuple(environments.values()),
    )


def _numbers(setting: Setting, keys: Sequence[str], heads: Mapping[str, _BySeed], latencies: Latencies) -> Numbers:
    curves = [[heads[key][seed].curve for seed in setting.seeds] for key in keys]
    last = [by_seed[0][-1] for by_seed in curves]
    nowhere = LatencyOf(math.nan, math.nan)
    return Numbers(
        score=np.array([[[m.score for m in curve] for curve in by_seed] for by_seed in curves]),
        class_iou=np.array(
            [
                [[[math.nan if iou is None else iou for iou in m.class_iou] for m in curve] for curve in by_seed]
                for by_seed in curves
            ],
            dtype=np.float32,
        ),
        seconds=np.array([[[m.seconds for m in curve] for curve in by_seed] for by_seed in curves]),
        parameters=np.array([_known(m.parameters, setting, "parameters") for m in last], dtype=np.int64),
        multiply_adds=np.array([_known(m.multiply_adds, setting, "multiply-adds") for m in last], dtype=np.int64),
        latency_ms=np.array([latencies.get((setting.dataset, key), nowhere) for key in keys], dtype=np.float64),
    )


def _known(value: int | None, setting: Setting, what: str) -> int:
    if value is None:
        raise ValueError(
            f"trials on {setting.dataset} were recorded without {what}, by an old version: measure them again"
        )
    return value


def _software(trainings: Iterable[Training]) -> dict[str, tuple[str, ...]]:
    """The versions with which heads were measured, by package."""
    versions: dict[str, set[str]] = defaultdict(set)
    for training in trainings:
        for measurement in training.curve:
            if measurement.environment is not None:
                for package, version in measurement.environment.software.items():
                    versions[package].add(version)
    return {package: tuple(sorted(found)) for package, found in sorted(versions.items())}


def _head(key: str, architecture: Architecture) -> Head:
    return Head(key, _family(architecture), architecture_text(architecture), write_document(architecture))


def _family(architecture: Architecture) -> str:
    if not isinstance(architecture, DenseCell):
        return f"reference head {getattr(architecture, 'name', architecture.kind)}"
    extended = ", with units of global reasoning" if architecture.units else ""
    return f"cell of {len(architecture.branches)} branches{extended}"
