"""The gate for a new Ray: whatever we use of Ray beside its documented interface, checked against the installed Ray.

To raise Ray's version, change pyproject.toml and constraints.txt, and run this file first. Each failure says in a
sentence which part of Ray has moved and who needs it; when all pass, run the other tests of tests/workers, which try
the behaviour in whole searches.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import os
import pkgutil
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from nas.settings import Settings
from nas.specs import Fidelity, Resources
from nas.training.workspace import Workspace
from search_spaces.dense_cell.space import sample
from workers.trainables.task import TrialTask

ROOT = Path(__file__).parents[2]

UNDOCUMENTED = ("ray.tune.execution", "ray.air.execution", "ray.experimental", "ray.train.v2", "ray.scripts")
"""Private although no part of the name begins with an underscore."""

HOMES_OF_PRIVATE_RAY = ("workers/tune/", "workers/trainables/")


def imports_of_ray() -> Iterator[tuple[str, str, str]]:
    """(file, module, name) of everything that the product imports from Ray; the name is empty for `import ray`."""
    for package in ("api", "nas", "search_spaces", "workers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                file = path.relative_to(ROOT).as_posix()
                if isinstance(node, ast.Import):
                    yield from ((file, alias.name, "") for alias in node.names if alias.name.split(".")[0] == "ray")
                elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ray":
                    yield from ((file, str(node.module), alias.name) for alias in node.names)


IMPORTS = sorted(set(imports_of_ray()))


def is_private(module: str, name: str) -> bool:
    return module.startswith(UNDOCUMENTED) or any(part.startswith("_") for part in [*module.split("."), name])


def parameters(function: Callable[..., Any]) -> str:
    """A signature in one line, without annotations and defaults."""
    words: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not any(word.startswith("*") for word in words):
            words.append("*")
        stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(parameter.kind.name, "")
        words.append(stars + parameter.name)
    return ", ".join(words)


# Names


@pytest.mark.parametrize(("file", "module", "name"), IMPORTS, ids=lambda value: value or "-")
def test_what_is_imported_exists(file, module, name):
    try:
        found = importlib.import_module(module)
        if name and not hasattr(found, name):
            importlib.import_module(f"{module}.{name}")
    except ImportError as error:
        pytest.fail(f"{file} imports {name or module} from {module}, which this Ray does not have: {error}")


def test_private_ray_stays_in_its_rooms():
    elsewhere = [
        f"{file}: {module} {name}"
        for file, module, name in IMPORTS
        if is_private(module, name) and not file.startswith(HOMES_OF_PRIVATE_RAY)
    ]
    assert not elsewhere, f"private parts of Ray outside {' and '.join(HOMES_OF_PRIVATE_RAY)}: {elsewhere}"
    assert sum(is_private(module, name) for _, module, name in IMPORTS) > 10, "the search for imports finds them"


# Methods that we override

OVERRIDES: dict[str, dict[str, str]] = {
    "workers.tune.callbacks:Proposals": {
        "next_trial": "self",
        "on_trial_complete": "self, trial_id, result, error",
        "is_finished": "self",
    },
    "workers.tune.callbacks:EarlyStopping": {
        "on_trial_result": "self, tune_controller, trial, result",
        "choose_trial_to_run": "self, tune_controller",
    },
    "workers.tune.callbacks:Recorder": {
        "on_trial_result": "self, iteration, trials, trial, result, **info",
        "on_trial_recover": "self, iteration, trials, trial, **info",
        "on_trial_complete": "self, iteration, trials, trial, **info",
        "on_trial_error": "self, iteration, trials, trial, **info",
    },
    "workers.tune.controller:SearchController": {
        "checkpoint": "self, force, wait",
        "on_step_end": "self",
        "_maybe_update_trial_queue": "self",
        "_maybe_reuse_cached_actor": "self, trial",
        "_trial_task_failure": "self, trial, exception",
    },
    "workers.tune.controller:CountedTrial": {
        "handle_error": "self, exc",
        "init_local_path": "self",
    },
    "workers.tune.controller:TrialActors": {
        "_schedule_tracked_actor_task": "self, tracked_actor_task, method_name, *, args, kwargs, _return_future",
        "_actor_task_failed": "self, tracked_actor_task, exception",
    },
    "workers.trainables.process:Process": {
        "default_resource_request": "config",
        "setup": "self, config",
        "reset_config": "self, new_config",
        "step": "self",
        "cleanup": "self",
    },
    "workers.trainables.trial:TrialProcess": {"default_resource_request": "config"},
    "workers.trainables.group_workers:LeanTrainer": {"_create_default_callbacks": "self"},
    "workers.trainables.group_workers:ReservationNote": {"after_worker_group_start": "self, worker_group"},
    "workers.trainables.group_workers:FailureReports": {"after_exception": "self, run_context, worker_exceptions"},
}
"""Our classes, the methods of Ray's that they override, and how Ray calls these."""


