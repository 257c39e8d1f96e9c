from __future__ import annotations

import numpy as np
import pytest

from nas.data.scenes.canvas import Canvas
from nas.data.scenes.materials import Paint

RED = Paint(3, 9)


def test_a_new_canvas_has_no_labels():
    canvas = Canvas((128, 256))
    assert (canvas.labels == 255).all()


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_rectangles_scale_with_the_size(scale):
    canvas = Canvas((128 * scale, 256 * scale))
    canvas.rectangle(2, 3, 5, 7, RED)
    rows, columns = np.nonzero(canvas.labels == 9)
    assert (rows.min(), rows.max() + 1) == (3 * scale, 7 * scale)
    assert (columns.min(), columns.max() + 1) == (2 * scale, 5 * scale)
    assert len(rows) == 12 * scale * scale
    assert ((canvas.labels == 9) == (canvas.materials == 3)).all()


def test_what_lies_outside_is_cut_off():
    canvas = Canvas((128, 256))
    canvas.rectangle(-5, -5, 1, 1, RED)
    canvas.rectangle(255, 127, 400, 400, RED)
    canvas.rectangle(-9, 3, -2, 5, RED)
    canvas.disc(0, 0, 0, RED)
    canvas.disc(-40, -40, 3, RED)
    assert np.argwhere(canvas.labels == 9).tolist() == [[0, 0], [127, 255]]


def test_paint_without_a_label_keeps_what_was_there():
    canvas = Canvas((128, 256))
    canvas.rectangle(0, 0, 10, 10, RED)
    canvas.rectangle(0, 0, 10, 5, Paint(4, None))
    assert (canvas.labels[:10, :10] == 9).all()
    assert (canvas.materials[:5, :10] == 4).all()
    assert (canvas.materials[5:10, :10] == 3).all()


def test_disc_by_hand():
    canvas = Canvas((128, 256))
    canvas.disc(5, 5, 2, RED)
    expected = ["..#..", ".###.", "#####", ".###.", "..#.."]
    assert ["".join("#" if v == 9 else "." for v in row) for row in canvas.labels[3:8, 3:8]] == expected
    assert (canvas.labels == 9).sum() == 13


def test_slanted_lines_by_hand():
    canvas = Canvas((128, 256))
    canvas.between_rows(10, 14, (0, 4), (2, 8), RED)  # top: 0 1 2 3, bottom: 2 3.5 5 6.5 rounded down
    filled = [np.nonzero(canvas.labels[:, x] == 9)[0].tolist() for x in range(9, 15)]
    assert filled == [[], [0, 1], [1, 2], [2, 3, 4], [3, 4, 5], []]
    other = Canvas((128, 256))
    other.between_columns(10, 14, (0, 4), (2, 8), RED)
    np.testing.assert_array_equal(other.labels[:128, :128].T, canvas.labels[:128, :128])


def test_a_line_that_starts_outside_keeps_its_slope():
    whole, cut = Canvas((128, 256)), Canvas((128, 256))
    whole.between_rows(0, 20, (10, 30), (40, 40), RED)
    cut.between_rows(-20, 20, (-10, 30), (40, 40), RED)
    np.testing.assert_array_equal(whole.labels, cut.labels)
