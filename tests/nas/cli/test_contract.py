"""What scripts rely on: JSON and nothing else, exit codes, plain text in a pipe, completion by a shell."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from nas.cli import service as cli_service
from nas.cli.app import PANELS, app
from nas.results.status import SearchStatus, TrialStatus
from tests.test_surface import _commands

PROGRAM = (sys.executable, "-c", "import sys; sys.argv[0] = 'segnas'; from nas.cli import main; main()")
WITHOUT_JSON = {"serve"}
"""Prints no result, but a log."""


@pytest.fixture
def search(service):
    made = service.search()
    service.trial(made, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    service.trial(made, 1, 0.2)
    return made


@pytest.fixture
def spec(service, tmp_path):
    file = tmp_path / "spec.yaml"
    file.write_text(yaml.safe_dump(service.spec))
    return file


def document(result: tuple[int, str, str]) -> Any:
    """The only JSON document on standard output; nothing is on standard error."""
    code, out, err = result
    assert (code, err) == (0, "")
    return json.loads(out)


def test_every_command_that_prints_a_result_has_json():
    root = typer.main.get_command(app)
    without = {
        name for name, command in _commands("", root) if "--json" not in {o for p in command.params for o in p.opts}
    }
    assert without == WITHOUT_JSON


def test_every_command_has_its_place_in_the_help(segnas):
    _, out, _ = segnas("--help")
    for panel, commands in PANELS.items():
        section = out[out.index(f"─ {panel} ─") :]
        section = section[: section.index("╰")]
        assert all(re.search(rf"│ {name} ", section) for name in commands), panel
    assert "─ Commands ─" not in out


def test_json_is_one_document(segnas, search, spec, tmp_path):
    assert document(segnas("searches", "--json"))[0]["id"] == search
    assert document(segnas("show", search, "--json"))["best"]["score"] == 0.5
    assert [trial["number"] for trial in document(segnas("trials", search, "--json"))] == [0, 1]
    assert document(segnas("pause", search, "--json"))["status"] == "pausing"
    assert document(segnas("stop", search, "--json"))["status"] == "stopping"
    edited = document(segnas("edit", search, "--name", "renamed", "--json"))
    assert edited["name"] == "renamed"
    best = tmp_path / "best.json"
    assert document(segnas("export", search, "-o", best, "--json")) == {"wrote": [str(best)]}
    assert document(segnas("draw", best, "--json"))["svg"].startswith("<svg")
    picture = tmp_path / "best.svg"
    assert document(segnas("draw", best, "-o", picture, "--json")) == {"wrote": [str(picture)]}
    assert picture.read_text().startswith("<svg")
    started = document(segnas("submit", spec, "--json"))
    assert started["status"] == "queued"
    assert document(segnas("logs", started["id"], "--json")) == {"search": started["id"], "log": ""}
    assert document(segnas("stop", started["id"], "--json"))["status"] == "stopped"
    assert document(segnas("delete", started["id"], "--yes", "--json")) == {"deleted": started["id"]}
    assert document(segnas("data", "list", "--json")) == []
    assert document(segnas("cache", "verify", "--cache", tmp_path, "--json"))["broken"] == []
    assert document(segnas("cache", "prune", "--cache", tmp_path, "--json"))["entries"] == []


def test_data_sets_as_json(segnas, tmp_path):
    folder = tmp_path / "scenes"
    code, out, _ = segnas("data", "generate", folder, "--images", 4, "--val-images", 2, "--size", "128x256", "--json")
    assert (code, json.loads(out)) == (0, {"folder": str(folder)})
    code, out, _ = segnas("data", "add", "mine", folder, "--json")
    added = json.loads(out)
    assert (code, added["name"], added["layout"]) == (0, "mine", "cityscapes")
    assert [split["items"] for split in added["splits"]] == [4, 2]
    code, out, _ = segnas("data", "inspect", "mine", "--json")
    assert json.loads(out)["classes"][:2] == ["road", "sidewalk"]
    assert document(segnas("data", "list", "--json"))[0]["name"] == "mine"
    assert cli_service.complete_dataset("m") == ["mine"]
    assert document(segnas("data", "remove", "mine", "--json")) == {"removed": "mine"}


def test_a_watched_search_as_json_has_its_progress_beside_it(segnas, service, search):
    service.finish(search)
    code, out, err = segnas("watch", search, "--json")
    assert (code, json.loads(out)["status"]) == (0, "completed")
    assert "trial 0 completed 0.5000 at 200" in err


@pytest.mark.parametrize(
    ("end", "code"), [(SearchStatus.COMPLETED, 0), (SearchStatus.FAILED, 1), (SearchStatus.STOPPED, 1)]
)
def test_the_exit_code_says_how_a_search_ended(segnas, service, end, code):
    search = service.search()
    service.store.finish_search(search, 1, end, "as it was")
    assert segnas("watch", search)[0] == code


def test_wrong_input_is_2_and_a_failure_1(segnas, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("name: x\nfidelity: {dataset: scenes, rung: [1]}")
    assert segnas("submit", wrong)[0] == 2  # the file
    assert segnas("submit", wrong, "--no-such-option")[0] == 2  # the command line
    wrong.write_text("name: x\nfidelity: {dataset: nothing}")
    assert segnas("submit", wrong)[0] == 2  # the service refuses a field
    assert segnas("show", "s000000000000")[0] == 1


def started(*arguments: str, url: str, **options: Any) -> subprocess.Popen[str]:
    environment = {"SEGNAS_URL": url, "PATH": os.environ["PATH"], "TERM": "xterm-256color", "HOME": "/nonexistent"}
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        env={**environment, **options.pop("env", {})},
        cwd=Path(__file__).parents[3],
        text=True,
        # A run of the tests in the background of a shell ignores Ctrl-C, and so would its processes.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        **options,
    )


@pytest.mark.slow
def test_ctrl_c_leaves_the_search_and_is_130(service):
    search = service.search()
    watching = started("watch", search, url=service.url, stdout=subprocess.PIPE)
    assert watching.stdout is not None
    assert watching.stdout.readline() == "running\n"
    watching.send_signal(signal.SIGINT)
    out, _ = watching.communicate(timeout=60)
    assert (watching.returncode, out) == (
        130,
        f"\nthe search continues: segnas watch {search}, or segnas stop {search}\n",
    )
    assert service.store.get_search(search).status is SearchStatus.RUNNING


@pytest.mark.slow
def test_a_terminal_keeps_its_cursor(service):
    """Bars hide it; whoever ends the command from elsewhere does not leave it so."""
    leader, follower = pty.openpty()
    watching = started("watch", service.search(), url=service.url, stdout=follower, env={"TERM": "xterm"})
    os.close(follower)
    text, until = b"", time.monotonic() + 60
    while b"running" not in text and time.monotonic() < until:
        text += os.read(leader, 65536) if select.select([leader], [], [], 0.2)[0] else b""
    watching.send_signal(signal.SIGTERM)
    with contextlib.suppress(OSError):
        while more := os.read(leader, 65536):
            text += more
    os.close(leader)
    assert watching.wait(timeout=60) == 128 + signal.SIGTERM
    assert b"\x1b[?25l" in text, "hidden"
    assert text.rindex(b"\x1b[?25h") > text.rindex(b"\x1b[?25l"), "shown again"


def in_terminal(service, search: str, **env: str) -> str:
    """What `segnas trials` writes into a terminal of 80 columns."""
    leader, follower = pty.openpty()
    showing = started("trials", search, url=service.url, stdout=follower, env={"COLUMNS": "80", **env})
    os.close(follower)
    text, until = b"", time.monotonic() + 60
    while time.monotonic() < until:
        if select.select([leader], [], [], 0.2)[0]:
            try:
                text += os.read(leader, 65536)
            except OSError:  # Linux's way to say that the other side is closed
                break
        elif showing.poll() is not None:
            break
    os.close(leader)
    assert showing.wait(timeout=60) == 0
    return text.decode()


@pytest.mark.slow
def test_colours_only_where_they_are_wanted(service, search, segnas):
    assert "\x1b[1m" in in_terminal(service, search), "the heading is bold"
    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|38|9[0-7])[0-9;]*m", in_terminal(service, search, NO_COLOR="1"))
    for arguments in (("trials", search), ("show", search), ("searches",), ("--help",)):
        assert "\x1b" not in segnas(*arguments)[1], "a pipe gets plain text"


def test_searches_are_completed(segnas, service, search, monkeypatch):
    monkeypatch.setenv("SEGNAS_URL", service.url)
    found = dict(cli_service.complete_search(search[:6]))
    assert found[search] == "a search, running"
    assert "latest" in dict(cli_service.complete_search("la"))
    monkeypatch.setenv("SEGNAS_URL", "http://127.0.0.1:9")
    assert cli_service.complete_search("s") == []


@pytest.mark.slow
def test_a_shell_completes(service, search):
    words = {"COMP_WORDS": f"segnas show {search[:8]}", "COMP_CWORD": "2", "_SEGNAS_COMPLETE": "complete_bash"}
    completing = started(url=service.url, stdout=subprocess.PIPE, env=words)
    out, _ = completing.communicate(timeout=60)
    assert out.split() == [search]
    words = {"COMP_WORDS": "segnas ful", "COMP_CWORD": "1", "_SEGNAS_COMPLETE": "complete_bash"}
    out, _ = started(url=service.url, stdout=subprocess.PIPE, env=words).communicate(timeout=60)
    assert out.split() == ["full-scale"]
