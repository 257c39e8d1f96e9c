"""What a trial measures, before anything is measured."""

from __future__ import annotations

from dataclasses import dataclass

from nas.specs import Fidelity
from search_spaces.document import Architecture


@dataclass(frozen=True)
class Proposal:
    """A trial that shall be run.

    Attributes:
        number: The number of the trial within its search, from 0.
        architecture: What is measured.
        fidelity: How carefully it is measured.
        seed: Decides initial weights, dropout and the order of the data.
    """

    number: int
    architecture: Architecture
    fidelity: Fidelity
    seed: int
