"""Real trainings in a real Ray: what is adopted, and a replay of what the service measured, outside of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.answers.documents import trial_document
from nas.results.status import SearchStatus
from nas.specs import BackboneSpec, Fidelity, FullScaleSpec, HeadSpec, ReferenceSpec, Resources
from nas.store import Store
from nas.training.replay import replay
from nas.training.workspace import Workspace
from search_spaces import PUBLISHED_CELL, read_architecture
from workers.driver.run import run_search

FIDELITY = Fidelity(
    dataset="tiny",
    backbone=BackboneSpec(width=0.25, blocks=5, output_stride=8, warmup_iterations=3),
    head=HeadSpec(channels=4),
    crop=(64, 128),
    rungs=(3, 6),
    batch=2,
    label_stride=8,
)


@pytest.fixture
def workspace(running_ray, tmp_path) -> Workspace:
    return Workspace(running_ray.settings.datasets, {}, tmp_path / "cache", tmp_path / "artifacts")


def run(store: Store, spec, workspace: Workspace, parent: str | None = None) -> str:
    search = store.create_search(spec, parent=parent)[0].id
    assert run_search(store, search, store.begin_driver(search), workspace) is SearchStatus.COMPLETED
    return search


def test_the_same_measurement_is_adopted_and_replayed(running_ray, store, workspace, tmp_path):
    """A cell is measured, adopted by an evaluation with as many threads, measured anew with more, and replayed."""
    one, two = Resources(cpus=1, concurrent=1), Resources(cpus=2, concurrent=1)
    heads = ReferenceSpec(name="cell", heads=(PUBLISHED_CELL,), seeds=1, fidelity=FIDELITY, resources=one)
    first = run(store, heads, workspace)

    def again(resources: Resources) -> str | None:
        spec = FullScaleSpec(
            name="again", of=first, sampling="explicit", trials=(0,), fidelity=FIDELITY, resources=resources
        )
        return store.get_trial(run(store, spec, workspace, parent=first), 0).source

    assert again(one) == f"{first}/0"
    assert again(two) is None

    trial, curve = store.get_trial(first, 0), store.curve(first, 0)
    assert [point.environment and point.environment.threads for point in curve] == [1, 1]
    document = read_architecture(trial_document(store.get_search(first), trial, curve, ()))
    elsewhere = replace(workspace, cache=tmp_path / "another cache")  # the backbone is warmed up anew there
    replayed = list(replay(document, FIDELITY, elsewhere))
    assert [(point.equal, point.differences) for point in replayed] == [(True, ())] * 2
