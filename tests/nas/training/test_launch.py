"""Retraining in two processes of this machine, started from the command line and from Python."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from nas.results.measurement import TrialError
from nas.specs import Fidelity
from nas.training.full_image import FullImageSpec
from nas.training.launch import Retraining, _cause, _Died, _Failed, devices_of, launch
from nas.training.loggers import TensorBoardLogger, open_logger
from nas.training.prepare import prepare
from nas.training.retrained import load_retrained
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.document import read_architecture, write_document

CPU = torch.device("cpu")


USERS_LOGGER = """
import json, os
from pathlib import Path

class Notes:
    def write(self, *line):
        with Path(os.environ["NOTES"]).open("a") as file:
            file.write(json.dumps(line) + "\\n")

    def on_start(self, description):
        self.write("start", description["step"], description["parameters"])

    def on_step(self, step, values):
        self.write("step", step, sorted(values))

    def on_measurement(self, measurement):
        self.write("measurement", measurement.iteration, measurement.score)

    def on_end(self, result):
        self.write("end", result["status"])
"""


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """The file that the callback `users_logger:Notes`, a module of the user's, writes a line to at each call."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "users_logger.py").write_text(USERS_LOGGER)
    monkeypatch.syspath_prepend(tmp_path / "modules")
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    yield tmp_path / "notes"
    sys.modules.pop("users_logger", None)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def asked(fidelity, workspace, tmp_path):
    """A head without dropout; its batch norms see half a batch in each of two processes."""
    prepare(fidelity, workspace, device=CPU)
    update = {"rungs": (6, 14), "head": fidelity.head.model_copy(update={"dropout": 0.0}), "ema": 0.5}
    document = read_architecture(write_document(PUBLISHED_CELL))
    return Retraining(document, fidelity.model_copy(update=update), workspace, tmp_path / "out", device="cpu")


def with_changes(asked: Retraining, **changes: Any) -> Retraining:
    return Retraining(**{**asked.__dict__, **changes})


@pytest.fixture
def command(asked, tmp_path, tiny_root, notes):
    """Start `python -m nas.training retrain` with two processes, for so many steps."""
    (tmp_path / "cell.json").write_text(json.dumps(write_document(PUBLISHED_CELL)))
    running = []

    def start(fidelity: Fidelity, output: Path) -> subprocess.Popen[str]:
        (tmp_path / "fidelity.json").write_text(fidelity.model_dump_json())
        arguments = [
            *(sys.executable, "-m", "nas.training", "retrain", str(tmp_path / "cell.json")),
            *("--fidelity", str(tmp_path / "fidelity.json"), "--dataset", f"tiny=cityscapes:{tiny_root}"),
            *("--cache", str(asked.workspace.cache), "--output", str(output), "--device", "cpu", "--threads", "1"),
            *("--checkpoint-seconds", "0", "--processes", "2", "--log", "users_logger:Notes"),
        ]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
        running.append(
            subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
        )
        wait_for(lambda: steps_done(output / "checkpoint.pt") >= 6)
        return running[0]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_two_processes_train_one_network(asked, tmp_path, notes):
    two = with_changes(asked, callbacks=(open_logger("users_logger:Notes"),), evaluation=FullImageSpec())
    stages = []
    measured = launch(two, 2, lambda *stage: stages.append(stage))
    assert [m.iteration for m in measured] == [6, 14]
    assert stages[-1] == ("entire images", 5, 5)
    assert ("training", 14, 14) in stages
    start, *_, last = lines(notes)
    assert start == ["start", 0, measured[0].parameters]
    assert lines(notes)[1:-1] == [
        ["step", 6, ["learning_rate", "train_loss"]],
        ["measurement", 6, measured[0].score],
        ["step", 14, ["learning_rate", "train_loss"]],
        ["measurement", 14, measured[1].score],
    ]
    assert last == ["end", "finished"]
    metrics = json.loads((two.output / "metrics.json").read_text())
    assert metrics["processes"] == 2
    assert 0 < metrics["full_images"]["score"] <= 1
    assert metrics["cost"]["device_seconds"] == pytest.approx(2 * metrics["cost"]["seconds"])
    load_retrained(two.output)

    alone = launch(with_changes(asked, output=tmp_path / "alone"))
    one, other = (load_file(folder / "model.safetensors") for folder in (two.output, tmp_path / "alone"))
    assert one.keys() == other.keys()
    # Batch norms of half batches on a CPU: alike, not equal. What is equal without them: test_distributed.py.
    assert alone[-1].val_loss == pytest.approx(measured[-1].val_loss, rel=0.2)
    assert all(torch.equal(one[name], other[name]) for name in one if name.startswith("backbone."))


def test_an_interrupt_ends_all(asked, tmp_path, command, notes):
    victim = command(asked.fidelity.model_copy(update={"rungs": (100_000,)}), tmp_path / "long")
    children = shares_of(victim.pid)
    os.killpg(victim.pid, signal.SIGINT)
    _, error = victim.communicate(timeout=60)
    wait_for(lambda: not any(alive(child) for child in children))
    assert victim.returncode != 0
    assert lines(notes)[-1] == ["end", "interrupted"]
    assert "Traceback" not in error


def test_the_death_of_one_is_the_end_of_all(asked):
    children: list[psutil.Process] = []

    def kill_one(stage: str, done: int, total: int) -> None:
        if stage == "training" and done >= 6 and not children:
            children.extend(shares_of(os.getpid()))
            children[1].kill()

    endless = asked.fidelity.model_copy(update={"rungs": (100_000,)})
    with pytest.raises(ChildProcessError) as ended:
        launch(with_changes(asked, fidelity=endless), 2, kill_one)
    assert f"process {children[1].pid} of the training died (SIGKILL); the same command again" in str(ended.value)
    assert not any(alive(child) for child in children)


def test_the_cause_is_found_among_what_several_processes_meet():
    sentence = _Failed(TrialError("the training loss is not finite"), expected=True)
    died, waited = _Died("process 7 of the training died (SIGKILL)"), _Failed(RuntimeError("gloo"), expected=False)
    assert _cause([waited, died, sentence]) is sentence.error
    assert str(_cause([waited, died])) == f"{died.reason}; the same command again continues from its checkpoint"
    assert _cause([waited]) is waited.error


def test_what_is_refused_before_a_process_starts(asked, monkeypatch):
    with pytest.raises(ValueError, match="batch 4 cannot be shared by 3 processes: make it a multiple of them"):
        launch(asked, 3)

    class Local(TensorBoardLogger):
        """Not importable by another process."""

    with pytest.raises(ValueError, match="Local cannot be sent to the process that trains: open files"):
        launch(with_changes(asked, callbacks=(Local(Path("x")),)), 2)


def test_a_gpu_for_each_process(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert devices_of(None, 2) == devices_of("cuda", 2) == ["cuda:0", "cuda:1"]
    assert devices_of("cpu", 3) == ["cpu"] * 3
    with pytest.raises(ValueError, match="3 processes need a GPU each; this machine has 2"):
        devices_of(None, 3)
    with pytest.raises(ValueError, match="'cuda:1' is one GPU: with several processes say cuda"):
        devices_of("cuda:1", 2)


def shares_of(parent):
    """The processes that train, two of them, in the order in which they were started."""
    children = sorted(psutil.Process(parent).children(), key=lambda child: child.pid)
    shares = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    assert len(shares) == 2
    return shares


def alive(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def steps_done(checkpoint):
    if not checkpoint.exists():
        return 0
    return torch.load(checkpoint, weights_only=True)["state"]["loop"]["step"]
