"""The file in which latencies of heads are collected, one JSON line for each, behind one line on how they are made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from nas.atomic import write_text_atomically
from nas.heads_bench.build import LatencyOf
from nas.heads_bench.table import Latency


def read_latencies(path: Path) -> tuple[Latency, dict[tuple[str, str], LatencyOf]]:
    """Read how latencies were measured, and the latencies by data set and head.

    Raises:
        ValueError: The file is not of this form.
        OSError: The file cannot be read.
    """
    text, found = path.read_text("utf-8"), {}
    try:
        first, *lines = text.splitlines()
        how = Latency.model_validate_json(first)
        for line in lines:
            row = json.loads(line)
            found[row["dataset"], row["key"]] = LatencyOf(float(row["median_ms"]), float(row["spread_ms"]))
    except (ValidationError, ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is no file of latencies: {str(error).splitlines()[0]}") from None
    return how, found


def write_latencies(path: Path, how: Latency, found: Mapping[tuple[str, str], LatencyOf]) -> None:
    """Write the file.

    Raises:
        OSError: It cannot be written.
    """
    rows = [json.dumps({"dataset": dataset, "key": key, **of._asdict()}) for (dataset, key), of in found.items()]
    write_text_atomically(path, "\n".join([how.model_dump_json(), *rows, ""]))
