"""The service as a process of its own, with its own Ray: started, used, its driver killed, ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from api.__main__ import ENDING, _end_by_signals, _listening_socket, main
from nas import cli
from nas.client import Client, ClientError
from nas.results.status import SearchStatus
from nas.settings import Settings
from nas.specs import BlackBoxSpec
from nas.store import Store
from workers.cluster import processes
from workers.cluster.local import LocalRay
from workers.cluster.processes import find
from workers.cluster.watch import role

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "grpc_proxy")
ROOT = Path(__file__).parents[2]
PATIENCE = 300.0


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture
def environment(home: Settings) -> dict[str, str]:
    datasets = {name: entry.model_dump(mode="json") for name, entry in home.datasets.items()}
    ours = {
        "SEGNAS_HOME": str(home.folder),
        "SEGNAS_DATASETS": json.dumps(datasets),
        "SEGNAS_DASHBOARD_PORT": "0",
        "SEGNAS_RECONCILE_SECONDS": "0.5",
        "PYTHONPATH": str(ROOT),
        **dict.fromkeys(PROXIES, "socks5://127.0.0.1:9"),  # nobody is there, and nobody should ask
    }
    return {name: value for name, value in os.environ.items() if not name.startswith(("SEGNAS_", "RAY_"))} | ours


SERVE = [sys.executable, "-c", "import nas.cli; nas.cli.main()", "serve", "--port", "0"]
"""With `-c`, too, the current folder is where Python looks first."""


@pytest.fixture(autouse=True)
def _signals_as_in_a_terminal() -> Iterator[None]:
    """Tests that run under `nohup` or in the background of a shell hand ignored signals down to what they start."""
    ignored = [number for number in ENDING if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with somebody else's packages of our names."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for name in ("api", "workers"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise RuntimeError('this is not the service')")
    return folder


@pytest.fixture
def process(environment: dict[str, str], home: Settings, elsewhere: Path) -> Iterator[subprocess.Popen[str]]:
    log = (home.folder / "service.log").open("w")
    service = subprocess.Popen(SERVE, env=environment, cwd=elsewhere, stdout=log, stderr=subprocess.STDOUT, text=True)
    try:
        yield service
    finally:
        if service.poll() is None:
            service.send_signal(signal.SIGTERM)
            service.wait(timeout=PATIENCE)
        log.close()


def drivers(search: str) -> list[int]:
    """Process ids of a search's drivers (the shells that Ray puts around them left out)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"workers.driver" in words and search.encode() in words:
            found.append(int(entry.name))
    return found


def strike(home: Settings, name: str, number: signal.Signals) -> None:
    """Send a signal to a process of the home folder's Ray."""
    ray = LocalRay.attach(home)
    assert ray is not None
    for process in find(ray.marker):
        if role(process) == name:
            process.send_signal(number)
            return
    raise AssertionError(f"no {name}")


