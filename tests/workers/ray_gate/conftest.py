"""A trial's task, for the gate."""

from __future__ import annotations

import random

import pytest

from nas.specs import Fidelity, Resources
from nas.training.workspace import Workspace
from search_spaces.dense_cell.space import sample
from workers.trainables.task import TrialTask


@pytest.fixture
def task(tmp_path) -> TrialTask:
    return TrialTask(
        search_id="s000000000000",
        search_name="gate",
        number=7,
        resources=Resources(cpus=2, workers=2),
        workspace=Workspace({}, {}, tmp_path / "cache", tmp_path / "artifacts"),
        architecture=sample(5, random.Random(7)),
        fidelity=Fidelity(dataset="tiny", rungs=(10,)),
        seed=0,
    )
