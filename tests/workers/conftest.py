from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nas.data.entry import DatasetEntry
from nas.settings import Settings
from nas.specs import AshaStopping, BlackBoxSpec, Fidelity, Resources, SearchSpec
from nas.store import Store
from nas.training.workspace import Workspace
from workers.cluster.local import LocalRay
from workers.cluster.processes import find

# Ray reads these when it is imported, which the modules collected after this one do.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_AUTH_MODE"] = "token"

SpecOf = Callable[..., BlackBoxSpec]


@pytest.fixture(scope="session")
def spec_of() -> SpecOf:
    """A small search's spec; arguments replace its fields."""

    def make(**changes: Any) -> BlackBoxSpec:
        fields: dict[str, Any] = {
            "name": "toy",
            "fidelity": Fidelity(dataset="tiny", rungs=(10, 20, 40)),
            "trials": 12,
            "early_stopping": AshaStopping(reduction=2),
            "resources": Resources(cpus=1, concurrent=2),
            "retries": 1,
        }
        return BlackBoxSpec(**fields | changes)

    return make


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'segnas.db'}") as opened:
        opened.migrate()
        yield opened


@dataclass(frozen=True)
class RunningRay:
    """A real Ray that this process is connected to, and the settings that its jobs see."""

    settings: Settings
    local: LocalRay


@pytest.fixture(scope="session")
def running_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRay]:
    import ray

    home = tmp_path_factory.mktemp("home")
    scenes = write_scenes(tmp_path_factory.mktemp("scenes"))
    settings = Settings(home=home, dashboard_port=0, datasets={"tiny": DatasetEntry(layout="cityscapes", root=scenes)})
    local = LocalRay.start(settings)
    before = dict(os.environ)
    os.environ |= local.client_environment()
    try:
        ray.init(address=local.address, log_to_driver=False, logging_level="ERROR")
        yield RunningRay(settings, local)
        ray.shutdown()
    finally:
        os.environ.clear()
        os.environ |= before
        local.stop()
    assert not find(local.marker)


@pytest.fixture
def travels_by_value(request: pytest.FixtureRequest, running_ray: RunningRay) -> Iterator[None]:
    """The classes of the test's module, which the processes that run them cannot import."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(request.module)
    yield
    cloudpickle.unregister_pickle_by_value(request.module)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """No data, and an empty cache."""
    (tmp_path / "cache").mkdir()
    return Workspace({}, {}, tmp_path / "cache", tmp_path / "artifacts")


def begin(store: Store, spec: SearchSpec) -> tuple[str, int]:
    """Create a search and begin its first driver; returns its id and the driver's attempt."""
    search_id = store.create_search(spec)[0].id
    return search_id, store.begin_driver(search_id)


def write_scenes(root: Path) -> Path:
    """Sky over road with one car, in the Cityscapes layout: enough to train on, whatever comes out."""
    import numpy as np
    from PIL import Image

    road, sky, car = 7, 23, 26
    rng = np.random.default_rng(0)
    for split, count in (("train", 10), ("val", 5)):
        for index in range(count):
            ids = np.full((64, 128), sky, np.uint8)
            ids[32:] = road
            left = int(rng.integers(0, 90))
            ids[36:52, left : left + 32] = car
            pixels = np.stack([ids * 3, ids * 5, 255 - ids * 4], axis=-1).astype(np.uint8)
            name = f"town_{index:06d}_000000"
            image = root / "leftImg8bit" / split / "town" / f"{name}_leftImg8bit.png"
            label = root / "gtFine" / split / "town" / f"{name}_gtFine_labelIds.png"
            for path, array in ((image, pixels), (label, ids)):
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array).save(path)
    return root
