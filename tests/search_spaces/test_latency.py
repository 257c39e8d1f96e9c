"""Whether a latency that was measured again is within the spread of the two measurements, by hand."""

from __future__ import annotations

import pytest

from nas.formatting import agreement_text
from search_spaces.latency import Latency

RECORDED = Latency(
    what="head", median_ms=4.0, iqr_ms=0.25, runs=100, device="cpu", model="a processor", threads=1, torch="2"
)


@pytest.mark.parametrize(
    ("median", "spread", "agrees", "text"),
    [
        (4.25, 0.1, True, "within the spread: the medians are 0.250 ms apart, no more than 0.250 ms, the larger"),
        (3.75, 0.1, True, "within the spread"),
        (4.5, 0.5, True, "no more than 0.500 ms"),
        (4.5, 0.3, False, "beyond the spread: the medians are 0.500 ms apart, more than 0.300 ms, the larger inter"),
    ],
)
def test_the_larger_interquartile_range_decides(median, spread, agrees, text):
    again = RECORDED.model_copy(update={"median_ms": median, "iqr_ms": spread})
    assert again.agrees(RECORDED) is RECORDED.agrees(again) is agrees
    assert text in agreement_text(again, RECORDED)


@pytest.mark.parametrize(
    "changes",
    [{"threads": 2}, {"model": "another processor"}, {"device": "cuda", "threads": None}, {"what": "network"}],
)
def test_other_devices_are_not_compared(changes):
    again = RECORDED.model_copy(update=changes)
    assert not again.compares(RECORDED)
    assert agreement_text(again, RECORDED).startswith("not comparable")
    assert RECORDED.model_copy(update={"torch": "3", "runs": 500}).compares(RECORDED)
