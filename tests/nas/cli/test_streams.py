"""Commands whose standard streams are closed, full, or read by nobody: a sentence or silence, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SEGNAS = f'{sys.executable} -c "import nas.cli; nas.cli.main()"'


def shell(line: str, tmp_path: Path) -> tuple[int, str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGNAS_")}
    ours = {"SEGNAS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", line], env=environment | ours, capture_output=True, text=True, check=False, timeout=300
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        (f"{SEGNAS} submit - <&-", 1, "", "segnas: standard input has no fields in it\n"),
        (f"{SEGNAS} data list --json >&-", 0, "", ""),
        (f"{SEGNAS} data list --json > /dev/full", 1, "", "segnas: No space left on device\n"),
        (f"{SEGNAS} data list --json 2>&-", 0, "[]\n", ""),
        (f"set -o pipefail; {SEGNAS} data list --json | true", 1, "", ""),
    ],
)
def test_streams(line, code, out, err, tmp_path):
    assert shell(line, tmp_path) == (code, out, err)
