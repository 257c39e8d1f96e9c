"""What a dry run warns of: allowed, and perhaps not meant."""

from __future__ import annotations

import os

import pytest

from api.warnings import find_warnings
from nas.specs import BlackBoxSpec, DenseCellSpace, DpcStrategy, EvolutionStrategy, RandomStrategy, Resources
from tests.api.told_cluster import ToldCluster
from tests.builders import scenes_fidelity
from workers.cluster.state import STATE_FILE, ClusterState, cluster_folder


def spec(**changes: object) -> BlackBoxSpec:
    return BlackBoxSpec.model_validate({"name": "x", "fidelity": scenes_fidelity(100), "trials": 20, **changes})


def found(settings, asked, cluster=None) -> dict[str, str]:
    return {problem.path: problem.message for problem in find_warnings(asked, settings, cluster or ToldCluster())}


def test_nothing_is_odd_about_a_usual_search(home):
    assert found(home, spec()) == {}


@pytest.mark.parametrize(
    ("strategy", "path"),
    [(DpcStrategy(startup=20), "strategy.startup"), (EvolutionStrategy(population=30), "strategy.population")],
)
def test_a_strategy_that_never_learns(home, strategy, path):
    assert "draws its first" in found(home, spec(strategy=strategy))[path]
    assert found(home, spec(strategy=strategy, trials=31)) == {}


def test_a_space_smaller_than_the_search(home):
    small = spec(space=DenseCellSpace(branches=1), strategy=RandomStrategy(), trials=100)
    assert found(home, small)["trials"] == "the space has 81 architectures, so the search ends after 81 trials"


def test_a_machine_smaller_than_the_search(home):
    many = spec(resources=Resources(cpus=1, concurrent=10_000))
    assert found(home, many) == {}, "a cluster may have more than this machine"
    url, folder = "http://127.0.0.1:1", cluster_folder(home.folder)
    folder.mkdir(parents=True)
    state = ClusterState(dashboard_url=url, address="127.0.0.1:2", marker="m", temp=folder, fingerprint="f")
    (folder / STATE_FILE).write_text(state.model_dump_json())
    here = home.model_copy(update={"ray_dashboard": url})
    assert found(here, many)["resources.concurrent"] == (
        f"this machine has {os.cpu_count()} CPUs, so that {os.cpu_count()} of 10000 trials run at a time"
    )
    assert found(here, spec(resources=Resources(cpus=1, concurrent=1))) == {}


def test_a_cluster_that_is_away(home):
    away = ToldCluster()
    away.there = False
    assert found(home, spec(), away) == {"": "the search would wait for the Ray cluster: no answer"}
    (alone,) = find_warnings(spec(), home, None)
    assert (alone.path, "no Ray cluster" in alone.message) == ("", True)
