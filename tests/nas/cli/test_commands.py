"""The command line against a real service; a user's mistakes are one sentence and an exit code."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from PIL import Image

from nas.cli import watching
from nas.results.status import SearchStatus, TrialStatus
from nas.schemas.searches import SearchPublic
from nas.store import Stage
from search_spaces import PUBLISHED_CELL, DenseCell, read_architecture, write_deeplab

ROOT = Path(__file__).parents[3]


@pytest.fixture
def spec(service, tmp_path):
    file = tmp_path / "spec.yaml"
    file.write_text(yaml.safe_dump(service.spec))
    return file


def one_sentence(result, code):
    ended, out, err = result
    assert ended == code, err
    assert out == ""
    assert err.startswith("segnas: ")
    assert len(err.strip().splitlines()) == 1
    return err


def test_submit_show_stop(segnas, service, spec):
    code, out, _ = segnas("submit", spec)
    assert code == 0
    search = out.strip()
    assert service.store.get_search(search).spec.name == "a search"
    for name in (search, search[:9], "latest"):
        code, out, _ = segnas("show", name)
        assert code == 0
        assert f"search  {search}  a search" in out
        assert "status  queued" in out
    assert json.loads(segnas("show", search, "--json")[1])["id"] == search
    assert segnas("stop", search)[1] == f"{search} stopped\n"
    assert search in segnas("searches")[1]
    assert json.loads(segnas("searches", "--json")[1])[0]["id"] == search


def test_a_key_gives_the_same_search(segnas, spec):
    first, second = (segnas("submit", spec, "--key", "mine")[1] for _ in range(2))
    assert first == second


def test_a_dry_run_prints_the_whole_spec_and_sends_nothing(segnas, service, spec):
    before = service.store.list_searches(limit=1).items
    code, out, _ = segnas("submit", spec, "--dry-run", "--json")
    assert code == 0
    assert json.loads(out)["spec"]["fidelity"]["batch"] == 8
    assert service.store.list_searches(limit=1).items == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: x\nfidelity: {dataset: scenes, rung: [1]}", "fidelity.rung: unknown field; did you mean rungs?"),
        ("name: x\nfidelity: {dataset: scenes, class_weighting: .nan}", "fidelity.class_weighting: Input should be a"),
        ("name: x\nname: y", "line 2, column 1: the key 'name' stands here twice"),
        ("name: [", "is not YAML, line 1"),
        ("- a list", "must hold a mapping of fields, not list"),
        ("", "has no fields in it"),
        ("? [a, b]\n: 1", "is not YAML"),
        ("name: x\nfidelity: {dataset: other}", "known are: scenes"),
        ("a: !!python/object:os.system {}", "is not YAML"),
    ],
)
def test_a_wrong_spec_is_told_by_field(segnas, tmp_path, text, sentence):
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    code = 2 if "fidelity" in text else 1
    assert sentence in one_sentence(segnas("submit", file), code)


def test_a_spec_comes_from_standard_input(segnas, service, monkeypatch):
    def given(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    given(yaml.safe_dump(service.spec))
    code, out, _ = segnas("submit", "-")
    assert code == 0
    assert service.store.get_search(out.strip()).spec.name == "a search"
    given("name: x\nfidelity: {dataset: scenes, rung: [1]}")
    assert "segnas: standard input: fidelity.rung: unknown" in one_sentence(segnas("submit", "-"), 2)
    given("name: [")
    assert "standard input is not YAML, line 1" in one_sentence(segnas("calibrate", "-"), 1)
    given("- a list")
    assert "standard input must hold a mapping" in one_sentence(segnas("full-scale", "s0", "--fidelity", "-"), 1)


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("command", [(), ("submit",), ("data",), ("data", "add"), ("weights", "list"), ("doctor",)])
def test_help_is_everywhere(segnas, command, option):
    code, out, _ = segnas(*command, option)
    assert code == 0
    assert "Usage:" in out


def test_the_version(segnas):
    assert segnas("--version") == (0, f"segnas {version('segnas')}\n", "")


def test_text_of_others_means_nothing_to_the_terminal(segnas, service, tmp_path):
    evil = "a\u202eb\x9b2J\u2028c"
    shown = r"a\u202eb\x9b2J\u2028c"
    search = service.search(name=evil)
    service.trial(search, 0, 0.25)
    service.store.finish_trial(search, 0, 1, TrialStatus.FAILED, "bad\x1b[2J\r\nforged")
    service.store.set_stage(search, 1, Stage(evil, 1, 10))
    service.store.finish_search(search, 1, SearchStatus.FAILED, "gone\x1b]0;title\x07\nforged")
    for arguments in (("searches",), ("show", search), ("trials", search), ("watch", search)):
        _, out, err = segnas(*arguments)
        assert all(c.isprintable() or c == "\n" for c in out + err), arguments
        assert not any(line.startswith("forged") for line in out.splitlines()), arguments
    assert shown in segnas("searches")[1]
    assert f"search  {search}  {shown}" in segnas("show", search)[1]
    assert r"bad\x1b[2J\r\nforged" in segnas("trials", search)[1]
    assert r"gone\x1b]0;title\x07\nforged" in segnas("watch", search)[1]
    assert r"no search '\x1b[2J'" in one_sentence(segnas("show", "\x1b[2J"), 1)
    assert evil in json.loads(segnas("show", search, "--json")[1])["name"]


def test_other_mistakes(segnas, spec, monkeypatch, tmp_path):
    assert "cannot be read" in one_sentence(segnas("submit", tmp_path / "none.yaml"), 1)
    assert "there is no search 'zz'" in one_sentence(segnas("show", "zz"), 1)
    assert "there is no search 's000000000000'" in one_sentence(segnas("trials", "s000000000000"), 1)
    segnas("submit", spec)
    segnas("submit", spec)
    assert "searches begin with 's'" in one_sentence(segnas("stop", "s"), 1)
    assert segnas("fly")[0] == 2
    assert segnas("trials")[0] == 2
    assert segnas("data", "generate", tmp_path / "d", "--size", "big")[0] == 2
    monkeypatch.setenv("SEGNAS_PORT", "many")
    assert "configuration: port" in one_sentence(segnas("searches"), 1)
    monkeypatch.delenv("SEGNAS_PORT")
    monkeypatch.setenv("SEGNAS_URL", "http://127.0.0.1:9")
    assert "no service answers at http://127.0.0.1:9" in one_sentence(segnas("searches"), 1)


def test_trials_and_exports(segnas, service, tmp_path):
    search = service.search(name="[bold]not markup[/bold]")
    for number, score in enumerate((0.25, 0.75, 0.5)):
        service.trial(search, number, score / 2, score, end=TrialStatus.COMPLETED)
    service.trial(search, 3)
    service.store.finish_trial(search, 3, 1, TrialStatus.FAILED, "the loss is NaN [x]")
    assert "[bold]not markup[/bold]" in segnas("searches")[1]
    lines = segnas("trials", search)[1].splitlines()
    assert [line.split()[0] for line in lines if line.startswith("#")] == ["#0", "#1", "#2", "#3"]
    assert any("the loss is NaN [x]" in line for line in lines)
    top = json.loads(segnas("trials", search, "--top", 2, "--json")[1])
    assert [trial["number"] for trial in top] == [1, 2]
    assert len(json.loads(segnas("trials", search, "--top", 9, "--json")[1])) == 3
    sorted_by = json.loads(segnas("trials", search, "--sort", "-miou", "--json")[1])
    assert [trial["number"] for trial in sorted_by] == [1, 2, 0, 3]
    assert "not 'colour'" in one_sentence(segnas("trials", search, "--sort", "colour"), 2)
    table = list(csv.reader(segnas("trials", search, "--csv")[1].splitlines()))
    rungs = [f"score_{rung}" for rung in service.spec["fidelity"]["rungs"]]
    last = ["value", "parameters", "multiply_adds", "latency_ms", "device_seconds", "seed"]
    assert table[0] == ["number", "status", "architecture", *rungs, *last]
    assert [row[0:2] + row[3:5] for row in table[1:]] == [
        ["0", "completed", "0.125", "0.25"],
        ["1", "completed", "0.375", "0.75"],
        ["2", "completed", "0.25", "0.5"],
        ["3", "failed", "", ""],
    ]
    best_first = segnas("trials", search, "--top", 1, "--csv")[1].splitlines()
    assert best_first[1].startswith("1,completed,")
    assert "--json and --csv are two formats" in one_sentence(segnas("trials", search, "--json", "--csv"), 2)
    assert "best  0.7500 mIoU (trial 1 at iteration 200)" in segnas("show", search)[1]

    best = tmp_path / "best.json"
    assert segnas("export", search, "-o", best) == (0, f"wrote {best}\n", "")
    assert read_architecture(best).provenance.trial == 1
    other = json.loads(segnas("export", search, "--trial", 0)[1])
    assert other["provenance"]["trial"] == 0
    cell = read_architecture(other).architecture
    assert isinstance(cell, DenseCell)
    assert json.loads(segnas("export", search, "--trial", 0, "--format", "deeplab")[1]) == write_deeplab(cell)
    assert "there is no trial 9" in one_sentence(segnas("export", search, "--trial", 9), 1)


@pytest.fixture
def when_seen(monkeypatch):
    """Runs something in a thread once the watcher has shown the search for the first time."""

    def arrange(action: Callable[[], object]) -> None:
        show = watching._EventLines.search
        once = threading.Thread(target=action)

        def seen(self: watching._EventLines, search: SearchPublic) -> None:
            show(self, search)
            if once.ident is None:
                once.start()

        monkeypatch.setattr(watching._EventLines, "search", seen)

    return arrange


def test_watching_a_search_to_its_end(segnas, service, when_seen):
    search = service.search()
    service.store.set_stage(search, 1, Stage("features", 3, 10))

    def drive() -> None:
        service.trial(search, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
        service.finish(search)

    when_seen(drive)
    code, out, _ = segnas("watch", search)
    assert code == 0
    assert out.splitlines() == [
        "running",
        "features: 30 %",
        "trial 0 completed 0.5000 at 200, 2.0 s",
        f"{search} completed",
        "best 0.5000 mIoU (trial 0 at iteration 200)",
        f"next: segnas export {search} -o best.json",
    ]


def test_watching_a_search_that_fails(segnas, service):
    search = service.search()
    service.store.finish_search(search, 1, SearchStatus.FAILED, "no data")
    code, out, _ = segnas("watch", search)
    assert code == 1
    assert f"{search} failed: no data" in out


def test_submit_and_watch_in_one(segnas, service, spec, when_seen):
    def stop_the_newest() -> None:
        (newest,) = service.store.list_searches(limit=1).items
        service.http.post(f"/v1/searches/{newest.id}/stop")

    when_seen(stop_the_newest)
    code, out, _ = segnas("submit", spec, "--watch", "--key", "watched")
    assert code == 1
    assert f"live at {service.url}/#/s" in out
    assert "stopped: stopped before it began" in out


def test_links_are_those_that_people_use(serve, home, command_at, spec, when_seen):
    """The command may reach the service by an address that nobody else knows, as within a container."""
    service = serve(home.model_copy(update={"public_url": "https://nas.example/"}))

    def stop_the_newest() -> None:
        (newest,) = service.store.list_searches(limit=1).items
        service.http.post(f"/v1/searches/{newest.id}/stop")

    when_seen(stop_the_newest)
    _, out, _ = command_at(service.url)("submit", spec, "--watch")
    assert re.search(r"live at https://nas\.example/#/s[0-9a-f]{12}$", out, re.MULTILINE)
    assert service.url not in out


def test_data_is_generated_and_inspected(segnas, tmp_path, monkeypatch):
    folder = tmp_path / "scenes"
    code, out, _ = segnas(
        "data", "generate", folder, "--images", 4, "--val-images", 2, "--size", "128x256", "--seed", 1
    )
    assert code == 0
    assert f"segnas data add scenes {folder}" in out
    picture = tmp_path / "mosaic.png"
    code, out, _ = segnas("data", "inspect", folder, "--mosaic", picture)
    assert code == 0
    assert f"samples in {picture}" in out
    with Image.open(picture) as mosaic:
        assert mosaic.format == "PNG"
    assert "train: 4 images (4 read: 128x256)" in out
    assert "val: 2 images (2 read: 128x256)" in out
    shares = [float(line.split("%")[0].split()[-1]) for line in out.splitlines() if line.count("%") == 2]
    assert len(shares) == 19
    assert sum(shares) == pytest.approx(100, abs=0.2)
    assert "neither a folder nor a registered data set; registered: none" in one_sentence(
        segnas("data", "inspect", "scenes"), 1
    )
    monkeypatch.setenv("SEGNAS_DATASETS", json.dumps({"scenes": {"layout": "cityscapes", "root": str(folder)}}))
    assert segnas("data", "inspect", "scenes", "--images", 1)[0] == 0
    assert "has no images with masks" in one_sentence(segnas("data", "inspect", tmp_path), 1)


def test_retrain_says_what_is_missing(segnas, tmp_path, spec):
    file = tmp_path / "cell.json"
    common = ("--dataset", "scenes", "--fidelity", spec, "--output", tmp_path / "out")
    assert "cannot be read" in one_sentence(segnas("retrain", file, *common), 1)
    file.write_text(json.dumps(write_deeplab(PUBLISHED_CELL)))
    assert "data set 'scenes' is not registered; known: none" in one_sentence(segnas("retrain", file, *common), 1)
    spec.write_text("rungs: [2, 1]")
    assert "rungs must be strictly ascending" in one_sentence(segnas("retrain", file, *common), 2)


@pytest.mark.slow
def test_help_needs_neither_torch_nor_the_service():
    code = (
        "import sys; sys.argv = ['segnas', '--help']; from nas.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'numpy', 'sqlalchemy', 'ray', 'fastapi', 'optuna'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip().endswith("[]")
