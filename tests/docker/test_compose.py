"""The compose file and the images' recipes, as far as they can be judged without an engine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from nas.setting_sources import secret_names
from nas.settings import Settings
from workers.cluster.node import node_environment
from workers.cluster.requirements import DRIVER_IMPORTS

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
STORAGE = {"path": "${SECRETS:-./secrets}/storage.env", "required": False}
RECIPES = ["api.Dockerfile", "worker.Dockerfile"]


def environment(service: str) -> dict[str, Any]:
    return SERVICES[service].get("environment", {})


def secrets(service: str) -> set[str]:
    return set(SERVICES[service].get("secrets", []))


def joins_ray(service: str) -> bool:
    """A node of the cluster, or one that talks to its dashboard."""
    return str(SERVICES[service].get("command", "")).startswith("ray ") or "SEGNAS_RAY_DASHBOARD" in environment(
        service
    )


def locked(name: str) -> dict[str, tuple[str, list[str]]]:
    """Version and hashes of the packages of docker/NAME.lock."""
    found: dict[str, tuple[str, list[str]]] = {}
    hashes: list[str] = []
    for line in (ROOT / "docker" / f"{name}.lock").read_text().splitlines():
        if (pin := re.match(r"([a-z0-9-]+)(?:\[.*])?==([^ ;]+)", line)) is not None:
            found[pin[1]] = pin[2], (hashes := [])
        elif (hashed := re.match(r" +--hash=sha256:([0-9a-f]{64})", line)) is not None:
            hashes.append(hashed[1])
    return found


def packages(recipe: str) -> set[str]:
    """The packages that a recipe installs beside our own."""
    text = (ROOT / "docker" / recipe).read_text()
    names = {name for lock in re.findall(r"--require-hashes -r (api|worker)\.lock", text) for name in locked(lock)}
    return names | set(re.findall(r"\$\{index} (torch)$", text, re.MULTILINE))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_services() -> None:
    assert set(SERVICES) == {"postgres", "api", "ray-head", "ray-worker", "ray-worker-gpu", "segnas"}
    assert {name for name in SERVICES if joins_ray(name)} == {"api", "ray-head", "ray-worker", "ray-worker-gpu"}
    assert SERVICES["ray-worker-gpu"]["profiles"] == ["gpu"]
    assert SERVICES["segnas"]["profiles"] == ["tools"]


def test_only_api_and_dashboard_are_published_and_on_loopback_only() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"api", "ray-head"}
    for ports in published.values():
        assert len(ports) == 1
        assert re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z_]+:-(8265}:8265|8000}:8000)", ports[0]), ports[0]
    assert not any("network_mode" in service for service in SERVICES.values())


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_environment_variables_are_settings(service: str) -> None:
    ours = {name for name in environment(service) if name.startswith("SEGNAS_")}
    files = {f"SEGNAS_{name.upper()}_FILE" for name in secret_names(Settings)}
    # SEGNAS_URL is the client's (nas.client.find_url), no setting of a service.
    assert ours <= {f"SEGNAS_{field.upper()}" for field in Settings.model_fields} | files | {"SEGNAS_URL"}


@pytest.mark.parametrize("service", sorted(filter(joins_ray, SERVICES)))
def test_what_joins_ray_asks_for_the_token(service: str) -> None:
    assert environment(service)["RAY_AUTH_MODE"] == "token"
    assert environment(service)["RAY_AUTH_TOKEN_PATH"] == "/run/secrets/ray_auth_token"


def test_the_service_beyond_loopback_has_a_token() -> None:
    assert environment("api")["SEGNAS_HOST"] == "0.0.0.0"
    assert environment("api")["SEGNAS_TOKEN_FILE"] == "/run/secrets/segnas_token"


def test_only_service_and_drivers_know_the_database() -> None:
    assert {name for name in SERVICES if "SEGNAS_DATABASE_URL" in environment(name)} == {"api", "ray-head"}
    assert {name for name in SERVICES if "postgres_password" in secrets(name)} == {"api", "ray-head", "postgres"}
    assert {name for name in SERVICES if "segnas_token" in secrets(name)} == {"api", "segnas"}


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_has_the_secrets_that_it_reads_and_no_others(service: str) -> None:
    read = {
        str(value).removeprefix("/run/secrets/") for value in environment(service).values() if "/run/" in str(value)
    }
    assert read == secrets(service)
    # Whoever may inspect a container reads its environment.
    assert not {name for name in environment(service) if name.endswith(("TOKEN", "PASSWORD"))}


def make_env(folder: Path) -> Path:
    """Run docker/make-env.sh below a folder of its own; the folder of the secrets."""
    (folder / "docker").mkdir(exist_ok=True)
    script = folder / "docker" / "make-env.sh"
    script.write_text((ROOT / "docker/make-env.sh").read_text())
    subprocess.run(["sh", script], check=True, capture_output=True)
    return folder / "secrets"


def test_make_env_makes_every_secret_private_and_replaces_none(tmp_path: Path) -> None:
    made = make_env(tmp_path)
    values = {file.name: file.read_text() for file in made.iterdir()}
    assert set(values) == set(COMPOSE["secrets"])
    assert len(set(values.values())) == 3
    assert all(re.fullmatch(r"[0-9a-f]{48}", value) for value in values.values())
    assert made.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in made.iterdir()} == {0o644}  # to be written anew by their owner
    make_env(tmp_path)
    assert {file.name: file.read_text() for file in made.iterdir()} == values


def test_make_env_takes_over_the_secrets_of_an_earlier_version(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# The API's\nSEGNAS_TOKEN=an-earlier-token\nPOSTGRES_PASSWORD=a=b@c/d#e\nAPI_PORT=1\n"
    )
    made = make_env(tmp_path)
    assert (made / "segnas_token").read_text() == "an-earlier-token"
    assert (made / "postgres_password").read_text() == "a=b@c/d#e"
    assert len((made / "ray_auth_token").read_text()) == 48


def test_make_env_makes_a_folder_that_the_command_line_can_write_to(tmp_path: Path) -> None:
    make_env(tmp_path)
    mode = (tmp_path / "output").stat().st_mode & 0o7777
    assert mode == (0o755 if os.getuid() == 1000 else 0o1777)


def test_secrets_are_files_of_one_folder() -> None:
    assert COMPOSE["secrets"] == {name: {"file": f"${{SECRETS:-./secrets}}/{name}"} for name in COMPOSE["secrets"]}
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_services_are_confined(service: str) -> None:
    described = SERVICES[service]
    assert described["read_only"] is True
    assert any(mount.startswith("/tmp:") for mount in described["tmpfs"])
    assert described["cap_drop"] == ["ALL"]
    assert described["security_opt"] == ["no-new-privileges:true"]
    assert set(described["logging"]["options"]) == {"max-size", "max-file"}
    if service != "segnas":
        assert described["pids_limit"] > 0
        assert "mem_limit" in described


@pytest.mark.slow  # imports Ray
def test_a_node_has_longer_to_stop_than_it_drains() -> None:
    from ray._private.ray_constants import RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S

    for service in ("ray-head", "ray-worker", "ray-worker-gpu"):
        seconds = float(SERVICES[service]["stop_grace_period"].removesuffix("s"))
        assert seconds >= RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S + 10


def test_the_nodes_environment_is_written_once() -> None:
    recipe = (ROOT / "docker/worker.Dockerfile").read_text()
    assert "-P -m workers.cluster.node" in recipe
    assert SERVICES["segnas"]["env_file"] == ["workers/cluster/node.env", STORAGE]
    for name in node_environment():
        assert name not in recipe
        assert not any(name in environment(service) for service in SERVICES)


def test_a_bucket_is_told_to_what_reads_and_writes_it() -> None:
    told = {name for name, service in SERVICES.items() if STORAGE in service.get("env_file", [])}
    assert told == {"ray-head", "ray-worker", "ray-worker-gpu", "segnas"}
    assert {"fsspec", "s3fs"} <= packages("worker.Dockerfile")


def test_healthy_is_what_can_serve() -> None:
    asked = SERVICES["api"]["healthcheck"]["test"]
    assert asked == ["CMD", "python", "-P", "-m", "workers.cluster.probe", "http://127.0.0.1:8000/readyz"]
    assert str(asked[1:]).replace("'", '"') in (ROOT / "docker/api.Dockerfile").read_text()


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"segnas"}))
def test_services_come_back_and_say_how_they_are(service: str) -> None:
    assert SERVICES[service]["restart"] == "unless-stopped"
    assert "test" in SERVICES[service]["healthcheck"]
    for needed in SERVICES[service].get("depends_on", {}).values():
        assert needed == {"condition": "service_healthy"}


def test_volumes_are_declared() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    named = {mount.split(":")[0] for mount in mounts if re.match(r"[a-z]", mount)}
    defaults = {name for mount in mounts for name in re.findall(r"^\$\{[A-Z_]+:-([a-z]+)}", mount)}
    expected = {"database", "artifacts", "features", "logs", "registrations", "weights", "datasets"}
    assert named | defaults == set(COMPOSE["volumes"]) == expected


def test_registrations_are_written_by_the_command_line_and_read_by_all() -> None:
    for volume, folder in (("registrations", "datasets"), ("weights", "weights")):
        mounts = {
            name: mount.removeprefix(f"{volume}:/home/segnas/home/{folder}")
            for name, service in SERVICES.items()
            for mount in service.get("volumes", [])
            if mount.startswith(f"{volume}:")
        }
        assert mounts == {"api": ":ro", "ray-head": ":ro", "ray-worker": ":ro", "ray-worker-gpu": ":ro", "segnas": ""}


def test_api_image_has_neither_torch_nor_ray() -> None:
    assert {"torch", "ray"}.isdisjoint(packages("api.Dockerfile"))
    assert {"fastapi", "uvicorn", "sqlalchemy", "psycopg"} <= packages("api.Dockerfile")
    assert {"torch", "ray"} <= packages("worker.Dockerfile")


@pytest.mark.slow
def test_the_service_imports_without_what_its_image_lacks() -> None:
    absent = ", ".join(f"{name}=None" for name in DRIVER_IMPORTS)
    code = f"import sys; sys.modules.update({absent}); import api.app, api.__main__"
    subprocess.run([sys.executable, "-c", code], check=True)


PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)


@pytest.mark.parametrize("name", ["api", "worker", "tools"])
def test_every_package_of_an_image_has_the_pinned_version_and_hashes(name: str) -> None:
    pins = {normal(package): version for package, version in PINS.items()}
    for package, (version, hashes) in locked(name).items():
        assert hashes, package
        # Packages for other systems alone are pinned by the lock, and nowhere else.
        assert pins.get(package, version) == version, f"{package}: call docker/lock.sh"


@pytest.mark.parametrize(("name", "extras"), [("api", ["api"]), ("worker", ["api", "worker", "storage"])])
def test_every_requirement_is_locked(name: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    names = {normal(re.split(r"[\[<>=~! ]", line, maxsplit=1)[0]) for line in asked}
    assert names - {"torch"} <= set(locked(name)), "call docker/lock.sh"
    assert "torch" not in locked(name), "the build of an image decides which of its builds is taken"


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_install_what_is_locked_as_an_ordinary_user(recipe: str) -> None:
    text = (ROOT / "docker" / recipe).read_text()
    installs = re.findall(r"pip install (.*)", text)
    assert len(installs) >= 3
    allowed = (r"--no-deps --require-hashes -r [a-z]+\.lock.*", r"--no-deps --no-index /tmp/ours/.*")
    torch = r"-c constraints\.txt \$\{index} torch"
    assert all(any(re.fullmatch(one, line) for one in (*allowed, torch)) for line in installs), installs
    assert re.findall(r"^USER (.*)", text, re.MULTILINE) == ["segnas"]
    assert {"title", "description", "licenses", "revision", "base.name"} == set(
        re.findall(r"org\.opencontainers\.image\.([a-z.]+)=", text)
    )
    assert "cyclonedx-py environment" in text
    assert "ARG BASE_IMAGE=" in text


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_copied_reaches_the_build(recipe: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(.*)", (ROOT / "docker" / recipe).read_text(), re.MULTILINE)
    sources = {source for line in copies for source in line.split()[:-1]}
    assert sources <= allowed
    assert all((ROOT / source).exists() for source in allowed)


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_package_is_copied(recipe: str) -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    include = re.search(r"^include = \[(.*)]", pyproject, re.MULTILINE)
    assert include is not None
    patterns = re.findall(r'"(.*?)"', include[1])
    copied = re.findall(r"^COPY (\w+) \1$", (ROOT / "docker" / recipe).read_text(), re.MULTILINE)
    assert sorted(copied) == sorted(pattern.rstrip("*") for pattern in patterns)


def test_configuration_file_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text((ROOT / "docker/config.yaml").read_text())
    monkeypatch.setenv("SEGNAS_HOME", str(tmp_path))
    assert Settings().datasets["scenes"].layout == "cityscapes"


def test_the_chaos_run_is_a_script_about_services_that_are_there() -> None:
    script = ROOT / "docker" / "chaos.sh"
    subprocess.run(["sh", "-n", script], check=True)
    assert os.access(script, os.X_OK)
    text = script.read_text()
    broken = set(re.findall(r"^ *fault .* (?:kill|crash|stop_in_order) ([a-z-]+)$", text, re.MULTILINE))
    assert broken == {"api", "postgres", "ray-head", "ray-worker"} <= set(SERVICES)
    for name in re.findall(r'"\$SECRETS/([a-z_]+)"', text):
        assert name in COMPOSE["secrets"]
