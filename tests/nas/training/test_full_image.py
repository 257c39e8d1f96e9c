"""Entire images: windows, scales and mirror images against loops over pixels."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from nas.data.transforms import MEAN_PIXEL
from nas.training.full_image import (
    FullImagePredictor,
    FullImageSpec,
    measure_full_images,
    window_starts,
    window_step,
)
from nas.training.loop.pixels import to_network
from nas.training.prepare import prepare
from nas.training.trial import build_loop, build_trial_network
from nas.weights.preprocessing import IMAGENET
from search_spaces.dense_cell.architecture import PUBLISHED_CELL

CPU = torch.device("cpu")
CROP = (6, 9)


class Contextual(nn.Module):
    """Three classes at every pixel: a red or blue value, and what depends on the window: its mean and the column."""

    def forward(self, images):
        column = torch.arange(images.shape[3], dtype=images.dtype).expand_as(images[:, 0])
        mean = images.mean((1, 2, 3))[:, None, None].expand_as(column)
        return torch.stack([images[:, 0], 2 * images[:, 2] + mean, 0.1 * column - mean], 1)


def predictor(spec, network=None, crop=CROP):
    return FullImagePredictor(network or Contextual().eval(), crop, spec, 4, CPU)


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def logits_of(pixels):
    return Contextual()(to_network(torch.from_numpy(pixels.copy()[None]), IMAGENET))[0].double().numpy()


def softmax(values):
    powers = [math.exp(value) for value in values]
    return np.array([power / sum(powers) for power in powers])


def slow_sliding(image):
    """Logits (3, H, W): for each pixel, the mean over all windows that hold the pixel."""
    height, width = (max(have, crop) for have, crop in zip(image.shape[:2], CROP, strict=True))
    padded = np.full((height, width, 3), MEAN_PIXEL, np.uint8)
    padded[: image.shape[0], : image.shape[1]] = image
    corners = []
    top = 0
    while True:
        top = min(top, height - CROP[0])
        left = 0
        while True:
            left = min(left, width - CROP[1])
            corners.append((top, left))
            if left == width - CROP[1]:
                break
            left += math.ceil(2 * CROP[1] / 3)
        if top == height - CROP[0]:
            break
        top += math.ceil(2 * CROP[0] / 3)
    found = [(y, x, logits_of(padded[y : y + CROP[0], x : x + CROP[1]])) for y, x in corners]
    out = np.zeros((3, *image.shape[:2]))
    for y, x in np.ndindex(image.shape[:2]):
        inside = [part[:, y - t, x - e] for t, e, part in found if t <= y < t + CROP[0] and e <= x < e + CROP[1]]
        out[:, y, x] = sum(inside) / len(inside)
    return out


@pytest.mark.parametrize("size", [(6, 9), (13, 20), (7, 10), (4, 25), (3, 5)])
def test_sliding_against_a_loop_over_pixels(size):
    image = picture(*size)
    expected = np.apply_along_axis(softmax, 0, slow_sliding(image))
    assert np.allclose(predictor(FullImageSpec()).probabilities(image).numpy(), expected, atol=1e-5)


def test_scales_and_mirror_images_against_a_loop():
    image = picture(16, 22)
    parts = []
    for factor in (0.5, 1.0, 1.5):
        height, width = round(16 * factor), round(22 * factor)
        scaled = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
        for logits in (slow_sliding(scaled), slow_sliding(scaled[:, ::-1])[:, :, ::-1]):
            parts.append(np.apply_along_axis(softmax, 0, bilinear(logits, (16, 22))))
            if len(parts) % 2:
                mirrored_differs = slow_sliding(scaled[:, ::-1])[:, :, ::-1] - logits
                assert np.abs(mirrored_differs).max() > 0.1
    spec = FullImageSpec(scales=(0.5, 1.0, 1.5), flip=True)
    assert np.allclose(predictor(spec).probabilities(image).numpy(), sum(parts) / 6, atol=1e-5)


def bilinear(maps, size):
    """Resize (C, h, w): a pixel's centre reads the four nearest cell centres."""
    _, height, width = maps.shape
    out = np.zeros((len(maps), *size))
    for y, x in np.ndindex(size):
        v = min(max((y + 0.5) * height / size[0] - 0.5, 0), height - 1)
        u = min(max((x + 0.5) * width / size[1] - 0.5, 0), width - 1)
        top, left = int(v), int(u)
        bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
        upper = maps[:, top, left] * (1 - u + left) + maps[:, top, right] * (u - left)
        lower = maps[:, bottom, left] * (1 - u + left) + maps[:, bottom, right] * (u - left)
        out[:, y, x] = upper * (1 - v + top) + lower * (v - top)
    return out


def test_whole_predicts_once_at_a_size_whose_cells_lie_as_in_the_crop():
    seen = []

    class Spy(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(tuple(images.shape[2:]))
            logits: torch.Tensor = Contextual()(images)
            return logits

    for crop, size, padded in (
        ((33, 65), (40, 70), (65, 97)),  # one more than a multiple, as is the crop
        ((64, 64), (40, 70), (64, 96)),
        ((33, 33), (33, 33), (33, 33)),
    ):
        whole = predictor(FullImageSpec(mode="whole"), Spy(), crop).probabilities(picture(*size))
        assert whole.shape == (3, *size)
        assert seen.pop() == padded
    assert not seen


@given(st.integers(1, 60), st.integers(0, 200))
def test_windows_cover_a_side_and_end_at_its_border(window, more):
    starts = window_starts(window + more, window)
    assert starts[0] == 0
    assert starts[-1] == more
    assert all(0 < after - before <= window_step(window) for before, after in itertools.pairwise(starts))


@pytest.mark.parametrize("mode", ["sliding", "whole"])
def test_an_image_of_the_crops_size_scores_as_in_training(fidelity, workspace, mode):
    """The crop is the whole image here, so both ways must give the measurement at label stride 1."""
    prepared = prepare(fidelity.model_copy(update={"label_stride": 1}), workspace, device=CPU)
    network = build_trial_network(PUBLISHED_CELL, prepared, 0)
    loop = build_loop(network, prepared, 0, CPU)
    loop.train(15)
    expected = loop.validate(prepared.dataset.num_classes).scores
    full = FullImagePredictor(network.eval(), fidelity.crop, FullImageSpec(mode=mode), 4, CPU)
    done = []
    found = measure_full_images(
        full, prepared.dataset.split("val"), 5, prepared.dataset.num_classes, progress=lambda *at: done.append(at)
    )
    assert found.miou == pytest.approx(expected.miou, abs=1e-4)
    assert found.class_iou == pytest.approx(expected.class_iou, abs=1e-4)
    assert done[-1] == ("entire images", 5, 5)


def test_the_words_of_a_score():
    text = FullImageSpec(scales=(0.5, 1), flip=True).description(5, (64, 128))
    assert text == (
        "5 entire validation images at every pixel, in windows of 64x128, one every 43x86 pixels, logits averaged; "
        "scales 0.5, 1; with mirror images"
    )
    assert FullImageSpec(mode="whole").description(5, (1, 1)).endswith("at every pixel, in one piece")


@pytest.mark.parametrize(
    ("fields", "says"), [({"scales": (1, 1)}, "differ"), ({"scales": ()}, "scales"), ({"scales": (9,)}, "scales")]
)
def test_what_is_refused(fields, says):
    with pytest.raises(ValueError, match=says):
        FullImageSpec.model_validate(fields)
