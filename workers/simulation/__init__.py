"""A search in virtual time: trials take the seconds that their measurements name, and nothing is trained."""

from workers.simulation.simulate import Simulated, VirtualClock, simulate

__all__ = ["Simulated", "VirtualClock", "simulate"]
