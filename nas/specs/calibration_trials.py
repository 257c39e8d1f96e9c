"""The numbers of a sequential calibration's trials."""

from __future__ import annotations

from typing import NamedTuple

from nas.specs.calibration import CalibrationSpec


class Place(NamedTuple):
    """What a trial of a sequential calibration measures.

    Attributes:
        proxy: Name of the proxy; None at full scale.
        architecture: Place in the calibration's sample.
        seed: Of the seeds at full scale, from 0 on; 0 for a proxy.
    """

    proxy: str | None
    architecture: int
    seed: int = 0


class TrialNumbers:
    """The numbers of a sequential calibration's trials: those of each proxy, then those of each seed at full scale.

    At full scale, too, there is a number for each architecture, though only some of them are measured there. More seeds
    only add numbers.

    Args:
        spec: A calibration with `sequential`.
    """

    def __init__(self, spec: CalibrationSpec) -> None:
        assert spec.sequential is not None, spec.name
        self.names = tuple(spec.proxies)
        self.cheap = spec.architectures * spec.sequential.cheap

    def number(self, place: Place) -> int:
        """Return the number of the trial that measures this."""
        block = len(self.names) + place.seed if place.proxy is None else self.names.index(place.proxy)
        return block * self.cheap + place.architecture

    def place(self, number: int) -> Place:
        """Return what the trial of a number measures."""
        block, architecture = divmod(number, self.cheap)
        if block < len(self.names):
            return Place(self.names[block], architecture)
        return Place(None, architecture, block - len(self.names))
