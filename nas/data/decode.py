"""Reads image and label files with Pillow, and refuses those whose values Pillow would change while reading.

An image is read as 8-bit RGB and a label map as the numbers (or colours) that its file stores. What Pillow would
scale, saturate, invert, blend or take in part is refused with the file, what it is, and how to convert it. Both are
turned as their EXIF orientation says, which is how viewers and annotation tools show them.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    PHOTOMETRIC_INTERPRETATION,
    SAMPLEFORMAT,
    SAMPLESPERPIXEL,
    TiffImageFile,
)

from nas.data.errors import DatasetError

Uint8: TypeAlias = NDArray[np.uint8]

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
"""Ends of the names of image files that are read, in lower case; a file's own first bytes decide its format."""

# MPO, in which phones store a photograph and its preview, is opened by Pillow's reader of JPEG.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
_READ = "PNG, JPEG, TIFF, BMP or WebP"

_IMAGE_MODES = ("1", "L", "P", "RGB", "LA", "PA", "RGBA")
_VALUE_MODES = ("1", "L", "P", "LA", "PA")
_WIDE_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I")

_LOSSLESS_TIFF = ("raw", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "lzma", "zstd")
_LOSSLESS_TIFF_1_BIT = ("tiff_ccitt", "group3", "group4")

# Everything Pillow raises for a file that is cut short, not an image, or hostile; warnings where they are errors.
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
    NotImplementedError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,
)


def read_image(path: Path) -> Uint8:
    """Read an image file as RGB, (H, W, 3), turned as its EXIF orientation says.

    Grey and palette images become RGB; an alpha channel is left out where it is opaque everywhere.

    Raises:
        DatasetError: The file is missing or unreadable, or its pixels are not 8-bit grey, RGB or palette colours.
    """
    with _opened("image", path) as image:
        _check_form("image", image, path)
        if image.mode not in _IMAGE_MODES or _bits(image) > 8 or _hidden_samples(image):
            raise DatasetError(
                f"image {path} is {_described(image)}, which 8-bit RGB cannot hold unchanged; "
                f"convert it to 8-bit grey or RGB, choosing the range of values that becomes 0 to 255"
            )
        return _as_rgb("image", image, path)


def read_label_values(path: Path) -> Uint8:
    """Read the numbers of a label file with one channel, (H, W): grey values, or indices of a palette image.

    The numbers are those that the file stores: 0 and 1 of a 1-bit file, and of a 16-bit or 32-bit file the numbers
    themselves, which must not exceed 255. The label map is turned as its EXIF orientation says.

    Raises:
        DatasetError: The file is missing or unreadable, has several channels, is compressed with loss, or its numbers
            are not whole numbers from 0 to 255.
    """
    with _opened("label map", path) as image:
        _check_form("label map", image, path)
        _check_lossless(image, path)
        _check_samples(image, path)
        if image.mode in _WIDE_MODES:
            return _narrowed(image, path)
        if image.mode not in _VALUE_MODES:
            raise DatasetError(
                f"label map {path} must be 8-bit with one channel of class numbers, but is {_described(image)}; "
                f"write the class number of each pixel to an 8-bit grey PNG"
            )
        _turn(image)
        if image.mode in ("LA", "PA"):
            _check_opaque("label map", image.getchannel("A"), path)
            return np.array(image.getchannel(0))
        return np.array(image).astype(np.uint8, copy=False)


def read_label_colours(path: Path) -> Uint8:
    """Read the colours of a label file, (H, W, 3) in RGB: those of an RGB file, of a palette, or greys.

    The label map is turned as its EXIF orientation says.

    Raises:
        DatasetError: The file is missing or unreadable, is compressed with loss, has more than 8 bits a channel or a
            transparent pixel.
    """
    with _opened("label map", path) as image:
        _check_form("label map", image, path)
        _check_lossless(image, path)
        if image.mode not in _IMAGE_MODES or _bits(image) > 8 or _hidden_samples(image):
            raise DatasetError(
                f"label map {path} must be 8-bit RGB where colours are classes, but is {_described(image)}; "
                f"save it as an 8-bit RGB PNG"
            )
        return _as_rgb("label map", image, path)


def image_size(path: Path) -> tuple[int, int]:
    """Return height and width of an image file in pixels, turned as its EXIF orientation says; no pixel is decoded.

    Raises:
        DatasetError: The file is missing or unreadable.
    """
    with _opened("image", path) as image:
        turned = int(image.getexif().get(ExifTags.Base.Orientation, 1)) >= 5
        return image.size if turned else (image.height, image.width)


def exif_orientation(path: Path) -> int:
    """Return the EXIF orientation of an image file, 1 (upright) to 8; 1 where the file names none.

    Raises:
        DatasetError: The file is missing or unreadable.
    """
    with _opened("image", path) as image:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))


@contextmanager
def _opened(what: str, path: Path) -> Iterator[ImageFile]:
    try:
        with Image.open(path, formats=_FORMATS) as image:
            yield image
    except DatasetError:
        raise
    except _UNREADABLE as error:
        raise DatasetError(_unreadable(what, path, error)) from error


