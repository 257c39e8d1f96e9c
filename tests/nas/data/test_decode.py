from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nas.data.dataset import Item, LabelTable, Split
from nas.data.decode import exif_orientation, read_image, read_label_colours, read_label_values
from nas.data.errors import DatasetError

GREY = np.array([[0, 7, 255], [3, 200, 1]], np.uint8)
COLOURS = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], -1)


def png(path: Path, samples: np.ndarray, bits: int, colour_type: int = 0) -> Path:
    """Write a PNG by hand at a bit depth that Pillow does not write: colour type 0 is grey, 2 RGB; 2 rows of bytes."""
    height, width = samples.shape[:2]
    packed = np.unpackbits(samples.astype(">u2").view(np.uint8).reshape(height, -1, 2), axis=2)[:, :, -bits:]
    rows = np.packbits(packed.reshape(height, -1), axis=1)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))),
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def bmp(path: Path, indices: np.ndarray, bits: int, greys: Sequence[int]) -> Path:
    """Write a BMP by hand with a palette as short as its colours, which Pillow does not write."""
    packed = np.unpackbits(indices.astype(np.uint8)[..., None], axis=2)[:, :, -bits:].reshape(len(indices), -1)
    rows = [np.packbits(row).tobytes() for row in packed[::-1]]
    pixels = b"".join(row + b"\0" * (-len(row) % 4) for row in rows)
    palette = b"".join(bytes([grey, grey, grey, 0]) for grey in greys)
    size = (indices.shape[1], indices.shape[0])
    start = 54 + len(palette)
    header = struct.pack("<IHHI", start + len(pixels), 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, *size, 1, bits, 0, len(pixels), 0, 0, len(greys), 0)
    path.write_bytes(b"BM" + header + info + palette + pixels)
    return path


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def rotated(path: Path, pixels: np.ndarray, orientation: int, **options: Any) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(path, Image.fromarray(pixels), exif=exif, **options)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.webp"])
def test_lossless_formats_keep_every_pixel(tmp_path, name):
    path = saved(tmp_path / name, Image.fromarray(COLOURS), **({"lossless": True} if name == "a.webp" else {}))
    assert read_image(path).tolist() == COLOURS.tolist()
    assert read_label_colours(path).tolist() == COLOURS.tolist()
    assert read_image(path).flags.writeable


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_grey_values_are_those_of_the_file(tmp_path, compression):
    for path in (
        saved(tmp_path / "a.png", Image.fromarray(GREY)),
        saved(tmp_path / "a.bmp", Image.fromarray(GREY)),
        saved(tmp_path / "a.tif", Image.fromarray(GREY), compression=compression),
    ):
        assert read_label_values(path).tolist() == GREY.tolist()
        assert read_label_values(path).dtype == np.uint8
        assert read_image(path).tolist() == np.stack([GREY] * 3, -1).tolist()


@pytest.mark.parametrize("count", [2, 4, 16, 200])
def test_a_palette_file_has_indices_and_colours(tmp_path, count):
    indices = np.array([[0, count - 1], [1, 0]], np.uint8)
    image = Image.fromarray(indices, "P")
    palette = np.random.default_rng(count).integers(0, 256, (count, 3))
    image.putpalette(palette.astype(np.uint8).tobytes())
    for path in (saved(tmp_path / "a.png", image), saved(tmp_path / "a.bmp", image), saved(tmp_path / "a.tif", image)):
        assert read_label_values(path).tolist() == indices.tolist()
        assert read_label_colours(path).tolist() == palette[indices].tolist()
        assert read_image(path).tolist() == palette[indices].tolist()


def test_one_bit_is_zero_and_one_as_a_label_map_and_black_and_white_as_an_image(tmp_path):
    image = Image.fromarray(np.array([[True, False, True]]))
    for path in (saved(tmp_path / "a.png", image), saved(tmp_path / "a.tif", image, compression="group4")):
        assert read_label_values(path).tolist() == [[1, 0, 1]]
        assert read_image(path)[0, :, 0].tolist() == [255, 0, 255]


