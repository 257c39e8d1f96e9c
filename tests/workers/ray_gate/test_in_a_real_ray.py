"""The gate for a new Ray: what only a running one shows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from nas.training.workspace import Workspace


def until(condition: Callable[[], Any], between: Callable[[], Any] = lambda: time.sleep(0.05)) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        between()


def test_a_controller_has_what_we_read_and_write(running_ray, store, spec_of, tmp_path):
    from nas.kinds.registry import kind_of
    from workers.driver.record import DriverRecord
    from workers.driver.trial_book import TrialBook
    from workers.trainables.trial import TrialProcess
    from workers.tune.controller import SearchController

    search = store.create_search(spec_of())[0]
    driver = DriverRecord(store, search, store.begin_driver(search.id))
    workspace = Workspace({}, {}, tmp_path / "cache", tmp_path / "artifacts")
    plan = kind_of(driver.spec).plan(driver.spec, driver.search_id, driver.records)
    controller = SearchController(TrialBook(driver, plan, workspace), TrialProcess, tmp_path)
    kinds: dict[str, type] = {
        "_trials": list,
        "_live_trials": set,
        "_stopped_trials": set,
        "_failed_trials": set,
        "_trials_to_cache": set,
        "_pending_trials": set,
        "_running_trials": set,
        "_resetting_trials": set,
        "_actor_to_trial": dict,
        "_trial_to_actor": dict,
        "_has_errored": bool,
    }
    for name, kind in kinds.items():
        assert isinstance(getattr(controller, name, None), kind), (
            f"TuneController.{name} is no {kind.__name__} any more"
        )
    assert controller._fail_fast == "RAISE"
    assert controller._storage.storage_fs_path == str(tmp_path)
    assert type(controller._actor_manager).__name__ == "TrialActors"
    assert isinstance(controller._actor_cache.num_cached_objects, int)


def test_calls_are_named_by_way_of_the_table_of_live_actors(running_ray):
    from ray.actor import ActorHandle
    from ray.air.execution import PlacementGroupResourceManager, ResourceRequest

    from workers.tune.controller import TrialActors

    class Named:
        def own_name(self) -> str:
            import ray

            return ray.get_runtime_context().get_task_name()

    manager = TrialActors(PlacementGroupResourceManager(), lambda _: "gate: trial 7")
    actor = manager.add_actor(Named, kwargs={}, resource_request=ResourceRequest([{"CPU": 1}]))
    answers: list[str] = []
    try:
        until(lambda: manager.is_actor_started(actor), lambda: manager.next(timeout=1))
        entry = manager._live_actors_to_ray_actors_resources[actor]
        assert len(entry) == 2, f"an entry of the table of live actors has {len(entry)} parts, not (handle, resources)"
        assert isinstance(entry[0], ActorHandle), "the first part of an entry is not the actor's handle"
        manager.schedule_actor_task(actor, "own_name", on_result=lambda _, name: answers.append(name))
        until(lambda: answers, lambda: manager.next(timeout=1))
    finally:
        manager.cleanup()
    assert answers == ["gate: trial 7.own_name"]
    assert manager._name_of(actor) == "gate: trial 7", "`cleanup` begins anew, without forgetting how to name calls"


def test_a_reservation_is_noted_and_given_back(running_ray, task):
    from ray.util.placement_group import placement_group, placement_group_table

    from workers.trainables.reservations import is_noted, note, release

    group = placement_group([{"CPU": 0.01}])
    assert group.wait(60)
    assert not is_noted(task)
    note(task, group)
    assert is_noted(task)
    release(task)
    assert not is_noted(task)
    until(lambda: placement_group_table(group)["state"] == "REMOVED")
    release(task)  # nothing is noted any more


def test_the_head_node_has_its_resource(running_ray):
    import ray
    from ray._common.constants import HEAD_NODE_RESOURCE_NAME

    assert ray.cluster_resources().get(HEAD_NODE_RESOURCE_NAME) == 1.0, "the process of a group's trial waits for it"


def test_a_local_cluster_writes_its_address_where_we_read_it(running_ray):
    address = (running_ray.local.temp / "ray_current_cluster").read_text().strip()
    assert address == running_ray.local.address
    assert address.startswith("127.0.0.1:"), "Ray listens beyond the loopback interface"
    assert os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"
