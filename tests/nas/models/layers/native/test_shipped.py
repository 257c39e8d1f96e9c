"""Kernels that an image brings: of the best level that a processor has, for this torch and these sources alone."""

import platform
import shutil
from typing import get_args

import pytest
import torch

from nas.models.layers.depthwise import DepthwiseAtrous
from nas.models.layers.native import build, choice, kernels, prepare_kernels, shipped, without_kernels
from nas.models.layers.native.library import Part

HASWELL = "fma movbe f16c abm bmi1 avx2 bmi2"
SKYLAKE_SERVER = f"{HASWELL} avx512f avx512dq avx512cd avx512bw avx512vl"

x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="kernels are shipped for x86-64 only")


@pytest.fixture(autouse=True)
def unsettled(tmp_path, monkeypatch):
    """A machine without a compiler, a user without kernels, a package in which none are shipped."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.delenv("SEGNAS_NATIVE", raising=False)
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "shipped")
    with without_kernels():
        choice._chosen.clear()
        yield


def has(monkeypatch, instructions):
    monkeypatch.setattr(shipped, "processor", lambda: f"model name\t: a CPU\nflags\t\t: fpu sse4_2 {instructions}\n")


def put(part, level):
    """Ship a file that is no library; the folder in which it lies."""
    place = shipped._folder(part, level)
    place.mkdir(parents=True)
    (place / build.LIBRARY).write_text("no library")
    (place / build.COMPILER).write_text("c++ 12")
    return place


@x86_64
@pytest.mark.parametrize(
    ("instructions", "levels"),
    [
        ("avx", []),
        (HASWELL.replace("fma ", ""), []),
        (HASWELL, ["x86-64-v3"]),
        (SKYLAKE_SERVER.replace("avx512vl", ""), ["x86-64-v3"]),
        (f"{SKYLAKE_SERVER} avx512_bf16", ["x86-64-v4", "x86-64-v3"]),
    ],
)
def test_levels_are_those_whose_instructions_the_processor_has(monkeypatch, instructions, levels):
    has(monkeypatch, instructions)
    assert shipped.levels_here() == levels


def test_another_machine_has_no_level(monkeypatch):
    has(monkeypatch, SKYLAKE_SERVER)
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert shipped.levels_here() == []


@x86_64
def test_the_best_level_is_taken_and_only_of_this_torch_and_part(monkeypatch):
    has(monkeypatch, SKYLAKE_SERVER)
    assert shipped.shipped("heads") is None
    slower = put("heads", "x86-64-v3")
    assert shipped.shipped("heads") == (slower / build.LIBRARY, "c++ 12")
    best = put("heads", "x86-64-v4")
    assert shipped.shipped("heads") == (best / build.LIBRARY, "c++ 12")
    assert shipped.shipped("supernet") is None
    has(monkeypatch, HASWELL)
    assert shipped.shipped("heads") == (slower / build.LIBRARY, "c++ 12")
    monkeypatch.setattr("torch.__version__", "9.9")
    assert shipped.shipped("heads") is None


@x86_64
def test_a_processor_that_is_too_old_says_why_it_is_slow(monkeypatch):
    put("heads", "x86-64-v3")
    has(monkeypatch, "avx")
    assert "there is no C++ compiler (no-such-compiler)" in str(prepare_kernels("heads"))
    assert kernels("heads") is None


@x86_64
def test_a_shipped_library_that_is_damaged_is_said(monkeypatch):
    put("heads", "x86-64-v3")
    has(monkeypatch, HASWELL)
    assert "cannot be loaded" in str(prepare_kernels("heads"))
    assert kernels("heads") is None
    with pytest.raises(OSError, match="file too short"):
        shipped.check()


@pytest.mark.slow  # compiles
@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler here")
def test_what_is_shipped_serves_where_there_is_no_compiler(monkeypatch, tmp_path):
    level = "x86-64-v3"
    if level not in shipped.levels_here():
        pytest.skip("this processor has no AVX2")
    monkeypatch.setattr(shipped, "LEVELS", {level: shipped.LEVELS[level]})
    with monkeypatch.context() as with_compiler:
        with_compiler.delenv("CXX")
        shipped.ship()
    assert len(shipped.check()) == len(get_args(Part))
    assert prepare_kernels("heads") is None
    served = kernels("heads")
    assert served is not None
    assert served.identity.startswith(f"heads-{level}-")
    assert not (tmp_path / "cache").exists()

    layer = DepthwiseAtrous(8, (2, 1)).double()
    x = torch.randn(2, 8, 6, 5, dtype=torch.float64).to(memory_format=torch.channels_last)
    native = layer(x)
    with without_kernels():
        torch.testing.assert_close(native, layer(x), rtol=0, atol=1e-12)
