"""Examine an installation: its versions, its settings, its folders, its record, its service. Nothing is changed."""

from nas.doctor.examine import examine
from nas.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