def ray_classes(ours: type) -> list[type]:
    return [base for base in ours.__mro__ if base.__module__.split(".")[0] == "ray"]


def overridden(ours: type) -> set[str]:
    """Methods that the class itself defines and a class of Ray's defines as well, constructors left out."""
    own = {name for name, value in vars(ours).items() if isinstance(value, FunctionType | classmethod)}
    return {name for name in own - {"__init__", "__repr__"} if any(name in vars(base) for base in ray_classes(ours))}


@pytest.mark.parametrize("ours", OVERRIDES)
def test_overridden_methods_are_called_as_ever(ours):
    ray_class = ray_classes(pkgutil.resolve_name(ours))[0]
    for name, expected in OVERRIDES[ours].items():
        method = getattr(ray_class, name, None)
        assert method is not None, (
            f"{ray_class.__name__}.{name} is gone: {ours} overrides it, and nobody calls that now"
        )
        found = parameters(method)
        assert found == expected, f"{ray_class.__name__}.{name} takes ({found}); {ours} overrides it with ({expected})"


def test_no_other_method_of_ray_is_overridden():
    """Neither on purpose without an entry above, nor because a new Ray has taken a name of ours."""
    seen = set()
    for module in sorted({file for file, *_ in IMPORTS if file.startswith(HOMES_OF_PRIVATE_RAY)}):
        found = importlib.import_module(module.removesuffix(".py").replace("/", "."))
        for ours in vars(found).values():
            if isinstance(ours, type) and ours.__module__ == found.__name__ and ray_classes(ours):
                name = f"{found.__name__}:{ours.__name__}"
                seen.add(name)
                expected = set(OVERRIDES.get(name, {}))
                assert overridden(ours) == expected, f"{name} overrides {overridden(ours)}, OVERRIDES says {expected}"
    assert seen >= set(OVERRIDES)


# Functions that we call

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


# Tune's trials and results


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


@pytest.fixture
def trial(task, tmp_path) -> Any:
    """As `SearchController` makes it."""
    from ray.train._internal.storage import StorageContext
    from ray.tune import register_trainable

    from workers.trainables.trial import TrialProcess
    from workers.tune.controller import CountedTrial

    register_trainable("TrialProcess", TrialProcess, warn=False)
    storage = StorageContext(storage_path=str(tmp_path), experiment_dir_name="tune")
    return CountedTrial("TrialProcess", config={"task": task}, trial_id="000007", storage=storage, max_failures=2)


def test_a_trial_has_what_we_read_and_write(trial, task):
    assert trial.config["task"] is task, "Tune copies a trial's configuration, and our task with it"
    assert (trial.trial_id, trial.max_failures, trial.num_failures, trial.is_finished()) == ("000007", 2, 0, False)
    for name in ("relative_logdir", "last_result"):
        assert hasattr(trial, name), f"a trial of this Ray has no {name}"
    assert hasattr(trial.storage, "trial_dir_name"), "a trial's storage has no trial_dir_name"
    again = dataclasses.replace(task, attempt=2)
    trial.set_config({"task": again})
    assert trial.config["task"] is again


def test_a_trial_counts_the_death_of_a_process_on_a_preempted_node_and_writes_nothing(trial):
    """The reasons for `CountedTrial`: Ray's own `handle_error` does neither."""
    from ray.exceptions import ActorDiedError

    trial.init_local_path()
    preempted = ActorDiedError()
    preempted._preempted = True
    assert preempted.preempted
    trial.handle_error(preempted)
    assert (trial.num_failures, trial.should_recover()) == (1, True)
    assert trial.relative_logdir is None, "it has a folder"
    assert trial.run_metadata.error_filename is None, "it has written a file"


def test_a_place_asks_for_what_tune_reserves_for_a_trial(task):
    """Else Tune would not start the trial's process in the place that was granted."""
    from ray.air.execution import PlacementGroupResourceManager

    from workers.trainables.trial import TrialProcess
    from workers.tune.place import Place

    alone = dataclasses.replace(task, resources=Resources(cpus=2))
    place = Place(PlacementGroupResourceManager(), alone.resources, TrialProcess.processes(alone.resources))
    assert place._request == TrialProcess.default_resource_request({"task": alone})
    assert hash(place._request) == hash(TrialProcess.default_resource_request({"task": alone}))


def test_a_message_passes_tune_unopened(trial):
    """Tune keeps statistics of every number in a result: not of those in a message."""
    from nas.results.measurement import Measurement
    from workers.trainables.message import RESULT_KEY, Measured

    numbers = {"train_loss": 1.0, "val_loss": 1.0, "seconds": 1.0, "device_seconds": 1.0}
    message = Measured(attempt=1, result=Measurement(iteration=10, score=0.5, class_iou=(), **numbers), last=True)
    before = set(trial.run_metadata.metric_analysis)
    trial.update_last_result({RESULT_KEY: message, "done": True, "training_iteration": 1})
    assert trial.last_result[RESULT_KEY] is message
    kept = set(trial.run_metadata.metric_analysis) - before
    assert kept <= {"done", "training_iteration"}, f"Tune keeps statistics of what is in a message: {kept}"