@pytest.mark.parametrize(("suffix", "dtype"), [("png", np.uint16), ("tif", np.uint16), ("tif", np.int32)])
def test_wide_label_maps_are_read_where_the_numbers_fit(tmp_path, suffix, dtype):
    path = tmp_path / f"a.{suffix}"
    saved(path, Image.fromarray(GREY.astype(dtype)))
    assert read_label_values(path).tolist() == GREY.tolist()
    saved(path, Image.fromarray(GREY.astype(dtype) + 1))
    with pytest.raises(
        DatasetError, match=r"label map .*a\.\w+ is \d+-bit \w+ in mode I(;16)? with values from 1 to 256"
    ):
        read_label_values(path)


@pytest.mark.parametrize(
    ("bits", "greys"), [(1, (0, 255)), (1, (255, 0)), (8, (0, 1, 2)), (8, (9, 4, 200)), (4, range(0, 256, 17))]
)
def test_bitmaps_with_a_palette_of_greys(tmp_path, bits, greys):
    indices = np.arange(24).reshape(3, 8) % len(greys)
    path = bmp(tmp_path / "a.bmp", indices, bits, greys)
    assert read_label_values(path).tolist() == indices.tolist()
    assert read_image(path)[..., 0].tolist() == np.array(greys)[indices].tolist()


@pytest.mark.parametrize(("bits", "greys"), [(8, (0, 255)), (4, range(16))])
def test_bitmaps_that_pillow_reads_wrongly_are_refused(tmp_path, bits, greys):
    path = bmp(tmp_path / "a.bmp", np.arange(24).reshape(3, 8) % len(greys), bits, greys)
    for read in (read_image, read_label_values, read_label_colours):
        with pytest.raises(
            DatasetError, match=rf"a\.bmp is a {bits}-bit BMP with a short palette of greys.*save it as PNG"
        ):
            read(path)


def test_sixteen_bits_are_no_image(tmp_path):
    for path in (
        saved(tmp_path / "grey.png", Image.fromarray(GREY.astype(np.uint16) * 257)),
        saved(tmp_path / "grey.tif", Image.fromarray(GREY.astype(np.uint16) * 16)),
        png(tmp_path / "rgb.png", COLOURS.astype(np.uint16) * 257, 16, 2),
    ):
        with pytest.raises(DatasetError, match=rf"image .*{path.name} is 16-bit .*convert it to 8-bit"):
            read_image(path)
    with pytest.raises(DatasetError, match=r"rgb\.png must be 8-bit RGB .* 16-bit PNG"):
        read_label_colours(tmp_path / "rgb.png")


@pytest.mark.parametrize("bits", [2, 4])
def test_narrow_grey_is_an_image_but_no_label_map(tmp_path, bits):
    most = 2**bits - 1
    path = png(tmp_path / "a.png", np.array([[0, most, 1]]), bits)
    assert read_image(path)[0, :, 0].tolist() == [0, 255, 255 // most]
    with pytest.raises(
        DatasetError, match=rf"a\.png is {bits}-bit PNG in mode L, which programs read as numbers or as shades"
    ):
        read_label_values(path)


def test_the_png_writer_of_these_tests(tmp_path):
    assert read_label_values(png(tmp_path / "a.png", GREY, 8)).tolist() == GREY.tolist()


@pytest.mark.parametrize("mode", ["F", "CMYK", "LAB", "YCbCr"])
def test_other_colour_spaces_and_real_numbers_are_refused(tmp_path, mode):
    image = Image.fromarray(np.array([[0.25]], np.float32)) if mode == "F" else Image.new(mode, (1, 1))
    path = saved(tmp_path / "a.tif", image)
    for read in (read_image, read_label_values, read_label_colours):
        with pytest.raises(DatasetError, match=rf"a\.tif .*{mode}"):
            read(path)


def test_cmyk_jpeg_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"image .*a\.jpg is 8-bit JPEG in mode CMYK.*convert it to"):
        read_image(saved(tmp_path / "a.jpg", Image.new("CMYK", (4, 4))))


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_alpha_is_left_out_only_where_it_is_opaque(tmp_path, mode):
    opaque = Image.new("RGBA", (2, 1), (9, 9, 9, 255))
    path = saved(tmp_path / "a.png", opaque.convert(mode))
    assert read_image(path).tolist() == [[[9, 9, 9]] * 2]
    assert read_label_colours(path).tolist() == [[[9, 9, 9]] * 2]
    through = opaque.copy()
    through.putpixel((1, 0), (9, 9, 9, 254))
    if mode == "P":
        flat = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
        flat.putpalette(bytes([9, 9, 9, 8, 8, 8]))
        saved(path, flat, transparency=1)
        assert read_label_values(path).tolist() == [[0, 1]]  # an index is an index, also one that is not drawn
    else:
        saved(path, through.convert(mode))
    for read in (read_image, read_label_colours):
        with pytest.raises(DatasetError, match=r"a\.png has transparent pixels.*without an alpha channel"):
            read(path)


