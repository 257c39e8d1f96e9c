"""Kernels that were compiled beforehand, for levels of processors: an image brings them, since it has no compiler."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path
from typing import get_args

from nas.models.layers.native.build import COMPILER, FLAGS, LIBRARY, compile_part, compiler_command, key, processor
from nas.models.layers.native.library import Kernels, Part

_V3 = ["avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"]
_V4 = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]
LEVELS: dict[str, frozenset[str]] = {"x86-64-v4": frozenset(_V3 + _V4), "x86-64-v3": frozenset(_V3)}
"""The levels of the x86-64 psABI, the best first, and the instructions of each by the names that Linux has for them."""

SHIPPED = Path(__file__).parent / "shipped"
"""Where shipped kernels lie: within the package, a folder for each part and level."""


def shipped(part: Part) -> tuple[Path, str] | None:
    """Return a part's shipped library of the best level that this processor has, and the compiler that made it.

    Returns:
        None where nothing is shipped for this processor, this torch and these sources.
    """
    for level in levels_here():
        place = _folder(part, level)
        if (place / LIBRARY).exists():
            return place / LIBRARY, (place / COMPILER).read_text("utf-8")
    return None


def levels_here() -> list[str]:
    """Return the levels of this processor, the best first; none where it is no x86-64 or lacks AVX2."""
    if platform.machine() != "x86_64":
        return []
    has = set(processor().split())
    return [level for level, needed in LEVELS.items() if needed <= has]


def ship() -> None:
    """Compile both parts for each level into the package, in place of what was shipped.

    Raises:
        BuildError: There is no compiler.
        RuntimeError: The compiler fails.
    """
    command = compiler_command()
    shutil.rmtree(SHIPPED, ignore_errors=True)
    for level in LEVELS:
        for part in get_args(Part):
            place = _folder(part, level)
            place.mkdir(parents=True)
            compile_part(part, place, command, _flags(level))


def check() -> list[str]:
    """Load what is shipped for this processor, as processes that train will.

    Returns:
        The identities of what was loaded: one of each part, or none where nothing is shipped for this processor.

    Raises:
        OSError: A library cannot be loaded.
    """
    import torch  # noqa: F401  brings the libraries that kernels are linked with

    found = {part: shipped(part) for part in get_args(Part)}
    return [Kernels(part, *one).identity for part, one in found.items() if one is not None]


def _flags(level: str) -> tuple[str, ...]:
    return tuple(f"-march={level}" if flag.startswith("-march=") else flag for flag in FLAGS)


def _folder(part: Part, level: str) -> Path:
    return SHIPPED / f"{part}-{level}-{key(part, _flags(level), level)}"
