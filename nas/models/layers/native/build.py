"""Compiles the sources of this folder, once for each user of a machine, into the user's cache."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from nas.aids import reason_of
from nas.atomic import locked, remove_left_overs, write_folder_atomically
from nas.models.layers.native.library import Part

FLAGS = ("-O3", "-march=native", "-std=c++20", "-fopenmp", "-fno-math-errno", "-Wno-psabi")
"""For this processor. Sums are not reordered (-ffast-math), so results do not depend on the number of threads."""

_HERE = Path(__file__).parent

LIBRARY = "kernels.so"
COMPILER = "compiler.txt"
FAILED = "failed.txt"

SECONDS_BEFORE_ANOTHER = 24 * 3600
"""Age of a failed build from which on another is tried: the cause may have been a full disk, or too little memory."""


class BuildError(Exception):
    """There are no compiled kernels here. The message is a part of a sentence that says why."""


def folder(part: Part) -> Path:
    """Return the folder of a part's library in the user's cache: another processor, torch or source has another.

    Raises:
        BuildError: The user has no home folder.
    """
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        raise BuildError("there is no home folder to keep them in") from None
    return cache / "segnas" / "native" / f"{part}-{key(part, FLAGS, processor())}"


def built(place: Path) -> tuple[Path, str] | None:
    """Return the library in a folder and the compiler that made it; None where nothing is built.

    Raises:
        BuildError: It could not be built here, a short while ago.
    """
    with contextlib.suppress(OSError):
        return place / LIBRARY, (place / COMPILER).read_text("utf-8")
    failed = place / FAILED
    with contextlib.suppress(OSError):
        if 0 <= time.time() - failed.stat().st_mtime < SECONDS_BEFORE_ANOTHER:
            raise BuildError(f"{failed.read_text('utf-8')} (remove {place} to try again)")
    return None


def build(part: Part, place: Path) -> tuple[Path, str]:
    """Compile a part into a folder, unless it is there; one of concurrent processes does.

    Returns:
        The library and the compiler that made it.

    Raises:
        BuildError: There is no compiler, it fails, or nothing can be written there.
    """
    if (found := built(place)) is not None:
        return found
    compiler = compiler_command()
    try:
        with locked(place):
            if (found := built(place)) is not None:
                return found
            shutil.rmtree(place, ignore_errors=True)  # a failure of long ago
            remove_left_overs(place)
            write_folder_atomically(place, lambda target: _compile_or_explain(part, target, compiler))
    except OSError as error:
        raise BuildError(f"{place} cannot be written ({reason_of(error)})") from error
    found = built(place)
    assert found is not None
    return found


def key(part: Part, flags: tuple[str, ...], processors: str) -> str:
    """Hash what a library depends on: source, flags of the compiler, torch, and the processors it is for."""
    digest = hashlib.sha256(f"{flags} {torch.__version__} {platform.machine()} {processors}".encode())
    for source in [_source(part), *sorted(_HERE.glob("*.h"))]:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _source(part: Part) -> Path:
    return _HERE / f"{part}.cpp"


def processor() -> str:
    """Return the model of the processor and its instructions; nothing where the system does not say."""
    names = ("model name", "flags", "Features", "CPU part")
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").partition("\n\n")[0].splitlines()
        return "".join(line for line in lines if line.partition(":")[0].strip() in names)
    return ""


def compiler_command() -> list[str]:
    """Return the command of the compiler that torch would use.

    Raises:
        BuildError: There is none, or not what else a build needs.
    """
    if sys.platform != "linux":
        raise BuildError("they are built on Linux only")
    command = shlex.split(os.environ.get("CXX") or "c++")
    if not command or shutil.which(command[0]) is None:
        raise BuildError(f"there is no C++ compiler ({' '.join(command) or 'CXX is blank'})")
    if shutil.which("ninja") is None and importlib.util.find_spec("ninja") is None:
        raise BuildError("there is no ninja, which builds them: pip install ninja")
    return command


def _compile_or_explain(part: Part, target: Path, compiler: list[str]) -> None:
    """Fill a folder with the library, or with the reason why there is none."""
    try:
        compile_part(part, target, compiler, FLAGS)
    except (RuntimeError, subprocess.SubprocessError) as error:
        (target / LIBRARY).unlink(missing_ok=True)
        (target / FAILED).write_text(f"the compiler failed: {_first_complaint(str(error))}", "utf-8")


def compile_part(part: Part, target: Path, compiler: list[str], flags: tuple[str, ...]) -> None:
    """Compile a part into a folder, with a note of the compiler.

    Raises:
        RuntimeError: The compiler fails; the message is its output.
        subprocess.SubprocessError: It does not say its version.
    """
    with _ninja_on_path(), tempfile.TemporaryDirectory(dir=target.parent, prefix=".build-") as scratch:
        _compile(part, Path(scratch), target / LIBRARY, flags)
    version = subprocess.run([*compiler, "--version"], check=True, capture_output=True, text=True, timeout=60)  # noqa: S603  the user's own compiler
    (target / COMPILER).write_text(version.stdout.partition("\n")[0].strip(), "utf-8")


def _compile(part: Part, scratch: Path, library: Path, flags: tuple[str, ...]) -> None:
    from torch.utils import cpp_extension  # imports setuptools: only where something is compiled

    cpp_extension.load(
        f"segnas_{part}",
        [str(_source(part))],
        extra_cflags=list(flags),
        extra_ldflags=["-fopenmp"],
        build_directory=str(scratch),
        is_python_module=False,
    )
    (made,) = scratch.glob("*.so")
    shutil.copyfile(made, library)


def _first_complaint(output: str) -> str:
    """Return the first line of a compiler's output that reports an error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return next((line for line in lines if "error:" in line), lines[0] if lines else "it says nothing")[:300]


@contextlib.contextmanager
def _ninja_on_path() -> Iterator[None]:
    """Within the context, the ninja that is installed beside this Python is found, too, as torch's loader asks."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([before, str(Path(sys.executable).parent)])
    try:
        yield
    finally:
        os.environ["PATH"] = before
