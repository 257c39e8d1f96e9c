"""The compose file and the images' recipes, as far as they can be judged without an engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from nas.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
RECIPES = ["api.Dockerfile", "worker.Dockerfile"]


def environment(service: str) -> dict[str, Any]:
    return SERVICES[service].get("environment", {})


def joins_ray(service: str) -> bool:
    """A node of the cluster, or one that talks to its dashboard."""
    return str(SERVICES[service].get("command", "")).startswith("ray ") or "SEGNAS_RAY_DASHBOARD" in environment(
        service
    )


def packages(recipe: str) -> set[str]:
    """The packages that a recipe installs beside our own, as it asks docker/requirements.py for them."""
    text = (ROOT / "docker" / recipe).read_text()
    call = re.search(r"requirements\.py (.*) > requirements\.txt", text)
    assert call is not None
    command = [sys.executable, ROOT / "docker" / "requirements.py", *call[1].split()]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {re.split(r"[\[<>=~! ]", line, maxsplit=1)[0] for line in printed.splitlines()}


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
    # SEGNAS_URL is the client's (nas.client.find_url), no setting of a service.
    assert ours <= {f"SEGNAS_{field.upper()}" for field in Settings.model_fields} | {"SEGNAS_URL"}


@pytest.mark.parametrize("service", sorted(filter(joins_ray, SERVICES)))
def test_what_joins_ray_asks_for_the_token(service: str) -> None:
    assert environment(service)["RAY_AUTH_MODE"] == "token"
    assert environment(service)["RAY_AUTH_TOKEN"].startswith("${RAY_AUTH_TOKEN:?")


def test_the_service_beyond_loopback_has_a_token() -> None:
    assert environment("api")["SEGNAS_HOST"] == "0.0.0.0"
    assert environment("api")["SEGNAS_TOKEN"].startswith("${SEGNAS_TOKEN:?")


def test_only_service_and_drivers_know_the_database() -> None:
    assert {name for name in SERVICES if "SEGNAS_DATABASE_URL" in environment(name)} == {"api", "ray-head"}
    assert {name for name in SERVICES if "SEGNAS_TOKEN" in environment(name)} == {"api", "segnas"}


def test_secrets_have_no_defaults_and_are_all_made() -> None:
    required = set(re.findall(r"\$\{([A-Z_]+):\?", (ROOT / "docker-compose.yml").read_text()))
    made = set(re.findall(r"^([A-Z_]+)=", (ROOT / "docker/make-env.sh").read_text(), re.MULTILINE))
    assert required == made == {"SEGNAS_TOKEN", "RAY_AUTH_TOKEN", "POSTGRES_PASSWORD"}


def test_make_env_keeps_secrets_private_and_never_replaces_them(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    script = tmp_path / "docker" / "make-env.sh"
    script.write_text((ROOT / "docker/make-env.sh").read_text())
    subprocess.run(["sh", script], check=True, capture_output=True)
    written = (tmp_path / ".env").read_text()
    values = re.findall(r"^[A-Z_]+=([0-9a-f]{48})$", written, re.MULTILINE)
    assert len(values) == len(set(values)) == 3
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    subprocess.run(["sh", script], check=True, capture_output=True)
    assert (tmp_path / ".env").read_text() == written


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"segnas"}))
def test_services_come_back_and_say_how_they_are(service: str) -> None:
    assert SERVICES[service]["restart"] == "unless-stopped"
    if service == "api":
        assert "HEALTHCHECK" in (ROOT / "docker/api.Dockerfile").read_text()
    else:
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
def test_the_service_imports_without_torch_and_ray() -> None:
    code = "import sys; sys.modules.update(torch=None, ray=None); import api.app, api.__main__"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_use_the_constraints_and_an_ordinary_user(recipe: str) -> None:
    text = (ROOT / "docker" / recipe).read_text()
    installs = re.findall(r"pip install (.*)", text)
    assert len(installs) >= 2
    assert all("-c constraints.txt" in line or line == "--no-deps ." for line in installs)
    assert re.findall(r"^USER (.*)", text, re.MULTILINE) == ["segnas"]
    assert "ARG BASE_IMAGE=" in text


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_copied_reaches_the_build(recipe: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(.*)", (ROOT / "docker" / recipe).read_text(), re.MULTILINE)
    sources = {source for line in copies for source in line.split()[:-1]}
    assert sources == allowed
    assert all((ROOT / source).exists() for source in sources)


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
