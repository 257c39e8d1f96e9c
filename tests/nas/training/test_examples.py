"""Predictions on a few validation images: what the trained network says there, at no cost for the scores."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from nas import aids
from nas.data.class_maps import class_png, read_class_png
from nas.data.examples import shrink
from nas.models.networks import Network
from nas.results.measurement import Measurement
from nas.results.predictions import Predictions
from nas.specs import NetworkSpec
from nas.training.evaluate import evaluate
from nas.training.examples import MOST_BYTES, find_examples, picture_predictions
from nas.training.loop.loop import Loop
from nas.training.loop.predictions import PredictionKeeper
from nas.training.pictures import predict
from nas.training.prepare import prepare
from nas.training.trial import build_loop, build_trial_network
from search_spaces.auto_deeplab.space import sample
from search_spaces.dense_cell.architecture import PUBLISHED_CELL

CPU = torch.device("cpu")


def measure(fidelity, workspace, architecture=PUBLISHED_CELL, **options: Any):
    """The measurements without their times, and the predictions."""
    seen: list[Predictions] = []
    measured = evaluate(
        architecture, fidelity, 0, workspace=workspace, device="cpu", on_predictions=seen.append, **options
    )
    return without_times(measured), seen


def without_times(measured: Iterable[Measurement]) -> list[dict[str, Any]]:
    return [measurement.model_dump(exclude={"seconds", "device_seconds"}) for measurement in measured]


@pytest.fixture(scope="module", params=["a head on features", "the same at every pixel", "an entire network"])
def case(request, fidelity):
    """Fidelity and architecture."""
    if request.param == "an entire network":
        small = {"network": NetworkSpec(filters=4, drop_path=0.0, decoder_channels=8), "rungs": (2, 4)}
        return fidelity.model_copy(update=small), sample(4, 3, random.Random(0))
    stride = 1 if "pixel" in request.param else fidelity.label_stride
    return fidelity.model_copy(update={"label_stride": stride}), PUBLISHED_CELL


def test_scores_are_the_same_to_the_last_bit(case, workspace):
    fidelity, architecture = case
    plain = without_times(evaluate(architecture, fidelity, 0, workspace=workspace, device="cpu"))
    measured, seen = measure(fidelity, workspace, architecture)
    assert measured == plain
    assert [predictions.iteration for predictions in seen] == list(fidelity.rungs)


def test_the_maps_are_what_the_network_predicts(fidelity, workspace):
    """Every map equals the prediction of the entire network for the image, and its share of right pixels by hand."""
    prepared = prepare(fidelity, workspace, device="cpu")
    examples = find_examples(prepared)
    assert examples is not None
    network, loop = trained(prepared)
    keeper = PredictionKeeper(examples.key, examples.rows, examples.size, loop.batches.validation_rows())
    loop.validate(prepared.dataset.num_classes, keeper)
    maps = keeper.maps()
    assert maps is not None
    seen = picture_predictions(7, examples, maps)
    source = prepared.validation_source()
    for place, row in enumerate(examples.rows):
        image, label = source.row(row)
        expected = predict(network.eval(), image[None], CPU)[0]
        drawn = read_class_png(seen.maps[place])
        assert (drawn != expected).mean() < 0.01  # features of one image and of a batch differ in rounding
        assert np.array_equal(read_class_png(examples.masks[place]), label)
        labelled = label != 255
        assert seen.agreement[place] == (drawn == label)[labelled].mean()
        assert set(seen.map_classes[place]) == set(np.unique(drawn).tolist())


def trained(prepared) -> tuple[Network, Loop]:
    network = build_trial_network(PUBLISHED_CELL, prepared, 0)
    loop = build_loop(network, prepared, 0, CPU)
    loop.train(8)
    return network, loop


def test_where_every_pixel_is_scored_the_scored_classes_are_drawn(fidelity, workspace):
    """So that a picture and a score never disagree: the map holds every second of the pixels that were counted."""
    prepared = prepare(fidelity.model_copy(update={"label_stride": 1}), workspace, device="cpu")
    _, loop = trained(prepared)
    rows = (1, 3)
    keeper = PredictionKeeper("k", rows, (32, 64), loop.batches.validation_rows())
    scored: dict[int, Any] = {}
    seen = keeper.see

    def see(logits: torch.Tensor, predicted: torch.Tensor) -> None:
        scored.update(enumerate(predicted.numpy().astype(np.uint8), len(scored)))
        seen(logits, predicted)

    keeper.see = see  # type: ignore[method-assign]  # listens
    loop.validate(prepared.dataset.num_classes, keeper)
    maps = keeper.maps()
    assert maps is not None
    for classes, row in zip(maps.numpy(), rows, strict=True):
        assert np.array_equal(classes, shrink(scored[row], (32, 64)))


def test_a_resumed_trial_brings_the_predictions_of_its_last_rung(fidelity, workspace, tmp_path):
    _, whole = measure(fidelity, workspace)
    seen: list[Predictions] = []
    path = tmp_path / "checkpoint.pt"
    for rungs in (1, 2):  # the process dies after the first rung; the next one dies when all is measured
        run = evaluate(
            PUBLISHED_CELL,
            fidelity,
            0,
            workspace=workspace,
            device="cpu",
            checkpoint=path,
            on_predictions=seen.append,
        )
        for _ in range(rungs):
            next(run)
        assert isinstance(run, Generator)
        run.close()
    assert [predictions.iteration for predictions in seen] == [8, 8, 20]
    assert seen[0] == seen[1] == whole[0]
    assert seen[2] == whole[1]


def test_examples_are_made_once(fidelity, workspace):
    prepared = prepare(fidelity, workspace, device="cpu")
    first = find_examples(prepared)
    assert first is not None
    path = prepared.statistics_folder / f"{first.key}-examples.json"
    written = path.stat().st_mtime_ns
    assert find_examples(prepare(fidelity, workspace, device="cpu")) == first
    assert path.stat().st_mtime_ns == written


def test_what_cannot_be_made_costs_one_sentence(fidelity, workspace, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(aids, "_said", set())
    prepared = prepare(fidelity, workspace, device="cpu")
    gone = replace(prepared.dataset, splits={})
    assert find_examples(replace(prepared, dataset=gone, statistics_folder=tmp_path)) is None
    assert find_examples(replace(prepared, dataset=gone, statistics_folder=tmp_path)) is None
    assert caplog.text.count("trials go on without predictions to look at") == 1


def test_a_picture_that_fails_costs_the_picture(fidelity, workspace, monkeypatch, caplog):
    monkeypatch.setattr(aids, "_said", set())
    plain, _ = measure(fidelity, workspace)

    def no_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("there is no memory for this")

    monkeypatch.setattr(PredictionKeeper, "_map", no_memory)
    measured, seen = measure(fidelity, workspace)
    assert (measured, seen) == (plain, [])
    assert caplog.text.count("there is no memory for this") == 1


def test_maps_that_are_too_large_are_halved(fidelity, workspace):
    prepared = prepare(fidelity, workspace, device="cpu")
    examples = find_examples(prepared)
    assert examples is not None
    large = examples.model_copy(update={"size": (256, 256), "masks": (examples.masks[0],) * 4})
    noise = torch.randint(0, 19, (4, 256, 256), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    noisy = large.model_copy(
        update={"masks": tuple(class_png(classes, prepared.dataset.palette) for classes in noise.numpy())}
    )
    seen = picture_predictions(1, noisy, noise)
    assert sum(map(len, seen.maps)) <= MOST_BYTES
    assert read_class_png(seen.maps[0]).shape == (128, 128)
    assert seen.agreement == (1.0,) * 4
