from __future__ import annotations

import contextlib
import os
import random
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import settings as hypothesis_settings

os.environ["SEGNAS_NATIVE"] = "false"  # before anything asks; the fixtures `native_...` turn the kernels on

# Only names: what a test does not use it should not have to import.
if TYPE_CHECKING:
    from api.reconciler import JobCluster
    from nas.results.snapshot import Snapshot
    from nas.results.status import TrialStatus
    from nas.settings import Settings
    from nas.store import Store

# A slow or busy machine is no failure: time limits are pytest's.
hypothesis_settings.register_profile("segnas", deadline=None)
hypothesis_settings.register_profile("quick", deadline=None, max_examples=20)  # make quick asks for it
hypothesis_settings.load_profile("segnas")

BACKEND_FIXTURES = ("url", "empty_url")
"""Fixtures whose parameter is the database that a test runs on (tests/nas/store/conftest.py)."""

NETWORKS = tuple(Path(__file__).parent / "nas" / folder for folder in ("models", "training"))
"""Folders whose tests build and train networks; all of them are slow, as importing torch alone is."""


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by `-m`
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the marks `ray` and `postgres` on what asks for the one or the other by its fixtures, `slow` on folders."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        if "running_ray" in fixtures:
            item.add_marker("ray")
        if "postgres" in fixtures or any(parameters.get(name) == "postgresql" for name in BACKEND_FIXTURES):
            item.add_marker("postgres")
        if any(item.path.is_relative_to(folder) for folder in NETWORKS):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def native_cache() -> Path:
    """The cache folder of compiled kernels, which stays between runs: its content has the hash of its source."""
    return Path(tempfile.gettempdir()) / f"segnas-native-{os.getuid()}"


@pytest.fixture
def native_heads(native_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The kernels of heads, used within the test; skipped, and said why, where they cannot be compiled."""
    with _native("heads", native_cache, monkeypatch) as found:
        yield found


@pytest.fixture
def native_supernet(native_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The kernels of the supernet, likewise."""
    with _native("supernet", native_cache, monkeypatch) as found:
        yield found


@contextlib.contextmanager
def _native(part: Any, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from nas.models.layers.native import kernels, prepare_kernels, without_kernels

    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setenv("SEGNAS_NATIVE", "true")
    with without_kernels():  # restores what was chosen before
        if (reason := prepare_kernels(part)) is not None:
            pytest.skip(reason)
        yield kernels(part)


SOFTWARE = {"torch": "2.13.0"}
SPEC: dict[str, Any] = {"name": "a search", "trials": 20, "fidelity": {"dataset": "scenes", "rungs": [100, 200]}}


def start_driver(store: Store, search_id: str) -> None:
    """Start a driver of a queued search; the reconciler of a service may have begun one a moment ago."""
    from nas.store import ConflictError

    try:
        attempt = store.begin_driver(search_id)
    except ConflictError:
        attempt = store.get_search(search_id).attempt
    store.driver_started(search_id, attempt, SOFTWARE)


class Service:
    """A running HTTP service: its settings, its store as a driver sees it, and an HTTP client."""

    spec = SPEC

    def __init__(self, settings: Settings, store: Store, http: httpx.Client) -> None:
        self.settings = settings
        self.store = store
        self.http = http

    @property
    def url(self) -> str:
        return str(self.http.base_url).rstrip("/")

    def search(self, running: bool = True, **changes: Any) -> str:
        """The id of a new search; when running, with a driver that has started."""
        from nas.specs import BlackBoxSpec

        record, _ = self.store.create_search(BlackBoxSpec.model_validate({**SPEC, **changes}))
        if running:
            start_driver(self.store, record.id)
        return record.id

    def trial(
        self,
        search_id: str,
        number: int,
        *scores: float,
        end: TrialStatus | None = None,
        judged: bool | None = None,
    ) -> None:
        """A trial that measured these scores at the rungs in turn, passing them judged or not, and ended so."""
        from nas.results.proposal import Proposal
        from search_spaces.dense_cell.space import sample
        from tests.builders import measured

        search = self.store.get_search(search_id)
        fidelity = search.spec.fidelities["fidelity"]
        self.store.add_trial(
            search_id, search.attempt, Proposal(number, sample(5, random.Random(number)), fidelity, seed=7)
        )
        for rung, score in zip(fidelity.rungs, scores, strict=False):
            seconds = {"seconds": rung / 100, "device_seconds": rung / 50}
            found = measured(rung, score, class_iou=(score, None), val_loss=1.5, **seconds)
            self.store.record_measurement(search_id, number, 1, found, judged)
        if end is not None:
            self.store.finish_trial(search_id, number, 1, end)

    def finish(self, search_id: str) -> None:
        """The driver's end of a search that it has completed."""
        from nas.results.status import SearchStatus

        self.store.finish_search(search_id, self.store.get_search(search_id).attempt, SearchStatus.COMPLETED)


@pytest.fixture(scope="session")
def snapshot_at() -> Callable[..., Snapshot]:
    """Build the snapshot of a small run after an epoch, its network told by the epoch; any field can be given."""
    from nas.results.snapshot import Snapshot
    from search_spaces.auto_deeplab.space import sample
    from tests.builders import uniform_beta

    def build(epoch: int, **fields: Any) -> Snapshot:
        architecture = fields.get("architecture") or sample(1, 3, random.Random(epoch))
        content = {
            "step": 10 * epoch,
            "architecture": architecture,
            "path": architecture.path,
            "alpha": ((0.25, 0.75),),
            "beta": uniform_beta(len(architecture.path)),
            "alpha_entropy": 0.8,
            "beta_entropy": 0.9,
            "supernet_miou": 0.5,
            "train_loss": 1.5,
            "architecture_loss": None,
            "device_seconds": 12.5 * epoch,
            "finished": False,
        }
        return Snapshot(epoch=epoch, **(content | fields))

    return build


@contextlib.contextmanager
def serving(settings: Settings, cluster: JobCluster | None = None) -> Iterator[Service]:
    """The service on a real socket, in a thread."""
    import uvicorn

    from api.app import create_app
    from nas.store import Store

    listener = socket.create_server((settings.host, settings.port))
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    app = create_app(settings, cluster)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.005)
    token = {} if settings.token is None else {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
    try:
        with (
            Store.open(settings.store_url) as store,
            httpx.Client(base_url=f"http://127.0.0.1:{settings.port}", headers=token, timeout=20.0) as http,
        ):
            yield Service(settings, store, http)
    finally:
        server.should_exit = True
        thread.join(timeout=20.0)
        listener.close()
    assert not thread.is_alive(), "the service did not end"


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """Settings of a service of its own: one data set that is not there, a quick reconciler, any port."""
    return _settings(tmp_path)


@pytest.fixture(name="serving")
def _serving() -> Callable[..., contextlib.AbstractContextManager[Service]]:
    """A service on given settings (and a cluster) for a `with` block."""
    return serving


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    """Start a service with the given settings (and cluster); it ends with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda settings, cluster=None: stack.enter_context(serving(settings, cluster))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service without a cluster for all tests of a file."""
    with serving(_settings(tmp_path_factory.mktemp("home"))) as running:
        yield running


def _settings(folder: Path) -> Settings:
    from nas.settings import Settings

    return Settings(
        home=folder,
        port=0,
        datasets={"scenes": {"layout": "cityscapes", "root": folder / "secret-place"}},
        weights={"mobilenet": folder / "mobilenet.pth"},
        reconcile_seconds=0.05,
    )