@pytest.mark.ray
@pytest.mark.timeout(900)  # Ray is started twice
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the driver's process in /proc")
def test_a_service_with_its_own_ray(process, home, environment, elsewhere):
    log = home.folder / "service.log"
    wait_for(lambda: (home.folder / "server.json").exists() or process.poll() is not None, "no start")
    assert process.poll() is None, log.read_text()
    with Client.from_home(home) as client:
        wait_for(client.ready, "not ready")
        said = log.read_text()
        assert f"{client.url}/docs" in said
        assert str(client.server().ray_dashboard) in said

        spec = {"name": "no data", "fidelity": {"dataset": "scenes"}}
        large = {**spec, "name": "too large", "resources": {"gpus": 64, "concurrent": 1}}
        with pytest.raises(
            ClientError, match=r"fidelity\.dataset: data set 'scenes' cannot be used: root folder <root>"
        ):
            client.create_search(spec)
        # The store takes what the service refuses: data can go, and GPUs too, after a search was accepted.
        with Store.open(home.store_url) as store:
            broken, _ = store.create_search(BlackBoxSpec.model_validate(spec))
            waiting, _ = store.create_search(BlackBoxSpec.model_validate(large))

        # A data set that is not there ends the search with a sentence, not with a dead driver.
        ended = client.wait(broken.id, timeout=PATIENCE)
        assert (ended.status, ended.attempt) == (SearchStatus.FAILED, 1)
        assert ended.message is not None
        assert "secret-place" in ended.message
        assert broken.id in client.logs(broken.id)

        # A driver that is killed is replaced, and its search goes on.
        wait_for(lambda: (stage := client.search(waiting.id).stage) and "64 GPUs" in stage.name, "no stage")
        (driver,) = drivers(waiting.id)
        os.kill(driver, signal.SIGKILL)
        wait_for(lambda: client.search(waiting.id).attempt == 2, "not replaced")
        wait_for(lambda: client.search(waiting.id).status is SearchStatus.RUNNING, "not running again")

        # A second service on the home folder is told of the first, and leaves everything as it is.
        second = subprocess.run(SERVE, env=environment, cwd=elsewhere, capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert f"process {process.pid}, at {client.url}, since" in second.stderr
        assert client.ready()
        assert Client.from_home(home).url == client.url

        # A raylet that dies takes its drivers along. Ray is started again in its place, and the search goes on.
        dashboard, attempt = client.server().ray_dashboard, client.search(waiting.id).attempt
        strike(home, "raylet", signal.SIGKILL)
        wait_for(lambda: not client.ready(), "not noticed")
        assert "its raylet is dead" in str(client.server().parts["raylet"].message)
        wait_for(client.ready, "Ray was not started again")
        assert client.server().ray_dashboard == dashboard
        wait_for(lambda: client.search(waiting.id).attempt > attempt, "not replaced")
        wait_for(lambda: client.search(waiting.id).status is SearchStatus.RUNNING, "not running again")

        # A stop ends the driver within seconds.
        assert client.stop(waiting.id).status is SearchStatus.STOPPING
        assert client.wait(waiting.id, timeout=20, poll=0.1).status is SearchStatus.STOPPED
        wait_for(lambda: not drivers(waiting.id), "a driver is left")

    process.send_signal(signal.SIGHUP)  # the terminal was closed
    assert process.wait(timeout=PATIENCE) == 0
    assert not (home.folder / "server.json").exists()
    assert not Client(client.url).alive()
    assert processes.markers("SEGNAS_HOME", str(home.folder)) == set()


@pytest.mark.chaos
@pytest.mark.ray
@pytest.mark.timeout(1800)
def test_whatever_of_ray_dies_or_falls_silent_is_started_again(process, home, environment, elsewhere):
    wait_for(lambda: (home.folder / "server.json").exists() or process.poll() is not None, "no start")
    with Client.from_home(home) as client:
        wait_for(client.ready, "not ready")
        dashboard = client.server().ray_dashboard
        for name, number in [
            ("gcs_server", signal.SIGKILL),
            ("dashboard", signal.SIGKILL),
            ("gcs_server", signal.SIGSTOP),
            ("raylet", signal.SIGSTOP),
        ]:
            strike(home, name, number)
            wait_for(lambda: not client.ready(), f"{number.name} of {name} was not noticed")
            wait_for(client.ready, f"not started again after {number.name} of {name}")
            assert client.server().ray_dashboard == dashboard

        # A service that is killed leaves Ray running, which the next one takes over.
        before = LocalRay.attach(home)
        process.kill()
        process.wait()
        with (home.folder / "next.log").open("w") as log:
            after = subprocess.Popen(SERVE, env=environment, cwd=elsewhere, stdout=log, stderr=log)
            try:
                wait_for(lambda: "live page" in (home.folder / "next.log").read_text(), "no next service")
                assert LocalRay.attach(home) == before
                # It ends in order in the middle of starting Ray again.
                strike(home, "raylet", signal.SIGKILL)
                wait_for(lambda: "is being started again" in (home.folder / "next.log").read_text(), "not noticed")
            finally:
                after.send_signal(signal.SIGTERM)
                assert after.wait(timeout=PATIENCE) == 0
    assert processes.markers("SEGNAS_HOME", str(home.folder)) == set()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_service_for_each_home_folder(home, environment, elsewhere):
    """Its cluster is elsewhere (and away), so no Ray is started."""
    environment = {**environment, "SEGNAS_RAY_DASHBOARD": "http://127.0.0.1:9"}
    file = home.folder / "server.json"
    file.write_text('{"url": "http://127.0.0.1:1", "pi')  # cut by a power cut

    def start() -> subprocess.Popen[bytes]:
        with (home.folder / "service.log").open("a") as log:
            return subprocess.Popen(SERVE, env=environment, cwd=elsewhere, stdout=log, stderr=log)

    first = start()
    try:
        wait_for(partial(_names, file, first.pid), "no start")
        with Client.from_home(home) as client:
            wait_for(client.alive, "no answer")
            parts = client.server().parts
            assert {name for name, part in parts.items() if part.ok} == {"store", "disk"}
            assert "no answer from the Ray cluster at http://127.0.0.1:9" in str(parts["gcs"].message)
            second = subprocess.run(SERVE, env=environment, cwd=elsewhere, capture_output=True, text=True, check=False)
            assert second.returncode == 1
            assert f"process {first.pid}, at {client.url}, since" in second.stderr
            assert client.alive()
            assert str(first.pid) in file.read_text()
    finally:
        first.kill()
        first.wait()
    for number in (signal.SIGHUP, signal.SIGQUIT):
        service = start()
        wait_for(partial(_names, file, service.pid), "no start after a service that was killed")
        service.send_signal(number)
        assert service.wait(timeout=PATIENCE) == 0
        assert not file.exists()
        file.touch()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_service_runs_on_where_nobody_reads_what_it_prints(home, environment, elsewhere):
    """As in `segnas serve | head -1`, or after the end of the program that showed it."""
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**environment, "SEGNAS_RAY_DASHBOARD": "http://127.0.0.1:9"}
    with (home.folder / "service.log").open("w") as log:
        service = subprocess.Popen(SERVE, env=environment, cwd=elsewhere, stdout=writer, stderr=log)
    os.close(writer)
    try:
        file = home.folder / "server.json"
        wait_for(lambda: file.exists() or service.poll() is not None, "no start")
        with Client.from_home(home) as client:
            wait_for(client.alive, (home.folder / "service.log").read_text())
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=PATIENCE) == 0
        assert "Traceback" not in (home.folder / "service.log").read_text()
    finally:
        service.kill()
        service.wait()


