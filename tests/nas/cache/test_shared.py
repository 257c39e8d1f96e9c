"""A storage behind two caches, on a real S3 server: made once, fetched by the other, damage found, absence borne."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nas import aids
from nas.atomic import write_folder_atomically
from nas.cache import shared
from nas.cache.documents import made_once
from nas.cache.entries import let_go, read_or_make
from nas.cache.sealed import FILES, check_files, file_entry, read_sealed, sealed
from nas.cache.shared import share
from nas.cache.tally import read_tally
from nas.digests import file_digests
from nas.storage import Remote

ARRAYS = {"train.npy": b"x" * 100_000, "val.npy": b"\x00\xff" * 5000}

Ask = Callable[[str], str]
"""Asks a node's cache for the bank; answers `read` or `made`."""


@pytest.fixture
def node(tmp_path, bucket) -> Iterator[Callable[[str], Path]]:
    """Make the cache folder of a node, with the bucket behind it."""
    made: list[Path] = []

    def make(name: str, url: str = bucket) -> Path:
        cache = tmp_path / name / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        share(cache, url)
        made.append(cache)
        return cache

    yield make
    for cache in made:
        share(cache, None)
    let_go()


def bank(cache: Path, arrays: dict[str, bytes] = ARRAYS) -> str:
    """Ask a cache for an entry that is a folder, as a feature bank is."""
    folder = cache / "banks" / "0123abcd"
    answers: list[str] = []

    def read() -> str:
        check_files(folder, read_sealed(folder / "report.json"))
        assert {file.name: file.read_bytes() for file in folder.glob("*.npy")} == arrays
        return answers[0] if answers else "read"

    def make() -> str:
        def write(temporary: Path) -> None:
            for name, content in arrays.items():
                (temporary / name).write_bytes(content)
            files = [temporary / name for name in arrays]
            entries = {
                file.name: file_entry(file.stat().st_size, digest)
                for file, digest in zip(files, file_digests(files), strict=True)
            }
            (temporary / "report.json").write_text(sealed({FILES: entries}))

        write_folder_atomically(folder, write)
        answers.append("made")
        return read()

    return read_or_make(folder, read, make)


def outcomes(cache: Path) -> dict[str, int]:
    tally = read_tally(cache)
    assert tally is not None
    return {outcome: number for (folder, outcome), number in tally.items() if folder == "banks" and number}


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged by ours; the server in this process logs its requests."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("nas")]


def test_what_one_node_makes_another_fetches(node, caplog):
    caplog.set_level(logging.INFO, "nas")
    one, two = node("one"), node("two")
    assert bank(one) == "made"
    assert (bank(two), bank(two)) == ("read", "read")
    assert outcomes(one) == {"made": 1}
    assert outcomes(two) == {"fetched": 1, "hit": 1}
    assert [text.split()[:2] for text in said(caplog)] == [["published", "0123abcd"], ["fetched", "0123abcd"]]


def test_an_entry_is_published_once_whatever_becomes_of_the_caches(node, bucket, tmp_path):
    one = node("one")
    bank(one)
    before = Remote(bucket).list()
    shutil.rmtree(one / "banks")
    assert bank(one) == "read"
    assert Remote(bucket).list() == before
    assert len(before) == len(ARRAYS) + 2  # the report, and the manifest


def test_documents_and_pairs_of_files_travel_too(node):
    one, two = node("one"), node("two")
    document = {"mean": [0.1, 0.25], "about": "scenes"}
    assert made_once(one / "statistics" / "key.json", lambda: document) == document
    assert made_once(two / "statistics" / "key.json", lambda: pytest.fail("it was fetched")) == document

    def backbone(cache: Path) -> bytes:
        path = cache / "backbones" / "key.safetensors"

        def read() -> bytes:
            check_files(path.parent, read_sealed(path.with_suffix(".json")))
            return path.read_bytes()

        def make() -> bytes:
            assert cache == one
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"weights")
            entry = file_entry(7, file_digests([path])[0])
            path.with_suffix(".json").write_text(sealed({FILES: {path.name: entry}}))
            return read()

        return read_or_make(path, read, make)

    assert backbone(one) == backbone(two) == b"weights"


@pytest.mark.parametrize("damage", ["flipped", "gone", "manifest", "foreign", "cut"])
def test_what_is_damaged_in_the_storage_is_set_aside_and_published_anew(node, bucket, caplog, damage):
    one, two, three = node("one"), node("two"), node("three")
    bank(one)
    remote = Remote(bucket)
    digest = file_digests([one / "banks" / "0123abcd" / "train.npy"])[0]
    content, manifest = f"cache/banks/0123abcd/{digest}", "cache/banks/0123abcd/manifest.json"
    if damage == "flipped":
        remote.write(content, b"y" + ARRAYS["train.npy"][1:])
    elif damage == "cut":
        remote.write(content, ARRAYS["train.npy"][:10])
    elif damage == "gone":
        remote.set_aside(content)
    elif damage == "manifest":
        remote.write(manifest, (remote.read(manifest) or b"").replace(b"0000", b"0001", 1))
    else:
        written = json.loads(remote.read(manifest) or b"")
        written[FILES] = {"../../elsewhere": written[FILES]["train.npy"]}
        del written["checksum"]
        remote.write(manifest, sealed(written).encode())
    assert bank(two) == "made"
    assert outcomes(two) == {"broken": 1, "made": 1}
    assert any("it is set aside there and made anew" in text for text in said(caplog))
    assert f"{manifest}.broken" in remote.list()
    assert bank(three) == "read"
    assert not (two.parent / "elsewhere").exists()


