from __future__ import annotations

import numpy as np

from nas.data.scenes.draws import Draws
from nas.data.scenes.materials import Material
from nas.data.scenes.render import GAIN, JITTER, LIGHT, NOISE, render
from nas.data.scenes.textures import PERIOD, TEXTURES

GREY = Material((100, 120, 140), "plain")


def test_every_pixel_stays_within_colour_light_and_noise():
    maps = np.zeros((128, 256), np.uint8)
    for seed in range(5):
        image = render(maps, [GREY], Draws(seed)).astype(int)
        for channel, mean in enumerate(GREY.colour):
            low = (mean - JITTER) * (256 - GAIN - 2 * LIGHT) // 256 - NOISE
            high = (mean + JITTER) * (256 + GAIN + 2 * LIGHT) // 256 + NOISE
            assert low <= image[..., channel].min()
            assert image[..., channel].max() <= high


def test_noise_is_uniform_and_light_is_linear():
    image = render(np.zeros((128, 256), np.uint8), [GREY], Draws(0)).astype(float)[..., 0]
    rows, columns = np.indices(image.shape)
    plane = np.stack([np.ones(image.size), rows.reshape(-1), columns.reshape(-1)], 1)
    fit, *_ = np.linalg.lstsq(plane, image.reshape(-1), rcond=None)
    rest = image.reshape(-1) - plane @ fit
    assert abs(rest.std() - (2 * NOISE + 1) / 12**0.5) < 0.5
    assert np.abs(rest).max() <= NOISE + 1.5


def test_materials_keep_apart():
    maps = np.zeros((128, 256), np.uint8)
    maps[:, 128:] = 1
    image = render(maps, [GREY, Material((230, 40, 40), "plain")], Draws(1))
    assert image[:, 128:, 0].mean() > image[:, :128, 0].mean() + 40
    assert image[:, 128:, 1].mean() < image[:, :128, 1].mean() - 20


def test_the_same_draws_give_the_same_pixels():
    maps = np.zeros((128, 256), np.uint8)
    np.testing.assert_array_equal(render(maps, [GREY], Draws(2)), render(maps, [GREY], Draws(2)))
    assert (render(maps, [GREY], Draws(2)) != render(maps, [GREY], Draws(3))).any()


def test_textures_are_small_and_balanced():
    for name, pattern in TEXTURES.items():
        assert pattern.shape == (PERIOD, PERIOD)
        assert abs(float(pattern.mean())) < 8, name
        assert np.abs(pattern).max() < 64, name