def test_values_of_grey_with_alpha(tmp_path):
    image = Image.merge("LA", [Image.fromarray(GREY), Image.new("L", (3, 2), 255)])
    path = saved(tmp_path / "a.png", image)
    assert read_label_values(path).tolist() == GREY.tolist()
    with pytest.raises(DatasetError, match="transparent pixels"):
        read_label_values(saved(path, Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(GREY)])))


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.tif"])
def test_label_maps_compressed_with_loss_are_refused(tmp_path, name):
    options: dict[str, Any] = {"compression": "jpeg"} if name == "a.tif" else {}
    path = saved(tmp_path / name, Image.fromarray(np.tile(COLOURS, (8, 8, 1))), **options)
    for read in (read_label_values, read_label_colours):
        with pytest.raises(DatasetError, match=rf"label map .*{name} is a \w+ file compressed with loss.*as PNG"):
            read(path)
    assert read_image(path).shape == (16, 24, 3)


def test_colours_are_no_values(tmp_path):
    path = saved(tmp_path / "a.png", Image.fromarray(COLOURS))
    with pytest.raises(
        DatasetError, match=r"must be 8-bit with one channel of class numbers, but is 8-bit PNG in mode RGB"
    ):
        read_label_values(path)


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.webp"])
def test_several_pages_are_refused(tmp_path, name):
    pages = [Image.new("L", (8, 8), value) for value in (1, 90)]
    path = saved(tmp_path / name, pages[0], save_all=True, append_images=pages[1:])
    for read in (read_image, read_label_values, read_label_colours):
        with pytest.raises(DatasetError, match=rf"{name} holds 2 pages or frames; save each"):
            read(path)


def test_the_preview_in_a_photograph_is_no_second_page(tmp_path):
    photograph, preview = (Image.new("RGB", (8, 8), colour) for colour in ("white", "black"))
    path = tmp_path / "a.jpg"
    photograph.save(path, "MPO", save_all=True, append_images=[preview])
    assert (read_image(path) == 255).all()


def test_tiff_that_is_read_in_part_or_inverted_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    Image.fromarray(np.dstack([COLOURS, GREY])).save(path)
    extra = struct.pack("<HHII", 338, 3, 1, 2)  # the fourth channel is alpha; then one of no known meaning
    assert extra in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(extra, struct.pack("<HHII", 338, 3, 1, 0)))
    with pytest.raises(DatasetError, match="mode RGB, with more channels than that"):
        read_image(path)
    with pytest.raises(DatasetError, match="more channels"):
        read_label_colours(path)
    Image.fromarray(GREY).save(path)
    entry = struct.pack("<HHII", 262, 3, 1, 1)
    white_is_zero = path.read_bytes().replace(entry, struct.pack("<HHII", 262, 3, 1, 0))
    path.write_bytes(white_is_zero)
    assert read_image(path)[..., 0].tolist() == (255 - GREY).tolist()  # what it looks like
    with pytest.raises(DatasetError, match="mode L, which stores white as 0, so that its class"):
        read_label_values(path)


