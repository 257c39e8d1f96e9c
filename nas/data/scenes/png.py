"""A PNG encoder whose bytes depend on the pixels only."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from nas.data.dataset import Uint8

_STORED_BLOCK = 65535
_GREY, _RGB = 0, 2


def encode_png(pixels: Uint8) -> bytes:
    """Encode (H, W) grey or (H, W, 3) RGB pixels as an uncompressed 8-bit PNG.

    Compressed data differ between zlib, zlib-ng and their versions, and so would the files of one generated data set
    between machines. Stored blocks are fully determined (RFC 1951, section 3.2.4), and the noise in the images would
    hardly compress anyway: a scene of 128x256 pixels has 98 KB, its label map 33 KB.
    """
    height, width = pixels.shape[:2]
    rows = np.zeros((height, 1 + pixels.nbytes // height), np.uint8)  # each row starts with filter type 0, none
    rows[:, 1:] = pixels.reshape(height, -1)
    colour = _GREY if pixels.ndim == 2 else _RGB
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", _stored(rows.tobytes())) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _stored(data: bytes) -> bytes:
    """Return a zlib stream (RFC 1950) of stored blocks."""
    blocks = [b"\x78\x01"]
    for start in range(0, len(data), _STORED_BLOCK):
        block = data[start : start + _STORED_BLOCK]
        last = start + _STORED_BLOCK >= len(data)
        blocks += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    return b"".join(blocks) + struct.pack(">I", zlib.adler32(data))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