def test_what_is_published_and_of_no_use_is_replaced(node, bucket):
    """Of an earlier version, say: its checksums are right, and whoever reads it refuses it."""
    one, two, three = node("one"), node("two"), node("three")
    folder = one / "banks" / "0123abcd"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(sealed({"of": "an earlier version"}))
    behind = shared.shared_by(folder)
    assert behind is not None
    assert behind.publish(folder)
    assert bank(two) == "made"
    assert outcomes(two) == {"broken": 1, "made": 1}
    assert bank(three) == "read"


def test_a_publisher_that_was_cut_off_is_made_good(node, bucket):
    """A file of its is there in part, and no manifest: nobody reads it, and the next one writes it anew."""
    one, two = node("one"), node("two")
    share(one, None)
    bank(one)
    digest = file_digests([one / "banks" / "0123abcd" / "train.npy"])[0]
    Remote(bucket).write(f"cache/banks/0123abcd/{digest}", b"xx")
    assert bank(two) == "made"
    shutil.rmtree(two / "banks")
    assert bank(two) == "read"


def test_nodes_that_publish_different_bytes_at_once_do_no_harm(node, bucket, monkeypatch):
    """Each manifest names its own content, so whichever is written last is whole."""
    one, two, three = node("one"), node("two"), node("three")
    both = threading.Barrier(2)
    upload = shared.SharedCache._upload

    def together(self: shared.SharedCache, path: Path) -> None:
        both.wait(30)
        upload(self, path)

    monkeypatch.setattr(shared.SharedCache, "_upload", together)
    other = ARRAYS | {"val.npy": b"other bits"}
    threads = [threading.Thread(target=bank, args=arguments) for arguments in ((one, ARRAYS), (two, other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    folder = three / "banks" / "0123abcd"
    behind = shared.shared_by(folder)
    assert behind is not None
    assert behind.fetch(folder)
    check_files(folder, read_sealed(folder / "report.json"))
    assert (folder / "val.npy").read_bytes() in (ARRAYS["val.npy"], other["val.npy"])


def test_a_storage_that_is_away_costs_one_sentence_and_no_work(node, caplog, monkeypatch):
    monkeypatch.setattr(aids, "_said", set())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    one = node("one")
    assert bank(one) == "made"
    for number in range(5):
        made_once(one / "statistics" / f"{number}.json", lambda: {"a": 1})
    (sentence,) = said(caplog)
    assert "s3://" in sentence
    assert "cannot be used" in sentence
    assert sentence.endswith("nothing is fetched or published")


@pytest.mark.parametrize("url", ["s3://no-such-bucket/x", "nonsense://x", "file:///proc/nothing"])
def test_a_storage_that_cannot_be_costs_no_work(node, caplog, monkeypatch, url):
    monkeypatch.setattr(aids, "_said", set())
    assert bank(node("one", url)) == "made"
    assert len([text for text in said(caplog) if url in text and "cannot be used" in text]) == 1


def test_without_its_package_the_storage_says_what_to_install(tmp_path):
    program = f"""
import logging, sys
logging.basicConfig(format="%(message)s")
sys.modules["s3fs"] = None
from pathlib import Path
from nas.cache.documents import made_once
from nas.cache.shared import share
cache = Path({str(tmp_path)!r})
share(cache, "s3://bucket/prefix")
print(made_once(cache / "statistics" / "a.json", lambda: {{"a": 1}}))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert ended.stdout == "{'a': 1}\n"
    assert ended.stderr.count("\n") == 1
    assert "pip install 'segnas[storage]'" in ended.stderr


def test_a_folder_that_nodes_share_is_a_storage_too(node, tmp_path):
    url = f"file://{tmp_path}/shared"
    assert bank(node("one", url)) == "made"
    assert bank(node("two", url)) == "read"


def test_what_is_held_in_memory_is_not_published(node, bucket):
    one = node("one")
    (one / "statistics").write_text("no folder")
    made_once(one / "statistics" / "key.json", lambda: {"a": 1})
    assert Remote(bucket).list() == {}


def test_a_full_disk_fetches_nothing_and_says_so(node, caplog, monkeypatch):
    monkeypatch.setattr(aids, "_said", set())
    one, two = node("one"), node("two")
    bank(one)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shared, "write_folder_atomically", full)
    assert bank(two) == "made"
    assert any("it is not fetched" in text and "No space left" in text for text in said(caplog))
