"""What the pages show to tokens of each scope, and below the path of a proxy."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from pydantic import SecretStr

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from playwright.sync_api import Page, expect

from nas.specs import BlackBoxSpec
from nas.specs.tokens import Scope, TokenRequest
from tests.api.told_cluster import ToldCluster

pytestmark = pytest.mark.slow

OWN = "the-service's-own-token"


@pytest.fixture
def guarded(home, serve):
    return serve(home.model_copy(update={"token": SecretStr(OWN)}))


@pytest.fixture
def searches(guarded) -> dict[str | None, str]:
    """A running search of alice's, one of bob's and one of nobody's, by owner."""
    found = {}
    for owner in ("alice", "bob", None):
        spec = BlackBoxSpec.model_validate({**guarded.spec, "name": f"search of {owner}"})
        record, _ = guarded.store.create_search(spec, owner=owner)
        guarded.store.driver_started(record.id, guarded.store.begin_driver(record.id))
        found[owner] = record.id
    return found


@pytest.fixture
def enter(guarded, visit) -> Callable[[str], Page]:
    """Open the list with a secret entered."""

    def enter(secret: str) -> Page:
        page = visit(guarded.url, complaints=("401",))
        page.get_by_placeholder("token").fill(secret)
        page.get_by_role("button", name="Enter").click()
        return page

    return enter


def secret_of(guarded, scope: Scope, name: str = "alice", **limits: object) -> str:
    request = TokenRequest.model_validate({"name": name, "scope": scope, **limits})
    return str(guarded.store.create_token(request)[1])


def open_search(page: Page, guarded, search_id: str) -> None:
    page.goto(f"{guarded.url}/#/{search_id}")
    expect(page.get_by_role("button", name="Save report")).to_be_visible()


def test_a_token_that_reads_sees_everything_and_no_button_that_changes_it(guarded, searches, enter):
    page = enter(secret_of(guarded, Scope.READ))
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator("#who")).to_have_text("alice (read)")
    expect(page.get_by_role("link", name="New search")).to_have_count(0)
    for search in searches.values():
        open_search(page, guarded, search)
        for button in ("Stop", "Pause", "Edit"):
            expect(page.get_by_role("button", name=button, exact=True)).to_have_count(0)
    page.goto(f"{guarded.url}/#/new")
    expect(page.locator("#view")).to_contain_text("This token may look at searches, and start none.")


def test_a_token_that_submits_changes_its_own(guarded, searches, enter):
    page = enter(secret_of(guarded, Scope.SUBMIT))
    expect(page.get_by_role("link", name="New search")).to_be_visible()
    for owner, count in (("alice", 1), ("bob", 0), (None, 0)):
        open_search(page, guarded, searches[owner])
        for button in ("Stop", "Pause", "Edit"):
            expect(page.get_by_role("button", name=button, exact=True)).to_have_count(count)
    open_search(page, guarded, searches["alice"])
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.locator(".pill").first).to_have_text(re.compile("stopp"))


@pytest.mark.parametrize("who", ["admin", "own"])
def test_an_admin_changes_all(guarded, searches, enter, who):
    page = enter(OWN if who == "own" else secret_of(guarded, Scope.ADMIN))
    expect(page.locator("#who")).to_have_text("" if who == "own" else "alice (admin)")
    for search in searches.values():
        open_search(page, guarded, search)
        expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(1)


def test_searches_of_one_owner(guarded, searches, enter):
    page = enter(secret_of(guarded, Scope.READ))
    page.get_by_role("link", name="by bob").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("search of bob")
    page.get_by_role("button", name="by bob: show those of all").click()
    expect(page.locator("tbody tr")).to_have_count(3)


def test_why_a_token_is_not_taken_is_said(guarded, searches, enter):
    page = enter("segnas_" + "x" * 43)
    expect(page.get_by_role("alert")).to_have_text(
        "this bearer token is not known here: a token of this service is needed"
    )
    secret = secret_of(guarded, Scope.READ)
    page.get_by_placeholder("token").fill(secret)
    page.get_by_role("button", name="Enter").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    guarded.store.revoke_token(guarded.store.tokens()[0].id)
    expect(page.get_by_role("alert")).to_have_text(
        "the token alice was revoked; ask whoever runs the service for another"
    )


def test_only_admins_are_led_to_rays_pages(home, serve, visit):
    """Others would be refused behind the link: Ray's token starts any program on the cluster."""
    changes = {"token": SecretStr(OWN), "ray_dashboard": "http://127.0.0.1:9"}
    service = serve(home.model_copy(update=changes), ToldCluster())
    for scope, count in ((Scope.READ, 0), (Scope.SUBMIT, 0), (Scope.ADMIN, 1)):
        page = visit(service.url, complaints=("401",))
        page.get_by_placeholder("token").fill(secret_of(service, scope, scope.value))
        page.get_by_role("button", name="Enter").click()
        expect(page.locator("#who")).to_have_text(f"{scope.value} ({scope.value})")
        expect(page.locator("#ready")).not_to_be_empty()
        expect(page.get_by_role("link", name="Ray dashboard")).to_have_count(count)


def test_too_many_requests_are_waited_for(guarded, searches, visit):
    page = visit(guarded.url, complaints=("401", "429"))
    page.get_by_placeholder("token").fill(secret_of(guarded, Scope.READ, requests_per_minute=4))
    page.get_by_role("button", name="Enter").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.get_by_role("status").first).to_contain_text("the token alice may send 4 requests a minute")
    expect(page.locator("tbody tr")).to_have_count(3)


@pytest.mark.parametrize("passed_on", [True, False])
def test_the_pages_work_below_a_path(home, serve, visit, passed_on):
    """The service takes `/segnas/...`; a proxy that takes the path off is played by asking without it."""
    service = serve(home.model_copy(update={"root_path": "/segnas"}))
    search = service.search(name="below a path")
    at = f"{service.url}/segnas" if passed_on else service.url
    page = visit(f"{at}/")
    expect(page.locator("tbody tr")).to_contain_text("below a path")
    page.get_by_role("link", name="below a path").click()
    expect(page.get_by_role("button", name="Save report")).to_be_visible()
    assert page.url == f"{at}/#/{search}"
    page.get_by_role("link", name="API").click()
    expect(page.locator("section > details").first).to_be_attached()
    assert page.url == f"{at}/docs"
    page.get_by_role("link", name="Segnas", exact=True).click()
    expect(page.locator("tbody tr")).to_contain_text("below a path")