def test_signed_bytes_are_no_class_numbers(tmp_path):
    path = saved(tmp_path / "a.tif", Image.fromarray(GREY), tiffinfo={339: 2})
    with pytest.raises(DatasetError, match="mode L, whose numbers have a sign"):
        read_label_values(path)


# Where the pixel that is stored at the top left is seen, by EXIF 2.32, section 4.6.5 (tag Orientation).
CORNERS = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}


@pytest.mark.parametrize("orientation", CORNERS)
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
def test_files_are_turned_as_viewers_show_them(tmp_path, name, orientation):
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:8, :8] = 255
    path = rotated(tmp_path / name, pixels, orientation, **({"lossless": True} if name == "a.webp" else {}))
    image = read_image(path)
    assert image.shape == ((16, 32, 3) if orientation <= 4 else (32, 16, 3))
    assert [corner for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)) if image[corner].min() > 200] == [
        CORNERS[orientation]
    ]
    assert exif_orientation(path) == orientation
    if name == "a.png":
        assert read_label_colours(path).tolist() == image.tolist()
        values = read_label_values(rotated(tmp_path / "label.png", pixels[..., 0], orientation))
        assert values.tolist() == image[..., 0].tolist()


def test_a_label_map_for_the_stored_pixels_is_told_from_a_wrong_size(tmp_path):
    image = rotated(tmp_path / "a.jpg", np.zeros((16, 24, 3), np.uint8), 6)
    upright = saved(tmp_path / "up.png", Image.new("L", (16, 24)))
    stored = saved(tmp_path / "stored.png", Image.new("L", (24, 16)))
    split = Split("train", (Item(image, upright), Item(image, stored)), LabelTable.identity(2))
    assert split.load(0)[0].shape == (24, 16, 3)
    with pytest.raises(
        DatasetError, match=r"stored\.png is 16x24 but .*a\.jpg is 24x16 .*EXIF orientation 6.*exiftool"
    ):
        split.load(1)


def test_files_that_are_no_images_are_named_with_the_reason(tmp_path):
    whole = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(whole, "PNG")
    contents = {
        b"": r"is unreadable: the file is empty \(0 bytes\); copy it again",
        b"no image": "its content is not PNG, JPEG, TIFF, BMP or WebP",
        whole.getvalue()[:4000]: "cut short or damaged .*copy it again",
    }
    path = tmp_path / "a.png"
    for read, what in ((read_image, "image"), (read_label_values, "label map"), (read_label_colours, "label map")):
        for content, reason in contents.items():
            path.write_bytes(content)
            with pytest.raises(DatasetError, match=f"{what} {path} is unreadable: .*{reason}|{what} {path} {reason}"):
                read(path)
        with pytest.raises(DatasetError, match=f"{what} .*gone.png is missing"):
            read(tmp_path / "gone.png")
        with pytest.raises(DatasetError, match=f"{what} .* is unreadable: Is a directory"):
            read(tmp_path)


def test_a_bomb_is_not_read(tmp_path):
    path = png(tmp_path / "a.png", np.zeros((1, 1)), 8)
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    content = bytearray(path.read_bytes())
    content[16:29] = header
    content[29:33] = struct.pack(">I", zlib.crc32(b"IHDR" + header))
    path.write_bytes(bytes(content))
    with pytest.raises(DatasetError, match=r"a\.png is unreadable: it has too many pixels for one image; cut it"):
        read_image(path)


@given(name=st.sampled_from(["png", "jpeg", "tiff", "bmp", "webp"]), data=st.data())
def test_a_damaged_file_is_read_or_refused_by_name(tmp_path_factory, name, data):
    buffer = io.BytesIO()
    Image.fromarray(np.tile(COLOURS, (4, 4, 1))).save(buffer, name)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / f"damaged.{name}"
    path.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))]))
    for read in (read_image, read_label_values, read_label_colours):
        try:
            outcome = str(read(path).dtype)
        except DatasetError as error:
            outcome = str(error)
        assert outcome == "uint8" or path.name in outcome
