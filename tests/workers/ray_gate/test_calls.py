"""The gate for a new Ray: functions of Ray take the arguments that we give them."""

from __future__ import annotations

import inspect
import pkgutil

import pytest

TUNE = "ray.tune.execution.tune_controller:TuneController"
ACTORS = "ray.air.execution._internal:RayActorManager"
KV = "ray.experimental.internal_kv"
CALLS: list[tuple[str, int, tuple[str, ...]]] = [
    (TUNE, 0, ("search_alg", "scheduler", "callbacks", "storage", "reuse_actors")),
    (f"{TUNE}.update_max_pending_trials", 2, ()),
    (f"{TUNE}.step", 1, ()),
    (f"{TUNE}.is_finished", 1, ()),
    (f"{TUNE}.cleanup", 1, ()),
    (f"{TUNE}._process_trial_failure", 2, ("exception",)),
    (f"{TUNE}._update_trial_queue", 1, ()),
    (f"{TUNE}._unstage_trial_with_resources", 2, ()),
    (f"{TUNE}._schedule_trial_stop", 2, ("exception",)),
    (f"{TUNE}._requeue_trial", 2, ()),
    (ACTORS, 0, ("resource_manager",)),
    (f"{ACTORS}.cleanup", 1, ()),
    (f"{ACTORS}.is_actor_started", 2, ()),
    ("ray.air.execution:PlacementGroupResourceManager", 0, ()),
    ("ray.air.execution:PlacementGroupResourceManager.request_resources", 2, ()),
    ("ray.air.execution:PlacementGroupResourceManager.has_resources_ready", 2, ()),
    ("ray.air.execution:PlacementGroupResourceManager.cancel_resource_request", 2, ()),
    ("ray.train._internal.storage:StorageContext", 0, ("storage_path", "experiment_dir_name")),
    ("ray.tune.experiment:Trial", 1, ("config", "trial_id", "storage", "max_failures")),
    ("ray.tune.experiment:Trial.set_config", 2, ()),
    ("ray.tune.experiment:Trial.is_finished", 1, ()),
    ("ray.tune:register_trainable", 2, ("warn",)),
    (f"{KV}:_internal_kv_put", 2, ()),
    (f"{KV}:_internal_kv_get", 1, ()),
    (f"{KV}:_internal_kv_exists", 1, ()),
    (f"{KV}:_internal_kv_del", 1, ()),
    ("ray._raylet:PlacementGroupID", 1, ()),
    ("ray.train.v2._internal.execution.worker_group:WorkerGroup.get_worker_group_state", 1, ()),
]
"""Callables, with how many positional arguments and which keywords we call them."""


@pytest.mark.parametrize(("path", "positional", "keywords"), CALLS, ids=[path.split(":")[1] for path, *_ in CALLS])
def test_what_we_call_takes_our_arguments(path, positional, keywords):
    try:
        function = pkgutil.resolve_name(path)
    except (ImportError, AttributeError) as error:
        pytest.fail(f"{path} is not in this Ray: {error}")
    assert callable(function)
    try:
        signature = inspect.signature(function)
    except ValueError:
        return  # compiled without one; tried in a real Ray below
    try:
        signature.bind(*range(positional), **dict.fromkeys(keywords))
    except TypeError as error:
        pytest.fail(f"{path} cannot be called any more with {positional} arguments and {keywords}: {error}")
