"""Renders a map of materials as an image with colours, textures, light and noise, in integers throughout.

Floating-point results may differ in the last bit between processors and numpy builds, and a generated data set must
have the same bytes everywhere.
"""

from __future__ import annotations

import numpy as np

from nas.data.dataset import Uint8
from nas.data.scenes.draws import Draws
from nas.data.scenes.materials import Material
from nas.data.scenes.textures import PERIOD, TEXTURES

JITTER = 13
"""Largest change of a material's colour from scene to scene, of 255."""
GAIN = 26
"""Largest change of the exposure, of 256."""
LIGHT = 64
"""Largest change of the light from the middle to an edge, of 256."""
NOISE = 26
"""Largest change of a single pixel, of 255: uniform, a standard deviation of 0.06."""


def render(materials: Uint8, looks: list[Material], draws: Draws) -> Uint8:
    """Render the image (H, W, 3) of a map (H, W) of indices into `looks`."""
    height, width = materials.shape
    palette = np.array([look.colour for look in looks], np.int32)
    jitter = np.array([[draws.between(-JITTER, JITTER) for _ in range(3)] for _ in looks], np.int32)
    texture = np.stack([TEXTURES[look.texture] for look in looks]).astype(np.int32)
    rows = (np.arange(height) + draws.below(PERIOD)) % PERIOD
    columns = (np.arange(width) + draws.below(PERIOD)) % PERIOD
    pixels = (palette + jitter)[materials] + texture[materials, rows[:, None], columns[None, :]][..., None]
    pixels = pixels * _light(height, width, draws)[..., None] >> 8
    noise = draws.noise(pixels.size).reshape(pixels.shape).astype(np.int32)
    pixels += (noise * (2 * NOISE + 1) >> 8) - NOISE
    image: Uint8 = np.clip(pixels, 0, 255).astype(np.uint8)
    return image


def _light(height: int, width: int, draws: Draws) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    """Draw the light, an (H, W) factor in 1/256: an exposure and a linear fall-off across the image."""
    base = 256 + draws.between(-GAIN, GAIN)
    down, across = draws.between(-LIGHT, LIGHT), draws.between(-LIGHT, LIGHT)
    rows = (2 * np.arange(height, dtype=np.int32) - height) * down // height
    columns = (2 * np.arange(width, dtype=np.int32) - width) * across // width
    return base + rows[:, None] + columns[None, :]
