"""Run the benchmarks one after the other, as `make bench` does; how to run one alone is in its module's docstring."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import benchmarks

BY_HAND = frozenset({"early_stopping", "heads_bench", "rung_relation", "strategies"})
"""Benchmarks that take hours, or need a table that takes hours: run alone, on purpose."""


def main() -> int:
    """Run the benchmarks; return the exit code of the first that fails, or 0."""
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name.startswith("_") or module.name in BY_HAND:
            continue
        print(f"\n== python -m benchmarks.{module.name}", flush=True)
        code = subprocess.run([sys.executable, "-m", f"benchmarks.{module.name}"], check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
