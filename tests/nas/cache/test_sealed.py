import errno
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.cache.documents import made_once
from nas.cache.entries import let_go
from nas.cache.sealed import BrokenEntryError, MissingEntryError, check_files, file_entry, read_sealed, sealed
from tests.nas.cache.damage import damage

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sealed")


@settings(max_examples=25)
@given(content=st.dictionaries(st.text().filter(lambda name: name != "checksum"), VALUES))
def test_what_is_sealed_is_read_unchanged(folder, content):
    path = folder / "a.json"
    path.write_text(sealed(content), "utf-8")
    assert read_sealed(path) == content


def test_a_number_that_is_not_finite_is_no_content():
    with pytest.raises(ValueError, match="JSON"):
        sealed({"mean": float("nan")})


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "no JSON"),
        ('{"mean": [1', "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no checksum"),
        ("1", "no checksum"),
        ('{"mean": [1]}', "no checksum"),
        ('{"mean": [1], "checksum": 1}', "has changed"),
        ('{"mean": NaN, "checksum": "0"}', "no JSON"),
        ("\ud800", "no JSON"),
    ],
)
def test_what_is_not_sealed_is_broken(tmp_path, text, wrong):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(BrokenEntryError, match=f"a.json .*{wrong}"):
        read_sealed(path)


def test_a_file_that_is_not_there_is_missing(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "a", tmp_path / "no folder" / "a", tmp_path / "file" / "a"):
        with pytest.raises(MissingEntryError, match="there is no"):
            read_sealed(path)
    with pytest.raises(BrokenEntryError, match="Is a directory"):
        read_sealed(tmp_path)


def test_files_are_compared_with_their_checksums(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of "abc": FIPS 180-4
    check_files(tmp_path, {"files": {"a": file_entry(3, sha256)}})
    for report, wrong in (
        ({"files": {"a": file_entry(4, sha256)}}, "3 bytes instead of 4"),
        ({"files": {"a": file_entry(3, sha256[::-1])}}, "has changed"),
        ({"files": {"b": file_entry(3, sha256)}}, "b cannot be read"),
        ({}, "names no files"),
    ):
        with pytest.raises(BrokenEntryError, match=wrong):
            check_files(tmp_path, report)


def test_a_process_that_can_open_no_more_files_says_nothing_about_the_file(tmp_path, monkeypatch):
    def exhausted(path: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    path = tmp_path / "a.json"
    made_once(path, lambda: {"mean": 1})
    monkeypatch.setattr(Path, "read_bytes", exhausted)
    with pytest.raises(OSError, match="Too many open files"):
        made_once(path, lambda: {"mean": 2})
    monkeypatch.undo()
    assert read_sealed(path) == {"mean": 1}


def fuzz(path, seeds) -> None:
    made = {"mean": [0.1, 1e-300, -2.5], "about": "ü"}
    calls: list[int] = []

    def make() -> dict[str, object]:
        calls.append(1)
        return dict(made)

    for seed in seeds:
        assert made_once(path, make) == made
        calls.clear()
        done = damage(path, random.Random(seed))
        assert made_once(path, make) == made, (seed, done)
        assert read_sealed(path) == made, (seed, done)
        assert len(calls) <= 1


def test_a_damaged_document_is_made_anew(tmp_path):
    fuzz(tmp_path / "statistics" / "a.json", range(40))


@pytest.mark.chaos
def test_many_damaged_documents_are_made_anew(tmp_path):
    fuzz(tmp_path / "statistics" / "a.json", range(1000, 4000))


def test_a_document_that_cannot_be_written_is_made_once(tmp_path, caplog):
    (tmp_path / "statistics").write_text("a file in the place of the folder")
    path = tmp_path / "statistics" / "a.json"
    made: list[dict[str, object]] = []

    def make() -> dict[str, object]:
        made.append({"mean": 1})
        return made[-1]

    for _ in range(2):
        assert made_once(path, make) == {"mean": 1}
    assert len(made) == 1
    let_go(path)
