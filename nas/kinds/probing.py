"""Shared by the probes of all kinds: a probe is a small search that measures the time of training steps."""

from __future__ import annotations

from nas.specs import Fidelity, JobSpec
from nas.specs.job import LONGEST_NAME

PROBE_RUNGS = (10, 20, 100)
"""Rungs of a probe, in iterations.

The first two stretches have one length, so they differ by the cost of the very first step; the last two have different
lengths, which tells the time of a step from that of a validation.
"""

LEAST_TRIALS, MOST_TRIALS = 2, 8
"""Bounds on the trials of a probe: as many as run at a time in the search, since these slow each other down."""


def probe_name(spec: JobSpec) -> str:
    """Name the probe of a search."""
    return f"probe of {spec.name}"[:LONGEST_NAME].strip()


def probe_trials(concurrent: int, trials: int) -> int:
    """Count the trials of a probe: as many as run at a time in the search, within the bounds and the search's own."""
    return max(LEAST_TRIALS, min(concurrent, trials, MOST_TRIALS))


def short(fidelity: Fidelity) -> Fidelity:
    """Shorten a fidelity to `PROBE_RUNGS`, or to its own iterations where these are fewer: a step costs the same."""
    rungs = tuple(sorted({min(rung, fidelity.iterations) for rung in PROBE_RUNGS}))
    return fidelity.model_copy(update={"rungs": rungs})
