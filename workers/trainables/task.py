"""The task that a process is given: plain data that travels with Tune's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from nas.escaping import one_line
from nas.specs import MIOU, AutoDeepLabSpec, Fidelity, Goals, Resources
from search_spaces.document import Architecture

if TYPE_CHECKING:
    from nas.training.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Task:
    """One attempt of one piece of a search's work: a trial, or a run of a differentiable search.

    Attributes:
        search_id: The search that the work belongs to.
        search_name: The search's name, for people only.
        number: Tells the search's trials (or runs) apart.
        attempt: Counts from 1; a process that died is replaced by the next attempt.
        deaths: Processes of the work that have died before this task was made.
        resources: What the work takes.
        workspace: Where data sets, caches and checkpoints are.
    """

    noun: ClassVar[str]
    """The kind of work, in one word."""

    search_id: str
    search_name: str
    number: int
    attempt: int = 1
    deaths: int = 0
    resources: Resources
    workspace: Workspace

    @property
    def display_name(self) -> str:
        """The task's name in the dashboard: `my search: trial 7`, with the attempt from the second on."""
        attempt = f", attempt {self.attempt}" if self.attempt > 1 else ""
        return f"{one_line(self.search_name)[:60]}: {self.noun} {self.number}{attempt}"

    @property
    def folder(self) -> Path:
        """The folder in which all attempts of the work keep their state."""
        return search_folder(self.workspace, self.search_id) / f"{self.noun}-{self.number:06d}"

    @property
    def checkpoint(self) -> Path:
        """The file from which the next attempt continues after a process died."""
        return self.folder / "checkpoint.pt"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Tune copies configurations again and again; nothing in here changes."""
        return self


@dataclass(frozen=True, kw_only=True)
class TrialTask(Task):
    """A trial: this architecture at this fidelity with this seed, measured for these objectives and constraints."""

    noun = "trial"

    architecture: Architecture
    fidelity: Fidelity
    seed: int
    goals: Goals = MIOU


@dataclass(frozen=True, kw_only=True)
class RunTask(Task):
    """A run of a differentiable search, which is described by `spec`; runs differ in their seeds only."""

    noun = "run"

    spec: AutoDeepLabSpec

    @property
    def seed(self) -> int:
        """The run's seed: the search's plus the run's number."""
        return self.spec.seed + self.number


def search_folder(workspace: Workspace, search_id: str) -> Path:
    """Return the folder of what a search keeps on disk until it is completed or deleted: checkpoints, Tune's files."""
    return workspace.artifacts / search_id
