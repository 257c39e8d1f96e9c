"""Auto-DeepLab's search in a real Ray: real supernets on a handful of images, killed and stopped on the way."""

from __future__ import annotations

import os
import signal

import pytest

from nas.kinds.auto_deeplab import scored_snapshots
from nas.results.snapshot import Snapshot
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import AugmentSpec, AutoDeepLabSpec, BilevelSpec, Fidelity, NetworkSpec, Resources, SupernetSpec
from nas.store import Store
from nas.training.workspace import Workspace
from tests.workers.conftest import begin
from workers.driver.run import Interrupted, run_search
from workers.trainables.run import RunProcess

pytestmark = pytest.mark.usefixtures("travels_by_value")


SCORING = Fidelity(
    dataset="tiny",
    crop=(33, 33),
    rungs=(1, 2),
    batch=2,
    val_images=2,
    network=NetworkSpec(filters=4, stem_channels=4, aspp_channels=4, low_level_channels=4, decoder_channels=4),
)


def make_spec(**changes: object) -> AutoDeepLabSpec:
    fields: dict[str, object] = {
        "name": "small",
        "supernet": SupernetSpec(layers=3, levels=2, blocks=1, filters=4, stem=4),
        "bilevel": BilevelSpec(
            dataset="tiny",
            crop=(33, 33),
            augment=AugmentSpec(scale=(0.8, 1.2)),
            epochs=3,
            architecture_from_epoch=1,
            val_images=2,
        ),
        "seeds": 2,
        "scoring": SCORING,
        "score_every": 2,
        "resources": Resources(cpus=1, concurrent=2),
        "retries": 1,
    }
    return AutoDeepLabSpec.model_validate(fields | changes)


class KilledOnce(RunProcess):
    """The process of run 1 dies after its second epoch was yielded, once."""

    def search(self, task):
        for snapshot in super().search(task):
            if isinstance(snapshot, Snapshot) and (task.number, task.attempt, snapshot.epoch) == (1, 1, 3):
                os.kill(os.getpid(), signal.SIGKILL)
            yield snapshot


class Unlucky(RunProcess):
    def search(self, task):
        from nas.results.measurement import TrialError

        if task.number == 0:
            raise TrialError("the loss is NaN at step 3")
        yield from super().search(task)


@pytest.fixture
def workspace(running_ray, tmp_path) -> Workspace:
    return Workspace(running_ray.settings.datasets, {}, tmp_path / "cache", tmp_path / "artifacts")


def shown(store: Store, search_id: str) -> dict[tuple[int, int], Snapshot]:
    """Everything but the time it took."""
    found = ((record.run, record.snapshot) for record in store.snapshots(search_id))
    return {(run, one.epoch): one.model_copy(update={"device_seconds": 0.0}) for run, one in found}


def alone(spec: AutoDeepLabSpec, workspace: Workspace) -> dict[tuple[int, int], Snapshot]:
    """What the runs give in one undisturbed process, without Ray."""
    from nas.training.bilevel import search
    from nas.training.loop.device import thread_count

    with thread_count(1):
        return {
            (run, snapshot.epoch): snapshot.model_copy(update={"device_seconds": 0.0})
            for run in range(spec.seeds)
            for snapshot in search(spec, spec.seed + run, workspace=workspace, device="cpu")
        }


def test_two_runs_are_searched_decoded_and_measured_though_one_is_killed(running_ray, store, workspace):
    spec = make_spec()
    search_id, attempt = begin(store, spec)
    assert run_search(store, search_id, attempt, workspace, run_process=KilledOnce) is SearchStatus.COMPLETED
    assert shown(store, search_id) == alone(spec, workspace)
    trials = {trial.number: trial for trial in store.all_trials(search_id)}
    expected = {trial.number: trial.architecture.key for trial in scored_snapshots(spec, store.snapshots(search_id))}
    assert {number: trial.architecture_key for number, trial in trials.items()} == expected
    assert {trial.status for trial in trials.values()} == {TrialStatus.COMPLETED}
    assert store.best_trial(search_id) is not None
    assert store.overview(search_id).cost.device_seconds > 0
    assert not (workspace.artifacts / search_id).exists()


def test_the_next_driver_goes_on_and_a_failed_run_is_said(running_ray, store, workspace):
    search_id, attempt = begin(store, make_spec(scoring=None, resources=Resources(cpus=1, concurrent=1)))

    def one_is_there() -> bool:
        return len(store.snapshots(search_id)) >= 1

    with pytest.raises(Interrupted):
        run_search(store, search_id, attempt, workspace, run_process=Unlucky, interrupted=one_is_there)
    before = shown(store, search_id)
    store.requeue_search(search_id, attempt, 0.0, "the driver was lost")
    attempt = store.begin_driver(search_id)
    assert run_search(store, search_id, attempt, workspace, run_process=Unlucky) is SearchStatus.COMPLETED
    after = shown(store, search_id)
    assert {key: after[key] for key in before} == before
    assert list(after) == [(1, 1), (1, 2), (1, 3)]
    assert store.get_search(search_id).message == "run 0 failed: the loss is NaN at step 3"
    assert store.all_trials(search_id) == []


def test_a_search_whose_runs_all_fail_has_failed(running_ray, store, workspace):
    search_id, attempt = begin(store, make_spec(seeds=1))
    assert run_search(store, search_id, attempt, workspace, run_process=Unlucky) is SearchStatus.FAILED
    assert store.get_search(search_id).message == "run 0 failed: the loss is NaN at step 3"
