"""What a driver needs beside the service: the list is true, and `segnas[server]` brings all of it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from workers.cluster.requirements import DRIVER_IMPORTS, missing_modules, why_no_driver

ROOT = Path(__file__).parents[3]

DRIVER = """
import sys
{before}
import workers.driver.__main__, workers.driver.run, workers.trainables.trial, workers.trainables.run
import nas.training.evaluate, nas.training.prepare
print(*{{module.split(".")[0] for module in sys.modules}})
"""

BLOCKED = """
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "pyarrow":
            raise ModuleNotFoundError("blocked")
sys.meta_path.insert(0, Block())
"""


def test_nothing_is_missing_here():
    assert missing_modules() == []
    assert why_no_driver() is None


def test_what_is_missing_is_named_with_the_remedy(monkeypatch):
    find = importlib.util.find_spec
    absent = ("pyarrow", "torch")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in absent else find(name))
    assert missing_modules() == list(absent)
    said = why_no_driver()
    assert said is not None
    assert "without pyarrow, torch: pip install 'segnas[server]'" in said


@pytest.mark.slow
def test_a_driver_and_its_trials_import_all_of_the_list():
    loaded = run_driver("").stdout.split()
    assert set(DRIVER_IMPORTS) - {"aiohttp"} <= set(loaded)  # the job server's


@pytest.mark.slow
def test_without_one_of_them_no_driver_starts():
    ended = run_driver(BLOCKED)
    assert ended.returncode != 0
    assert "ray[tune]" in ended.stderr


def run_driver(before: str) -> subprocess.CompletedProcess[str]:
    code = DRIVER.format(before=before)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)


def test_the_extra_server_is_enough_for_the_service_and_what_it_starts():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras["server"] == ["segnas[api,worker]"]
    worker = " ".join(extras["worker"])
    for name in ("psutil", "ray[default,tune]", "safetensors", "torch"):
        assert name in worker
    assert not any("ray" in name or "torch" in name for name in extras["api"])
