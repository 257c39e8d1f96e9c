"""Measure on real data whether a search over heads is worth something, and write the report.

    python -m benchmarks.real [--folder build/real] [--package mricron-data.deb]

A second run goes on where the first stopped. About 100 minutes on one free core.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.real.measure import everything
from benchmarks.real.plot import plot
from benchmarks.real.report import written
from benchmarks.real.service import prepare_data, running


def main() -> None:
    """Run the benchmark; results.json, report.md and report.png are written into the folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("build/real"))
    parser.add_argument("--package", type=Path, help="The Debian package of the images, instead of a download.")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with running(folder, prepare_data(folder, arguments.package)) as bench:
        found = everything(bench)
    (folder / "results.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    report = written(found)
    (folder / "report.md").write_text(report, "utf-8")
    plot(folder / "report.png", found)
    print(report)


if __name__ == "__main__":
    main()
