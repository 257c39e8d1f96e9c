"""The link to the Ray dashboard: the page opens the dashboard signed in, or says how to get in."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from playwright.sync_api import Page, expect

from tests.api.told_cluster import ToldCluster

pytestmark = pytest.mark.slow

TOKEN = "a-secret-of-enough-length"


@pytest.fixture
def at(home, serve, visit):
    """A page of a service with the token of the service entered; `seen` in it has the addresses that it opens."""

    def start(**changes: object) -> Page:
        service = serve(home.model_copy(update={"ray_dashboard": "http://127.0.0.1:9", **changes}), ToldCluster())
        page = visit(f"{service.url}/docs", complaints=("401", "403"))
        page.add_init_script("window.seen = []; window.open = (address) => { window.seen.push(address); };")
        page.goto(service.url)
        if changes.get("token"):
            page.get_by_placeholder("token").fill(TOKEN)
            page.get_by_role("button", name="Enter").click()
        return page

    return start


def test_the_browser_is_signed_in_where_the_host_is_the_same(at):
    page = at(token=SecretStr(TOKEN))
    page.get_by_role("link", name="Ray dashboard").click()
    # A function: an expression would be evaluated anew each time, which the policy forbids.
    page.wait_for_function("() => window.seen.length")
    assert page.evaluate("window.seen") == ["http://127.0.0.1:9/"]
    (cookie,) = page.context.cookies("http://127.0.0.1:9/")
    assert (cookie["name"], cookie["value"]) == ("ray-authentication-token", "the-token-of-the-ray-cluster")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")


def test_the_token_is_copied_where_the_host_is_another(at):
    page = at(token=SecretStr(TOKEN), ray_dashboard_public="http://ray.example:8265")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("link", name="Ray dashboard").click()
    page.get_by_role("button", name="Copy token").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "the-token-of-the-ray-cluster"
    page.get_by_role("button", name="Open the dashboard").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("window.seen") == ["http://ray.example:8265/"]


def test_a_service_that_knows_nobody_names_the_command(at):
    page = at()
    page.get_by_role("link", name="Ray dashboard").click()
    expect(page.get_by_role("dialog")).to_contain_text("segnas dashboard")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("window.seen") == []