def _unreadable(what: str, path: Path, error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{what} {path} is missing"
    if isinstance(error, UnidentifiedImageError):
        reason = _unidentified(path)
    elif isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        reason = "it has too many pixels for one image; cut it into tiles"
    elif isinstance(error, OSError) and error.strerror:
        reason = error.strerror
    else:
        reason = f"the file is cut short or damaged ({error}); copy it again"
    return f"{what} {path} is unreadable: {reason}"


def _unidentified(path: Path) -> str:
    if path.stat().st_size == 0:
        return "the file is empty (0 bytes); copy it again"
    if _starts(path, b"version https://git-lfs"):
        return "it is Git LFS's note of a file, not the file; run git lfs pull"
    return f"its content is not {_READ}; save it as one of these"


def _starts(path: Path, content: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(content)) == content


def _check_form(what: str, image: ImageFile, path: Path) -> None:
    """Refuse several pages (the further pictures of an MPO file are previews of its first) and misread bitmaps."""
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise DatasetError(f"{what} {path} holds {frames} pages or frames; save each as a file of its own")
    if image.format == "BMP" and image.mode in ("1", "L") and _bmp_bits(path) != _bits(image):
        # With a palette of grey levels Pillow takes the bits of a pixel from the number of colours.
        raise DatasetError(
            f"{what} {path} is a {_bmp_bits(path)}-bit BMP with a short palette of greys, which is not read right; "
            f"save it as PNG"
        )


def _bmp_bits(path: Path) -> int:
    """Return the bits of a pixel from the header of a BMP file, of Windows' or OS/2's form."""
    with path.open("rb") as file:
        header = file.read(30)
    offset = 28 if int.from_bytes(header[14:18], "little") >= 40 else 24
    return int.from_bytes(header[offset : offset + 2], "little")


def _check_lossless(image: ImageFile, path: Path) -> None:
    """Refuse a label map whose compression changes values, at the borders of classes first."""
    lossless = _LOSSLESS_TIFF + (_LOSSLESS_TIFF_1_BIT if image.mode == "1" else ())
    if (
        image.format in ("JPEG", "MPO")
        or (image.format == "TIFF" and image.info.get("compression") not in lossless)
        or (image.format == "WEBP" and not _is_lossless_webp(path))
    ):
        raise DatasetError(
            f"label map {path} is a {image.format} file compressed with loss, which changes class numbers and colours; "
            f"export it from its source again as PNG"
        )


def _is_lossless_webp(path: Path) -> bool:
    """Look for the chunk VP8L (lossless) or "VP8 " (lossy) of a WebP file (RFC 9649)."""
    with path.open("rb") as file:
        file.seek(12)
        while len(header := file.read(8)) == 8:
            name, length = header[:4], int.from_bytes(header[4:], "little")
            if name in (b"VP8L", b"VP8 "):
                return name == b"VP8L"
            file.seek(length + length % 2, 1)
    return False


def _check_samples(image: ImageFile, path: Path) -> None:
    """Refuse a label map whose stored numbers Pillow scales (2 and 4 bits), inverts, reinterprets or reads in part."""
    reason = ""
    if image.mode == "L" and _bits(image) < 8:
        reason = "which programs read as numbers or as shades"
    elif isinstance(image, TiffImageFile) and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0:
        reason = "which stores white as 0"
    elif isinstance(image, TiffImageFile) and image.mode == "L" and image.tag_v2.get(SAMPLEFORMAT, (1,))[0] != 1:
        reason = "whose numbers have a sign"
    elif _hidden_samples(image):
        reason = "which would be left out"
    if reason:
        raise DatasetError(
            f"label map {path} is {_described(image)}, {reason}, so that its class numbers are not certain; "
            f"write the class number of each pixel to an 8-bit grey PNG"
        )


def _narrowed(image: ImageFile, path: Path) -> Uint8:
    """Take the values of a 16-bit or 32-bit label map, all of which must fit into 8 bits."""
    described = _described(image)
    _turn(image)
    values = np.asarray(image)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 255:
        raise DatasetError(
            f"label map {path} is {described} with values from {low} to {high}, but classes are numbers from 0 "
            f"to 255; write the class number of each pixel to an 8-bit grey PNG"
        )
    return values.astype(np.uint8)


def _as_rgb(what: str, image: ImageFile, path: Path) -> Uint8:
    _turn(image)
    pixels: Image.Image = image
    if image.has_transparency_data:
        pixels = image.convert("RGBA")
        _check_opaque(what, pixels.getchannel("A"), path)
    return np.array(pixels.convert("RGB"))  # a copy: Pillow's own memory is read-only, which torch warns about


def _check_opaque(what: str, alpha: Image.Image, path: Path) -> None:
    if alpha.getextrema() != (255, 255):
        raise DatasetError(
            f"{what} {path} has transparent pixels, whose colour depends on what lies behind them; "
            f"save it without an alpha channel"
        )


def _turn(image: ImageFile) -> None:
    ImageOps.exif_transpose(image, in_place=True)


def _bits(image: ImageFile) -> int:
    """Return the bits that the file stores for each sample; to be called before the pixels are read."""
    if isinstance(image, TiffImageFile):
        return int(max(image.tag_v2.get(BITSPERSAMPLE, (1,))))
    bits = re.search(r";(\d+)", _raw_mode(image))
    return int(bits[1]) if bits else 1 if image.mode == "1" else 8


def _raw_mode(image: ImageFile) -> str:
    """Return Pillow's name of how the samples lie in the file, such as "RGB;16B"; empty where it does not say."""
    if not image.tile:
        return ""
    arguments = image.tile[0].args
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _hidden_samples(image: ImageFile) -> bool:
    """Whether a TIFF file has more channels than Pillow reads of it, such as near infrared beside RGB."""
    if not isinstance(image, TiffImageFile):
        return False
    return int(image.tag_v2.get(SAMPLESPERPIXEL, 1)) > len(image.getbands())


def _described(image: ImageFile) -> str:
    hidden = ", with more channels than that" if _hidden_samples(image) else ""
    return f"{_bits(image)}-bit {image.format} in mode {image.mode}{hidden}"
