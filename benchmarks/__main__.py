"""All benchmarks one after the other, as `make bench` runs them; each also runs alone, see its own docstring."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import benchmarks


def main() -> int:
    """Exit code of the first benchmark that fails."""
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name.startswith("_"):
            continue
        print(f"\n== python -m benchmarks.{module.name}", flush=True)
        code = subprocess.run([sys.executable, "-m", f"benchmarks.{module.name}"], check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
