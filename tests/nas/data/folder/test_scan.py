from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from nas.data.errors import DatasetError
from nas.data.folder.scan import choose_reading, scan_masks

RED, BLUE = (255, 0, 0), (0, 0, 255)


def paletted(indices, colours) -> Image.Image:
    image = Image.fromarray(np.array(indices, np.uint8))
    image.putpalette(np.array(colours, np.uint8).tobytes())
    return image


def silent(done, total):
    pass


def test_values_are_counted_with_the_first_file(tree):
    root = tree({"a.png": [[0, 0, 7]], "b.png": [[7, 3, 0]]})
    calls = []
    scan = scan_masks([root / "a.png", root / "b.png"], "values", lambda done, total: calls.append((done, total)))
    assert scan.pixels == {0: 3, 3: 1, 7: 2}
    assert list(scan.pixels) == [0, 3, 7]
    assert scan.first == {0: root / "a.png", 7: root / "a.png", 3: root / "b.png"}
    assert calls == [(1, 2), (2, 2)]


def test_colours_are_counted(tree):
    root = tree({"a.png": [[RED, BLUE, RED]], "b.bmp": [[BLUE]], "grey.png": [[1]]})
    scan = scan_masks([root / "a.png", root / "b.bmp", root / "grey.png"], "colours", silent)
    assert scan.pixels == {"#0000ff": 2, "#ff0000": 2, "#010101": 1}


def test_photographs_are_no_masks(tree):
    root = tree({"a.png": [[(index % 256, index // 256, 0) for index in range(300)]]})
    with pytest.raises(DatasetError, match=r"300 or more colours .300 in"):
        scan_masks([root / "a.png"], "colours", silent)


def test_soft_edges_are_found_over_several_files(tree):
    files = {f"{i}.png": [[(i, j, 0) for j in range(60)]] for i in range(5)}
    root = tree(files)
    with pytest.raises(DatasetError, match=r"300 or more colours .60 in"):
        scan_masks([root / name for name in files], "colours", silent)


def test_headers_decide_between_values_and_colours(tree):
    root = tree({"grey.png": [[0, 1]], "rgb.png": [[RED]], "p.png": paletted([[0, 1]], [RED, BLUE])})
    assert choose_reading([root / "grey.png", root / "p.png"], None) == ("values", None)
    assert choose_reading([root / "grey.png", root / "rgb.png"], None) == ("colours", None)
    # The palette numbers the colours as the classes do, or otherwise, or has other colours.
    assert choose_reading([root / "p.png"], ["#ff0000", "#0000ff"]) == ("values", None)
    read, note = choose_reading([root / "p.png"], ["#0000ff", "#ff0000"])
    assert (read, note is not None) == ("colours", True)
    assert choose_reading([root / "p.png"], ["#000000", "#ffffff"]) == ("values", None)


def test_palettes_that_contradict_each_other_need_a_decision(tree):
    root = tree({"a.png": paletted([[0, 1]], [RED, BLUE]), "b.png": paletted([[0, 1]], [BLUE, RED])})
    masks = [root / "a.png", root / "b.png"]
    with pytest.raises(DatasetError, match=r"index 0 is #0000ff in .*b.png and #ff0000 in .*a.png: a file of classes"):
        choose_reading(masks, None)
    assert choose_reading(masks, ["#ff0000", "#0000ff"])[0] == "colours"
    # What a palette says of an index that no pixel has is of no account.
    tree({"b.png": paletted([[1]], [BLUE, BLUE])})
    assert choose_reading(masks, None) == ("values", None)


def test_a_broken_mask_is_named(tree):
    root = tree({"a.png": "not a picture"})
    with pytest.raises(DatasetError, match=r"a\.png is unreadable"):
        choose_reading([root / "a.png"], None)
    with pytest.raises(DatasetError, match=r"a\.png is unreadable"):
        scan_masks([root / "a.png"], "values", silent)
