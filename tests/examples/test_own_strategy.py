"""The example of a strategy of one's own: it keeps the contract, it is compared, and the service knows its kind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import heads_bench
from examples import own_strategy
from nas.strategies.contract import OnNetworks

ROOT = Path(__file__).parents[2]
TABLE = Path(heads_bench.__file__).with_name("heads.zip")


class TestOnCells(own_strategy.TestHillClimbing):
    asks = 60


class TestOnNetworks(OnNetworks, own_strategy.TestHillClimbing):
    asks = 60


@pytest.mark.slow
def test_it_is_compared_on_recorded_heads(capsys):
    own_strategy.main([str(TABLE), "--dataset", "scenes", "--seeds", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["random", "hill climbing"]
    assert all(0.5 < float(line.split()[-7]) < 0.7 for line in lines), lines


PLUGGED = """
from nas.kinds.registry import kind_of
from nas.specs.requests import search_requests
from nas.store import Store
from own_strategy import HillClimbing
from tests.builders import scenes_fidelity
from tests.workers.driver.toy import drive, replaced

requested = {model.__name__: model for model in search_requests()}["ClimbSpec"]
asked = {"kind": "climb", "name": "up", "trials": 12, "fidelity": scenes_fidelity(10, 40).model_dump(mode="json")}
with Store.open("sqlite://") as store:
    store.migrate()
    straight, resumed = (store.create_search(requested.model_validate(asked))[0].id for _ in range(2))
    spec = store.get_search(straight).spec
    assert (spec.kind, kind_of(spec).method(spec)) == ("climb", "hill climbing")
    assert isinstance(kind_of(spec).plan(spec, straight, store)._strategy, HillClimbing)
    assert drive(store, straight) is None
    assert drive(store, resumed, die_at=20) is not None
    replaced(store, resumed)
    assert drive(store, resumed) is None
    one, other = ([trial.architecture for trial in store.all_trials(search)] for search in (straight, resumed))
    assert one == other and len(set(one)) == 12
    print(store.get_search(resumed).status)
"""


@pytest.mark.slow
def test_a_package_brings_it_as_a_kind_of_search(tmp_path):
    """Installed as pip would do it, in a process of its own; its driver is lost in the middle, and the next goes on."""
    about = tmp_path / "own_strategy-1.0.dist-info"
    about.mkdir()
    shutil.copy(own_strategy.__file__, tmp_path)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: own-strategy\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[segnas.kinds]\nclimb = own_strategy:KIND\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", PLUGGED], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stdout.split() == ["completed"], done.stderr
