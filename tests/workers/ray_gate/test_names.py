"""The gate for a new Ray: whatever we use of Ray beside its documented interface, checked against the installed Ray.

To raise Ray's version, change pyproject.toml and constraints.txt, and run this folder first. Each failure says in a
sentence which part of Ray has moved and who needs it; when all pass, run the other tests of tests/workers, which try
the behaviour in whole searches.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import FunctionType

import pytest

from tests.workers.ray_gate.ray_imports import HOMES_OF_PRIVATE_RAY, IMPORTS, is_private, parameters


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
