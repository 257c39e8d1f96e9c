"""What the probes of all kinds of search share: a probe is a small search that measures what steps cost."""

from __future__ import annotations

from nas.specs import Fidelity, JobSpec

PROBE_RUNGS = (10, 20, 100)
"""Iterations: three stretches, the first and the last two of different lengths, tell steps, validation and the cost of
the very first step apart.
"""

LEAST_TRIALS, MOST_TRIALS = 2, 8
"""As many as run beside each other in the search, within these bounds: neighbours on a device slow each other down."""

LONGEST_NAME = 100
"""Of `SearchName`."""


def probe_name(spec: JobSpec) -> str:
    """Name of the probe of a search."""
    return f"probe of {spec.name}"[:LONGEST_NAME].strip()


def probe_trials(concurrent: int, trials: int) -> int:
    """Number of trials of a probe: as many as run at a time in the search, and never more than the search has."""
    return max(LEAST_TRIALS, min(concurrent, trials, MOST_TRIALS))


def short(fidelity: Fidelity) -> Fidelity:
    """The fidelity with `PROBE_RUNGS` iterations, never more than it has: steps cost the same."""
    rungs = tuple(sorted({min(rung, fidelity.iterations) for rung in PROBE_RUNGS}))
    return fidelity.model_copy(update={"rungs": rungs})
