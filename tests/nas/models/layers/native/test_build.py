"""Building kernels: once, by one process; what cannot be built is said in a sentence, and torch's operators serve."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nas.models.layers.native import build, choice, kernels, prepare_kernels, without_kernels
from nas.models.layers.native.build import BuildError, built, folder

COMPILER = shutil.which("c++")


@pytest.fixture(autouse=True)
def unsettled(tmp_path, monkeypatch):
    """A user without kernels, in a process that has not settled on any."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SEGNAS_NATIVE", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    with without_kernels():
        choice._chosen.clear()
        yield


def compiler(tmp_path, script):
    """A compiler that is this shell script."""
    path = tmp_path / "compiler"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_without_a_compiler(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    reason = prepare_kernels("heads")
    assert reason is not None
    assert "no C++ compiler (no-such-compiler)" in reason
    assert kernels("heads") is None
    assert not folder("heads").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are built on Linux only")
def test_a_compiler_that_fails_is_asked_once(tmp_path, monkeypatch):
    calls = tmp_path / "calls"
    says = (
        f'case "$*" in *heads*) echo called >>{calls}; echo "x.cpp:1: error: no luck"; exit 1;; esac\necho "(GCC) 12"'
    )
    monkeypatch.setenv("CXX", compiler(tmp_path, says))
    for _ in range(2):
        reason = prepare_kernels("heads")
        assert reason is not None
        assert "no luck" in reason
        assert str(folder("heads")) in reason
    assert calls.read_text().split() == ["called"]
    long_ago = time.time() - build.SECONDS_BEFORE_ANOTHER - 1
    os.utime(folder("heads") / build.FAILED, (long_ago, long_ago))
    assert "no luck" in str(prepare_kernels("heads"))
    assert calls.read_text().split() == ["called", "called"]


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    if COMPILER is None:
        monkeypatch.setenv("CXX", "sh")
    (tmp_path / "cache").write_text("a file")
    assert "cannot be written" in str(prepare_kernels("heads"))


def test_no_home_folder(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError))
    assert "no home folder" in str(prepare_kernels("heads"))
    with pytest.raises(BuildError):
        folder("heads")


def test_a_library_that_is_damaged(tmp_path):
    place = folder("heads")
    place.mkdir(parents=True)
    (place / build.LIBRARY).write_text("no library")
    (place / build.COMPILER).write_text("c++ 12")
    assert "cannot be loaded" in str(prepare_kernels("heads"))
    assert kernels("heads") is None


@pytest.mark.parametrize("value", ["false", "0", "off", "No"])
def test_the_setting_turns_them_off(monkeypatch, value):
    monkeypatch.setenv("SEGNAS_NATIVE", value)
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert prepare_kernels("heads") is None
    assert kernels("heads") is None


def test_a_workspace_turns_them_off(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert prepare_kernels("heads", allowed=False) is None
    assert kernels("heads") is None


def test_nothing_is_built_unasked():
    assert kernels("heads") is None
    assert built(folder("heads")) is None


def test_another_source_torch_or_part_has_another_folder(monkeypatch):
    folders = {folder("heads"), folder("supernet")}
    monkeypatch.setattr(build, "FLAGS", ("-O1",))
    folders.add(folder("heads"))
    monkeypatch.setattr("torch.__version__", "9.9")
    folders.add(folder("heads"))
    assert len(folders) == 4


@pytest.mark.skipif(COMPILER is None or sys.platform != "linux", reason="there is no C++ compiler here")
def test_concurrent_processes_compile_once_and_load_what_was_compiled(tmp_path):
    calls = tmp_path / "calls"
    log = f'case "$*" in *-c*) echo called >>{calls};; esac\nexec {COMPILER} "$@"'
    code = (
        "from nas.models.layers.native import kernels, prepare_kernels\n"
        "print(prepare_kernels('heads'), kernels('heads').identity)"
    )
    environment = os.environ | {"CXX": compiler(tmp_path, log)}
    processes = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = {process.communicate(timeout=280)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert len(said) == 1
    assert said.pop().startswith(f"None {folder('heads').name}, ")
    assert calls.read_text().split() == ["called"]
