"""The wheel: every file of the packages travels, and what was installed from it serves, migrates and reads its data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("api", "nas", "search_spaces", "workers")

USE = """
import asyncio
import sys
from pathlib import Path

import api, httpx, nas, search_spaces, workers

from api.app import create_app
from nas.models.graph_reasoning import shipped_graph
from nas.published import published
from nas.settings import Settings
from nas.store import Store

for package in (api, nas, search_spaces, workers):
    assert Path(package.__file__).is_relative_to(sys.prefix), package.__file__
home = Path("home").resolve()
settings = Settings(home=home)
home.mkdir()
with Store.open(settings.store_url) as store:
    store.migrate()
    assert store.list_searches(limit=1).items == ()
assert "cityscapes" in {row.dataset for row in published()}
assert shipped_graph("voc2012").names


async def serve():
    transport = httpx.ASGITransport(create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        assert (await client.get("/")).status_code == 200
        static = Path(api.__file__).parent / "static"
        for file in filter(Path.is_file, static.rglob("*")):
            reply = await client.get(f"/static/{file.relative_to(static).as_posix()}")
            assert (reply.status_code, reply.content) == (200, file.read_bytes()), file
        assert (await client.get("/static/icon.svg")).headers["content-type"].startswith("image/svg+xml")


asyncio.run(serve())
"""


def run(*command: object, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SEGNAS_", "PYTHON"))}
    ended = subprocess.run([*map(str, command)], check=False, cwd=cwd, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, since a build leaves folders behind."""
    folder = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", *options, source, cwd=folder)
    (built,) = folder.glob("segnas-*.whl")
    return built


@pytest.mark.slow
def test_every_file_of_the_packages_is_in_the_wheel(source, wheel):
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = (path for package in PACKAGES for path in (source / package).rglob("*") if path.is_file())
    assert found == {path.relative_to(source).as_posix() for path in files}
    assert {
        "api/static/icon.svg",
        "api/static/uplot/LICENSE",
        "nas/store/migrations/script.py.mako",
        "workers/py.typed",
    } <= found


@pytest.mark.slow
def test_what_is_installed_from_the_wheel_works(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = ("install", "--quiet", "--no-deps", "--no-index", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *install, cwd=tmp_path)
    (packages,) = (tmp_path / "venv" / "lib").glob("python3.*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    run(python, "-c", USE, cwd=tmp_path)
    assert "Usage: segnas" in run(tmp_path / "venv" / "bin" / "segnas", "--help", cwd=tmp_path)
