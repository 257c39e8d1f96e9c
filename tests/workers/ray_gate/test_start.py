"""The gate for a new Ray: options, hook and environment of `ray start`."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from nas.settings import Settings


def test_ray_start_takes_our_options():
    from ray.scripts.scripts import start

    from workers.cluster.local import start_command

    python, *words = start_command(Path("/tmp/segnas"), 8265)
    assert (python, words[:4]) == (sys.executable, ["-P", "-m", "ray.scripts.scripts", "start"])
    context = start.make_context("start", words[4:])  # NoSuchOption names the one that is gone
    assert context.params["dashboard_port"] == 8265


def test_the_hook_of_ray_start_can_do_without_client_server_and_monitor(tmp_path):
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
    assert params.no_monitor


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