def test_tune_does_not_know_a_process_that_ended_for_want_of_memory():
    """The reason for `TrialActors._actor_task_failed`, which may go when this fails."""
    from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError

    assert not issubclass(OutOfMemoryError, RayActorError | RayTaskError), "Ray's OutOfMemoryError has new parents"


def test_what_tune_reads_from_the_environment():
    from ray.train.constants import RAY_CHDIR_TO_TRIAL_DIR
    from ray.tune.constants import TUNE_ENV_VARS

    from workers.tune.controller import ENVIRONMENT

    unknown = set(ENVIRONMENT) - set(TUNE_ENV_VARS) - {RAY_CHDIR_TO_TRIAL_DIR}
    assert not unknown, f"Tune reads no such environment variables: {unknown}"


# Ray Train


@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")  # of what Ray Train itself sets there
def test_the_lean_trainer_leaves_out_what_ray_train_still_starts(task):
    from ray.train.torch import TorchTrainer

    from workers.trainables.group_workers import ReservationNote, trainer_of

    trainer = trainer_of(task, None)
    theirs = {type(callback).__name__ for callback in TorchTrainer._create_default_callbacks(trainer)}
    ours = {type(callback).__name__ for callback in trainer._create_default_callbacks()}
    left_out = {"DatasetsCallback", "PlacementGroupCleanerCallback"}
    assert left_out <= theirs, f"Ray Train starts no {left_out - theirs} any more: LeanTrainer need not leave it out"
    assert ours == theirs - left_out | {ReservationNote.__name__}


def test_the_placement_group_of_a_worker_group_is_found():
    from ray.train.v2._internal.execution.worker_group import WorkerGroupState
    from ray.train.v2._internal.execution.worker_group.placement_group_handle import PlacementGroupHandle

    fields = {field.name for field in dataclasses.fields(WorkerGroupState)}
    assert "placement_group_handle" in fields, "ReservationNote reads it from a worker group's state"
    assert hasattr(PlacementGroupHandle, "placement_group"), "ReservationNote reads it from a placement group's handle"


def test_what_ray_train_reads_from_the_environment():
    from ray.train.constants import RAY_CHDIR_TO_TRIAL_DIR
    from ray.train.v2._internal import constants

    from workers.trainables.group_workers import ENVIRONMENT

    known = {value for name, value in vars(constants).items() if name.endswith("_ENV_VAR")}
    unknown = set(ENVIRONMENT) - known - {RAY_CHDIR_TO_TRIAL_DIR}
    assert not unknown, f"Ray Train reads no such environment variables: {unknown}"


# `ray start`


def test_ray_start_takes_our_options():
    from ray.scripts.scripts import start

    from workers.cluster.local import start_command

    python, *words = start_command(Path("/tmp/segnas"), 8265)
    assert (python, words[:4]) == (sys.executable, ["-P", "-m", "ray.scripts.scripts", "start"])
    context = start.make_context("start", words[4:])  # NoSuchOption names the one that is gone
    assert context.params["dashboard_port"] == 8265
    assert context.params["no_monitor"]


def test_the_hook_of_ray_start_can_do_without_the_client_server(tmp_path):
    from ray._private import ray_constants
    from ray._private.parameter import RayParams
    from ray.scripts import scripts

    from workers.cluster.environment import environment

    env = environment(Settings(home=tmp_path), tmp_path / "ray", "marker")
    assert ray_constants.RAY_START_HOOK in env, "the environment variable of the hook has another name"
    call = "load_class(os.environ[ray_constants.RAY_START_HOOK])(ray_params, head)"
    assert call in inspect.getsource(scripts.start.callback), f"`ray start` does not call its hook like this: {call}"
    params = RayParams(ray_client_server_port=10001)
    scripts.load_class(env[ray_constants.RAY_START_HOOK])(params, True)
    assert params.ray_client_server_port is None


def test_what_a_local_cluster_reads_from_the_environment(tmp_path):
    from ray._private import node, ray_constants
    from ray._private.authentication import authentication_token_setup

    from workers.cluster.environment import environment

    env = environment(Settings(home=tmp_path), tmp_path / "ray", "marker")
    assert ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR in env, "Ray's switch for a machine without a cluster was renamed"
    assert authentication_token_setup.AUTH_MODE_ENV_VAR in env, "Ray's switch for its token was renamed"
    for name in ("RAY_ROTATION_MAX_BYTES", "RAY_ROTATION_BACKUP_COUNT"):
        assert name in env
        assert name in inspect.getsource(node), f"a node does not read {name} any more: its logs may fill the disk"


# In a real Ray


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
