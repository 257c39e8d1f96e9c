import json

import pytest

from search_spaces.dense_cell.architecture import EXTENDED_OPERATORS, PUBLISHED_CELL, Branch, Conv1x1, DenseCell
from search_spaces.dense_cell.deeplab import write_deeplab
from search_spaces.document import (
    ArchitectureDocument,
    Confirmed,
    Provenance,
    Score,
    architecture_from_dict,
    architecture_to_dict,
    read_architecture,
    write_document,
)
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.reference.heads import MULTI_LEVEL_HEADS, REFERENCE_HEADS
from search_spaces.units import GraphConvolution, SymbolicReasoning

HEADS = [
    PUBLISHED_CELL,
    DenseCell(branches=(Branch(input=-1, operator=Conv1x1(rate=(1, 1))),)),
    ReferenceHead(name="conv1x1"),
    ReferenceHead(name="aspp"),
    ReferenceHead(name="ppm", bins=(1, 4)),
    *REFERENCE_HEADS[4:],
    *MULTI_LEVEL_HEADS,
    ReferenceHead(name="linear"),
    ReferenceHead(name="aspp_separable", rates=(2, 4), channels=16),
    ReferenceHead(name="trunk", width=64, unit=GraphConvolution(assignment="dot")),
    ReferenceHead(name="trunk", unit=SymbolicReasoning(steps=3, mapping="drawn", graph="identity")),
    DenseCell(branches=tuple(Branch(input=-1, operator=operator) for operator in EXTENDED_OPERATORS[81:])),
]
PROVENANCE = Provenance(
    search="s0123456789ab",
    trial=7,
    seed=3,
    fidelity={"dataset": "scenes", "rungs": [150, 300]},
    scores=(Score(iteration=150, score=0.25), Score(iteration=300, score=0.5)),
    software={"segnas": "0.1.0"},
    confirmed=Confirmed(search="s0123456789ac", score=0.48, spread=0.01, seeds=4, kept_back=True),
)


@pytest.mark.parametrize("architecture", HEADS, ids=lambda head: head.key[:6])
@pytest.mark.parametrize("provenance", [None, PROVENANCE], ids=["bare", "known"])
def test_documents_round_trip_as_json(architecture, provenance, tmp_path):
    written = write_document(architecture, provenance)
    file = tmp_path / "best.json"
    file.write_text(json.dumps(written))
    for source in (written, file, str(file)):
        document = read_architecture(source)
        assert document.architecture.model_dump() == architecture.model_dump()
        assert document.provenance == (provenance or Provenance())
        assert write_document(document.architecture, document.provenance) == written


def test_the_document_says_what_it_is():
    assert write_document(ReferenceHead(name="conv1x1")) == {
        "format": "segnas/architecture",
        "version": 1,
        "kind": "reference_head",
        "architecture": {"kind": "reference_head", "name": "conv1x1", "rates": [], "bins": []},
        "provenance": {},
    }


@pytest.mark.parametrize("architecture", HEADS, ids=lambda head: head.key[:6])
def test_a_bare_architecture_is_read(architecture):
    data = architecture_to_dict(architecture)
    assert architecture_from_dict(json.loads(json.dumps(data))) == architecture
    assert read_architecture(data) == ArchitectureDocument(kind=architecture.kind, architecture=architecture)


def test_the_kind_need_not_be_repeated_inside():
    written = write_document(PUBLISHED_CELL)
    del written["architecture"]["kind"]
    assert read_architecture(written).architecture == PUBLISHED_CELL


def test_a_list_is_tensorflows_form(tmp_path):
    file = tmp_path / "cell.json"
    file.write_text(json.dumps(write_deeplab(PUBLISHED_CELL)))
    cell = read_architecture(file).architecture
    assert isinstance(cell, DenseCell)
    assert cell.branches == PUBLISHED_CELL.branches
    assert read_architecture(write_deeplab(PUBLISHED_CELL)).provenance == Provenance()


GOOD = write_document(PUBLISHED_CELL)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({**GOOD, "format": "onnx"}, "format is 'onnx'; the known one is 'segnas/architecture'"),
        ({**GOOD, "version": 2}, "version is 2; the known one is 1"),
        ({**GOOD, "version": True}, "version is True; the known one is 1"),
        ({**GOOD, "kind": "transformer"}, "kind is 'transformer'; the known ones are dense_cell, "),
        ({**GOOD, "kind": []}, r"kind is \[\]; the known ones are"),
        ({**GOOD, "kind": "reference_head"}, "kind is reference_head, but architecture.kind is dense_cell"),
        ({**GOOD, "architecture": 3}, "not a valid document: architecture: "),
        ({**GOOD, "author": "me"}, "not a valid document: author: unknown field; known here: format, "),
        ({**GOOD, "provenance": {"scores": [{"iteration": 1, "score": 2}]}}, "provenance.scores.0.score: "),
        ({"architecture": {}}, "format is None"),
        ({}, "no fields are no architecture; what is read is a document"),
        ({"normal": [], "reduce": []}, r"the fields \['normal', 'reduce'\] are no architecture; .*`genotype`, `path`"),
        (
            {"branches": []},
            r"the fields \['branches'\] are no architecture; .*with its `kind` \(dense_cell, auto_deeplab",
        ),
        (
            {"format": GOOD["format"], "version": 1, "architecture": {}},
            "kind is missing; the known ones are dense_cell",
        ),
        ({"kind": "dense_cell"}, "not a valid dense_cell: branches: this field is required"),
        (
            {"kind": "reference_head", "name": "trunk", "unit": {"op": "glore", "maps": 64}},
            "not a valid reference_head: unit: maps is no parameter of glore; it has nodes",
        ),
        (
            {"kind": "dense_cell", "branches": [{"input": -1, "operator": {"op": "atrous_separable", "rate": [1, 2]}}]},
            "not a valid dense_cell: branches.0.operator.rate.1: rate 2 is not one of",
        ),
    ],
)
def test_a_wrong_mapping_is_refused_with_a_sentence(source, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        read_architecture(source)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_the_json(tmp_path):
    file = tmp_path / "cell.json"
    file.write_text(json.dumps(GOOD), "utf-8-sig")
    assert read_architecture(file).architecture == PUBLISHED_CELL


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"kind": "dense_cell",\n  "branches": [}', r"bad\.json: not JSON: line 2, column 16: Expecting value"),
        (b"", r"bad\.json: not JSON: Expecting value"),
        (b'{"kind": NaN}', r"bad\.json: not JSON: NaN is not a JSON number"),
        (b"\xff", r"bad\.json: not UTF-8 text: byte 0 is 0xff"),
        (b"\x93NUMPY\x01\x00v\x00", r"bad\.json: this is a NumPy array, not JSON; what is read is a document"),
        (b"PK\x03\x04", r"bad\.json: this is a zip archive, such as torch\.save"),
        (b"\x80\x04\x95", r"bad\.json: this is a Python pickle, not JSON"),
        (b"17", r"bad\.json: a JSON object or list is needed, not 17"),
        (b"[" * 200_000, r"bad\.json: "),
        (b'{"kind": "x"}', r"bad\.json: kind is 'x'"),
    ],
)
def test_a_broken_file_is_refused_with_its_name_and_the_place(tmp_path, content, sentence):
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=sentence) as caught:
        read_architecture(file)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.json: cannot be read: No such file"):
        read_architecture(tmp_path / "none.json")
