"""What the service prints when it starts."""

from __future__ import annotations

from pathlib import Path

from api.__main__ import _banner


def test_the_banner_names_the_address_that_people_use(home):
    bound = home.model_copy(update={"host": "0.0.0.0", "port": 8000})
    assert "live page          http://127.0.0.1:8000/\n" in _banner(bound, None)
    published = bound.model_copy(update={"public_url": "https://nas.example/", "ray_dashboard_public": "http://head:1"})
    banner = _banner(published, Path("token"))
    assert "live page          https://nas.example/\n" in banner
    assert "API documentation  https://nas.example/docs\n" in banner
    assert "Ray dashboard      http://head:1 " in banner
