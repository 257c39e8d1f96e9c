"""A real Ray of its own home folder: started once, found again, ended without a trace."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from nas.settings import Settings
from workers.cluster import local as local_ray
from workers.cluster import processes
from workers.cluster.environment import environment, write_database_url
from workers.cluster.local import LocalRay
from workers.cluster.node import node_environment


@pytest.mark.ray
def test_starts_attaches_and_stops_leaving_nothing(tmp_path, monkeypatch):
    deep = tmp_path / ("a-folder-whose-name-is-too-long-for-a-socket-" + "x" * 60)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")  # somebody else's cluster
    settings = Settings(home=deep, dashboard_port=0)
    cluster = LocalRay.start(settings)
    try:
        assert LocalRay.start(settings) == cluster
        assert LocalRay.attach(settings) == cluster
        assert stat.S_IMODE((deep / "ray" / "token").stat().st_mode) == 0o600
        assert stat.S_IMODE((deep / "ray").stat().st_mode) == 0o700
        assert not cluster.temp.is_relative_to(deep)
        jobs = f"{cluster.dashboard_url}/api/jobs/"
        assert httpx.get(jobs).status_code == 401
        assert httpx.get(jobs, headers={"Authorization": "Bearer wrong"}).status_code == 403
        assert httpx.get(jobs, headers={"Authorization": f"Bearer {cluster.token}"}).json() == []
        assert _addresses(cluster) == {"127.0.0.1"}
        commands = [" ".join(process.cmdline()) for process in processes.find(cluster.marker)]
        assert not [command for command in commands if "ray.util.client.server" in command or "/monitor.py" in command]
    finally:
        cluster.stop()
    assert processes.find(cluster.marker) == []
    assert not cluster.temp.exists()
    assert LocalRay.attach(settings) is None


def test_a_taken_dashboard_port_is_said(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(RuntimeError, match=f"port {port} for the Ray dashboard is taken.*SEGNAS_DASHBOARD_PORT"):
            LocalRay.start(Settings(home=tmp_path, dashboard_port=port))


def test_jobs_see_the_settings_and_not_the_secrets_of_the_service(tmp_path, monkeypatch):
    monkeypatch.setenv("SEGNAS_TOKEN", "the API's own")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another cluster's")
    monkeypatch.setenv("RAY_memory_usage_threshold", "0.9")
    settings = Settings(
        home=tmp_path,
        datasets={"tiny": {"layout": "cityscapes", "root": tmp_path / "data"}},
        weights={"w": tmp_path / "w.pth"},
        database_url="postgresql://user:secret@host/db",
    )
    env = environment(settings, tmp_path / "ray", "marker")
    assert "SEGNAS_TOKEN" not in env
    assert "RAY_AUTH_TOKEN" not in env
    assert env["RAY_memory_usage_threshold"] == "0.9"
    assert env["RAY_AUTH_MODE"] == "token"
    for name in [name for name in os.environ if name.startswith("SEGNAS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "ray").mkdir()
    write_database_url(settings, tmp_path / "ray")
    for name in ("SEGNAS_HOME", "SEGNAS_DATASETS", "SEGNAS_WEIGHTS", "SEGNAS_DATABASE_URL_FILE"):
        monkeypatch.setenv(name, env[name])
    seen = Settings()
    assert (seen.folder, seen.datasets, seen.weights) == (settings.folder, settings.datasets, settings.weights)
    assert seen.store_url == settings.store_url


@pytest.mark.parametrize("given", ["url", "setting", "PGPASSWORD"])
def test_the_databases_password_is_in_a_file_and_in_no_environment(given, tmp_path, monkeypatch):
    password = "p@s/s#"
    url = "postgresql://user:p%40s%2Fs%23@host/db" if given == "url" else "postgresql://user@host/db"
    if given == "PGPASSWORD":
        monkeypatch.setenv("PGPASSWORD", password)
    settings = Settings(home=tmp_path, database_url=url, database_password=password if given == "setting" else None)
    env = environment(settings, tmp_path, "marker")
    assert not [name for name, value in env.items() if password in value or "p%40s" in value]
    write_database_url(settings, tmp_path)
    file = Path(env["SEGNAS_DATABASE_URL_FILE"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for name in ("SEGNAS_HOME", "SEGNAS_DATABASE_URL_FILE"):
        monkeypatch.setenv(name, env[name])
    assert make_url(Settings().store_url).password == password


def test_a_database_file_has_no_password_and_is_named_itself(tmp_path):
    env = environment(Settings(home=tmp_path, database_url="sqlite:////tmp/x.db"), tmp_path, "marker")
    assert env["SEGNAS_DATABASE_URL"] == "sqlite:////tmp/x.db"
    env = environment(Settings(home=tmp_path), tmp_path, "marker")
    assert not [name for name in env if name.startswith("SEGNAS_DATABASE")]
    write_database_url(Settings(home=tmp_path), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_other_settings_mean_another_cluster(tmp_path):
    base = {"home": tmp_path, "dashboard_port": 0}
    same = local_ray._fingerprint(Settings(**base))
    assert local_ray._fingerprint(Settings(**base, port=9999)) == same
    data = {"tiny": {"layout": "cityscapes", "root": tmp_path}}
    assert local_ray._fingerprint(Settings(**base, datasets=data)) != same
    first, second, other = (
        local_ray._fingerprint(Settings(**base, database_url=f"postgresql://user:{password}@host/{name}"))
        for password, name in (("old", "db"), ("new", "db"), ("new", "other"))
    )
    assert first == second, "a driver reads the password when it starts"
    assert second != other


def test_a_state_left_by_a_crash_is_no_running_cluster(tmp_path):
    folder = tmp_path / "ray"
    folder.mkdir()
    (folder / "token").write_text("t")
    state = {"dashboard_url": "http://127.0.0.1:1", "address": "", "marker": "gone", "temp": str(folder / "tmp")}
    (folder / "cluster.json").write_text(json.dumps(state | {"fingerprint": ""}))
    assert LocalRay.attach(Settings(home=tmp_path)) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"marker": ""}', '{"dashboard_url": "http://elsewhere:1"}'])
def test_a_state_file_that_was_cut_is_no_running_cluster(content, tmp_path):
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "cluster.json").write_text(content)
    assert LocalRay.attach(Settings(home=tmp_path)) is None


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\x00", b"cut \x00 through"])
def test_a_token_file_that_was_cut_is_made_anew(content, tmp_path):
    (tmp_path / "token").write_bytes(content)
    token = local_ray._token(tmp_path)
    assert len(token) == 64
    assert local_ray._token(tmp_path) == token
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


def test_a_start_that_is_given_up_leaves_nothing(tmp_path):
    settings = Settings(home=tmp_path, dashboard_port=0)
    with pytest.raises(local_ray.StartCancelledError):
        LocalRay.start(settings, cancelled=lambda: bool(processes.markers("SEGNAS_HOME", str(settings.folder))))
    assert processes.markers("SEGNAS_HOME", str(settings.folder)) == set()


def test_the_programs_of_a_cluster_speak_to_each_other_without_a_proxy(tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.org, localhost")
    monkeypatch.delenv("NO_PROXY", raising=False)
    env = environment(Settings(home=tmp_path), tmp_path / "ray", "marker")
    assert env["http_proxy"] == "http://127.0.0.1:9", "a driver may have to fetch weights"
    assert env["no_proxy"] == env["NO_PROXY"] == "example.org,localhost,127.0.0.1,::1"
    monkeypatch.setenv("NO_PROXY", "*")
    assert environment(Settings(home=tmp_path), tmp_path / "ray", "marker")["no_proxy"] == "*"


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9"])
def test_the_job_server_is_asked_without_a_proxy(proxy, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer_once, args=(listener,))
        thread.start()
        assert local_ray._answers(f"http://127.0.0.1:{listener.getsockname()[1]}", "token")
        thread.join()


def _answer_once(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def _addresses(cluster: LocalRay) -> set[str]:
    """Where the cluster's processes listen."""
    return {
        connection.laddr.ip.removeprefix("::ffff:")
        for process in processes.find(cluster.marker)
        for connection in process.net_connections()
        if connection.status == "LISTEN"
    }


def test_what_the_user_sets_for_the_nodes_stands(tmp_path, monkeypatch):
    monkeypatch.delenv("MALLOC_TOP_PAD_", raising=False)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    env = environment(Settings(home=tmp_path), tmp_path / "ray", "marker")
    assert env["MALLOC_TRIM_THRESHOLD_"] == "1"
    assert env["MALLOC_TOP_PAD_"] == node_environment()["MALLOC_TOP_PAD_"]