def _names(file: Path, pid: int) -> bool:
    return str(pid) in file.read_text()


def test_nohup_is_left_its_way(here):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _end_by_signals()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_answers_on_a_connection_that_is_used_again_do_not_wait(home):
    with _listening_socket(home) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_service_that_lacks_what_searches_import_says_so(here, capsys):
    here.setattr("workers.cluster.requirements.missing_modules", lambda: ["pyarrow"])
    assert main(["--port", "0"]) == 1
    assert "without pyarrow: pip install 'segnas[server]'" in capsys.readouterr().err


@pytest.fixture
def here(environment, monkeypatch):
    """The same environment for `main` in this process, which is quicker than a process for each mistake."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    handlers = {number: signal.getsignal(number) for number in ENDING}
    yield monkeypatch
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("changes", "arguments", "code", "sentence"),
    [
        ({"SEGNAS_HOST": "0.0.0.0"}, [], 2, "refusing to serve on 0.0.0.0 without a token"),
        ({}, ["--host", "192.0.2.1"], 2, "refusing to serve"),
        ({"SEGNAS_PORT": "many"}, [], 2, "configuration: port:"),
        ({"SEGNAS_DATASETS": "{"}, [], 2, "SEGNAS_DATASETS is not JSON"),
        ({"SEGNAS_DATABASE_URL": "oracle://x"}, [], 2, "not supported"),
        ({"SEGNAS_DATABASE_URL": "postgresql://127.0.0.1:1/x"}, ["--port", "0"], 1, "the database cannot be used"),
    ],
)
def test_what_cannot_work_says_why_and_starts_nothing(*, here, capsys, changes, arguments, code, sentence):
    for name, value in changes.items():
        here.setenv(name, value)
    assert main(arguments) == code
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "arguments", "code", "sentence"),
    [
        ({}, ["--host", "192.0.2.1", "--keep-ray"], 2, "segnas serve: refusing to serve on 192.0.2.1 without a token"),
        ({"SEGNAS_DATABASE_URL": "postgresql://127.0.0.1:1/x"}, ["--port", "0"], 1, "the database cannot be used"),
        ({}, ["--port", "65536"], 2, "--port"),
    ],
)
def test_the_command_serves_in_its_own_process(*, here, capsys, changes, arguments, code, sentence):
    for name, value in changes.items():
        here.setenv(name, value)
    here.setattr(sys, "argv", ["segnas", "serve", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--port", "many"], ["--port", "-1"], ["--prot", "0"], ["here"]])
def test_wrong_use_is_exit_code_2(capsys, arguments):
    assert main(arguments) == 2
    assert "Usage: python -m api" in capsys.readouterr().err


def test_a_port_that_is_taken(here, capsys, service):
    assert main(["--port", str(service.settings.port)]) == 1
    assert "another port can be named with --port" in capsys.readouterr().err


@pytest.mark.slow
def test_the_service_imports_no_torch_no_ray_and_no_numpy(environment):
    """Its image has neither, and it should start in a second."""
    code = "import sys, api.__main__; print(sorted({'torch', 'ray', 'numpy', 'optuna'} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
