from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from nas.data.scenes.png import encode_png

SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))


@given(SIZES.flatmap(lambda size: arrays(np.uint8, size) | arrays(np.uint8, (*size, 3))))
def test_pillow_reads_back_the_pixels(pixels):
    with Image.open(io.BytesIO(encode_png(pixels))) as image:
        assert image.mode == ("L" if pixels.ndim == 2 else "RGB")
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_a_one_pixel_file_by_hand():
    data = b"\x00\x07"  # filter type, grey value
    stream = b"\x78\x01" + b"\x01\x02\x00\xfd\xff" + data + struct.pack(">I", zlib.adler32(data))
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", stream), (b"IEND", b""))
    )
    assert encode_png(np.array([[7]], np.uint8)) == b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("size", [(128, 511), (128, 512), (255, 256), (257, 512)])
def test_blocks_of_every_length(size):
    pixels = np.arange(size[0] * size[1], dtype=np.uint32).astype(np.uint8).reshape(size)
    encoded = encode_png(pixels)
    with Image.open(io.BytesIO(encoded)) as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)
    raw = size[0] * (1 + size[1])
    blocks = -(-raw // 65535)
    assert len(encoded) == 8 + 25 + 12 + 2 + raw + 5 * blocks + 4 + 12
