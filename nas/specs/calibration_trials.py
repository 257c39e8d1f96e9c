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

    More seeds only add numbers.

    Args:
        spec: A calibration with `sequential`.
    """

    def __init__(self, spec: CalibrationSpec) -> None:
        assert spec.sequential is not None, spec.name
        self.names = tuple(spec.proxies)
        self.full = spec.architectures
        self.cheap = spec.architectures * spec.sequential.cheap

    def number(self, place: Place) -> int:
        """Return the number of the trial that measures this."""
        if place.proxy is not None:
            return self.names.index(place.proxy) * self.cheap + place.architecture
        return len(self.names) * self.cheap + place.seed * self.full + place.architecture

    def place(self, number: int) -> Place:
        """Return what the trial of a number measures."""
        proxy, architecture = divmod(number, self.cheap)
        if proxy < len(self.names):
            return Place(self.names[proxy], architecture)
        seed, architecture = divmod(number - len(self.names) * self.cheap, self.full)
        return Place(None, architecture, seed)
