"""The command `ray` of the worker image: its environment, and which processes it leaves out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from workers.cluster.node import leave_out_unused, node_environment


def test_every_line_of_the_file_is_a_variable_of_ray_or_of_the_allocator():
    environment = node_environment()
    assert {name.partition("_")[0] for name in environment} == {"RAY", "MALLOC"}
    assert all(environment.values())
    assert environment["RAY_START_HOOK"] == f"{leave_out_unused.__module__}.{leave_out_unused.__qualname__}"


@pytest.mark.parametrize(("pool", "wanted", "left_out"), [(None, False, True), ("pool.yaml", False, False)])
def test_the_monitor_runs_where_it_has_a_pool(pool, wanted, left_out):
    params = SimpleNamespace(ray_client_server_port=10001, no_monitor=wanted, autoscaling_config=pool)
    leave_out_unused(params, True)
    assert params.no_monitor is left_out
    assert params.ray_client_server_port is None


def test_a_monitor_that_somebody_else_replaces_stays_left_out():
    params = SimpleNamespace(ray_client_server_port=None, no_monitor=True, autoscaling_config="pool.yaml")
    leave_out_unused(params, True)  # KubeRay passes --no-monitor: its own autoscaler runs beside the head
    assert params.no_monitor


def test_ray_is_run_with_the_arguments_in_the_environment_of_a_node(tmp_path):
    package = tmp_path / "ray" / "scripts"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    show = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))"
    (package / "scripts.py").write_text(show)
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{tmp_path}:{Path.cwd()}", "RAY_ROTATION_MAX_BYTES": "5"}
    command = [sys.executable, "-m", "workers.cluster.node", "start", "--head"]
    printed = subprocess.run(command, env=given, check=True, capture_output=True, text=True).stdout
    arguments, environment = json.loads(printed)
    assert arguments == ["start", "--head"]
    assert environment.items() >= (node_environment() | given).items()
