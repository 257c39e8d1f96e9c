"""What a process is given: plain data that travels with Tune's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nas.specs import AutoDeepLabSpec, Fidelity, Resources
from search_spaces.document import Architecture

if TYPE_CHECKING:
    from nas.training.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Task:
    """One attempt of one piece of a search's work, known by its number. `search_name` is for people only."""

    search_id: str
    search_name: str
    number: int
    attempt: int = 1
    resources: Resources
    workspace: Workspace

    @property
    def what(self) -> str:
        """The kind of work, in one word."""
        raise AssertionError("a task is a trial or a run")

    @property
    def label(self) -> str:
        """How the dashboard calls it: `my search: trial 7`, with the attempt from the second on."""
        attempt = f", attempt {self.attempt}" if self.attempt > 1 else ""
        return f"{self.search_name[:60]}: {self.what} {self.number}{attempt}"

    @property
    def folder(self) -> Path:
        """Where the work keeps what it needs to go on after its process died."""
        return search_folder(self.workspace, self.search_id) / f"{self.what}-{self.number:06d}"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Tune copies configurations again and again; nothing in here changes."""
        return self


@dataclass(frozen=True, kw_only=True)
class TrialTask(Task):
    """A trial: this architecture at this fidelity with this seed."""

    architecture: Architecture
    fidelity: Fidelity
    seed: int

    @property
    def what(self) -> str:
        """A trial."""
        return "trial"


@dataclass(frozen=True, kw_only=True)
class RunTask(Task):
    """A run of a differentiable search: its seed is the search's plus its number."""

    spec: AutoDeepLabSpec

    @property
    def what(self) -> str:
        """A run."""
        return "run"

    @property
    def seed(self) -> int:
        """Decides everything in the run."""
        return self.spec.seed + self.number


def search_folder(workspace: Workspace, search_id: str) -> Path:
    """What a search leaves on disk while it runs; empty when it is over."""
    return workspace.artifacts / search_id
