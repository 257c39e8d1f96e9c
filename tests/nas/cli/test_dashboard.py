"""`segnas dashboard`: where the dashboard is, and a page of its owner's that brings the token."""

from __future__ import annotations

import json
import stat
import webbrowser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api.told_cluster import ToldCluster


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """What a browser was told to open."""
    addresses: list[str] = []

    def take(address: str) -> bool:
        addresses.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", take)
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    return addresses


@pytest.fixture
def own(home, serve):
    return serve(home.model_copy(update={"ray_dashboard": "http://127.0.0.1:8265"}), ToldCluster())


def test_it_opens_a_page_that_only_its_owner_can_read(command_at, own, opened, tmp_path):
    token = tmp_path / "home" / "ray" / "token"
    token.parent.mkdir(parents=True)
    token.write_text("the-token-of-the-ray-cluster\n")
    code, out, err = command_at(own.url)("dashboard")
    assert (code, err) == (0, "")
    assert out == f"http://127.0.0.1:8265\nit asks for the token in {token}\n"
    (address,) = opened
    page = Path(urlsplit(address).path)
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert f'action="{own.url}/dashboard"' in page.read_text()
    assert 'value="the-token-of-the-ray-cluster"' in page.read_text()
    assert "the-token" not in address


def test_it_only_prints(command_at, own, opened, tmp_path):
    segnas = command_at(own.url)
    assert segnas("dashboard", "--print") == (0, "http://127.0.0.1:8265\n", "")
    assert json.loads(segnas("dashboard", "--json")[1]) == {"url": "http://127.0.0.1:8265", "token_file": None}
    assert opened == []
    assert not (tmp_path / "home" / "ray" / "dashboard.html").exists()


def test_without_a_token_it_opens_the_dashboard_itself(command_at, own, opened):
    assert command_at(own.url)("dashboard")[0] == 0
    assert opened == ["http://127.0.0.1:8265"]


def test_without_a_cluster_it_says_so(segnas):
    code, out, err = segnas("dashboard")
    assert (code, out) == (1, "")
    assert "no Ray cluster" in err
