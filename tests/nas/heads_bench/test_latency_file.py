"""The file of latencies: read as it was written, or refused."""

from __future__ import annotations

import pytest

from nas.heads_bench.build import LatencyOf
from nas.heads_bench.latency_file import read_latencies, write_latencies
from tests.nas.heads_bench.tables import LATENCY


def test_what_was_written_is_read(tmp_path):
    found = {("scenes", "a"): LatencyOf(1.25, 0.1), ("brain", "a"): LatencyOf(0.1 + 0.2, 0.0)}
    write_latencies(tmp_path / "latencies.jsonl", LATENCY, found)
    assert read_latencies(tmp_path / "latencies.jsonl") == (LATENCY, found)
    write_latencies(tmp_path / "latencies.jsonl", LATENCY, {})
    assert read_latencies(tmp_path / "latencies.jsonl") == (LATENCY, {})


@pytest.mark.parametrize("text", ["", "{}", "no", LATENCY.model_dump_json() + '\n{"dataset": "scenes"}'])
def test_another_file_is_refused(tmp_path, text):
    path = tmp_path / "latencies.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match="is no file of latencies"):
        read_latencies(path)
