"""What the process of a trial is given: plain data that travels with Tune's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nas.spec import Fidelity, Resources
from search_spaces.document import Architecture

if TYPE_CHECKING:
    from nas.training.workspace import Workspace


@dataclass(frozen=True)
class TrialTask:
    """One attempt of one trial of a search. `search_name` is for people only."""

    search_id: str
    search_name: str
    number: int
    attempt: int
    architecture: Architecture
    fidelity: Fidelity
    seed: int
    resources: Resources
    workspace: Workspace

    @property
    def label(self) -> str:
        """How the dashboard calls it: `my search: trial 7`, with the attempt from the second on."""
        attempt = f", attempt {self.attempt}" if self.attempt > 1 else ""
        return f"{self.search_name[:60]}: trial {self.number}{attempt}"

    @property
    def folder(self) -> Path:
        """Where the trial keeps what it needs to go on after its process died."""
        return search_folder(self.workspace, self.search_id) / f"{self.number:06d}"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Tune copies configurations again and again; nothing in here changes."""
        return self


def search_folder(workspace: Workspace, search_id: str) -> Path:
    """What a search leaves on disk while it runs; empty when it is over."""
    return workspace.artifacts / search_id
