from __future__ import annotations

import pytest

from nas.data.errors import DatasetError
from nas.data.folder.class_files import NamedClass, parse_colour, parse_label, read_classes

SKY, ROAD = NamedClass("sky", "#0080ff"), NamedClass("main road", "#808080")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("c.txt", "\ufeffsky\r\nmain road \r\n\r\n", (NamedClass("sky"), NamedClass("main road"))),
        ("c.csv", "sky\nmain road\n", (NamedClass("sky"), NamedClass("main road"))),
        ("c.csv", "sky,#0080FF\nmain road,808080\n", (SKY, ROAD)),
        ("c.csv", "sky,0,128,255\nmain road,128,128,128\n", (SKY, ROAD)),
        ("c.csv", 'sky,"0,128,255"\nmain road,128 128 128\n', (SKY, ROAD)),
        ("c.csv", "name,r,g,b\nsky,0,128,255\nmain road,128,128,128\n", (SKY, ROAD)),
        ("c.csv", "r,g,b,class\n0,128,255,sky\n128,128,128,main road\n", (SKY, ROAD)),
        ("c.csv", "id,name\n7,sky\n8,main road\n", (NamedClass("sky", None, 7), NamedClass("main road", None, 8))),
        ("c.json", '["sky", "main road"]', (NamedClass("sky"), NamedClass("main road"))),
        ("c.json", '{"sky": [0, 128, 255], "main road": "#808080"}', (SKY, ROAD)),
        ("c.json", '{"0": "sky", "1": "main road"}', (NamedClass("sky", None, 0), NamedClass("main road", None, 1))),
        ("c.json", '{"sky": 3, "main road": 5}', (NamedClass("sky", None, 3), NamedClass("main road", None, 5))),
        ("c.json", '{"#0080ff": "sky", "#808080": "main road"}', (SKY, ROAD)),
        (
            "c.yaml",
            "classes:\n- {name: sky, color: '#0080ff'}\n- {name: main road, color: [128, 128, 128]}",
            (SKY, ROAD),
        ),
        ("c.yml", "0: sky\n1: main road", (NamedClass("sky", None, 0), NamedClass("main road", None, 1))),
    ],
)
def test_forms(tmp_path, name, text, expected):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    assert read_classes(path) == expected


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("c.txt", "sky\n", "names 1 class; two are the least"),
        ("c.txt", "sky\n" + "x" * 101, "at most 100 characters, not as xxx"),
        ("c.txt", "sky\nsky\n", "two classes have the name sky"),
        ("c.csv", "sky,#0080ff\nroad\n", "gives a colour for 1 of 2 classes"),
        ("c.csv", "sky,#0080ff\nroad,#0080ff\n", "two classes have the colour #0080ff"),
        ("c.csv", "sky,blue\nroad,red\n", "a colour is #rrggbb or three numbers from 0 to 255, not 'blue'"),
        ("c.csv", "sky,0,128,256\nroad,1,2,3\n", "not '0,128,256'"),
        ("c.csv", "sky,1,2\nroad,1,3\n", "line 1: `name`"),
        ("c.csv", "name,r,g,b\nsky,1,2\nroad,1,2,3\n", "line 2 has 3 columns, but the header names 4"),
        ("c.json", "[", "Expecting value"),
        ("c.json", "7", "a list or a mapping of classes is needed"),
        ("c.json", '[{"colour": "#000000"}, "b"]', "a class has no `name`"),
        ("c.json", '{"sky": 256, "road": 1}', "a mask's value is a number from 0 to 255, not 256"),
        ("c.json", '[null, "b"]', "a class needs a name, not None"),
        ("c.yaml", "a: [", "not YAML, line 1, column 5"),
    ],
)
def test_mistakes_name_the_file_and_the_place(tmp_path, name, text, reason):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    with pytest.raises(DatasetError) as caught:
        read_classes(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_one_in_another_encoding(tmp_path):
    with pytest.raises(DatasetError, match="cannot be read"):
        read_classes(tmp_path / "none.txt")
    (tmp_path / "c.txt").write_bytes("stra\xdfe\nb".encode("latin-1"))
    with pytest.raises(DatasetError, match=r"is not UTF-8 text .byte 4."):
        read_classes(tmp_path / "c.txt")


def test_labels():
    assert parse_label("255") == 255
    assert parse_label("#FF0000") == "#ff0000"
    assert parse_colour((1, 2, 3)) == "#010203"
    for wrong in ("256", "-1", "red", "#12"):
        with pytest.raises(ValueError, match="not '"):
            parse_label(wrong)
