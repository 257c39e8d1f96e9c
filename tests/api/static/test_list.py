"""The list of searches in a real browser: every search, outages, focus, filters, pages."""

from __future__ import annotations

import pytest

from tests.api.static.shown import get

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from playwright.sync_api import expect

pytestmark = pytest.mark.slow


def test_the_list_shows_every_search_and_survives(service, every_kind, visit):
    page = visit(service.url)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(len(get(service, "/v1/searches")["items"]))
    for search_id in every_kind.values():
        search = get(service, f"/v1/searches/{search_id}")
        row = rows.filter(has=page.locator("code", has_text=search_id))
        for text in (search["name"], search["status"], search["method"], search["dataset"]):
            expect(row).to_contain_text(text)
        expect(row).to_contain_text(f"{search['best']['score']:.4f}")
    child = rows.filter(has_text=every_kind["full_scale"])
    expect(child).to_contain_text(f"full scale of {every_kind['black_box']}")
    # Asked for again twice, the list is as before, and a new search joins it.
    for _ in range(2):
        page.wait_for_event("response", lambda response: "/v1/searches?" in response.url)
    new = service.search(running=False, name="came later")
    expect(rows.filter(has_text="came later")).to_contain_text(new)


@pytest.mark.parametrize("before", [True, False], ids=["shown before", "not yet shown"])
def test_the_list_survives_a_service_that_is_away(service, visit, before):
    search_id = service.search(running=False, name="waits")
    page = visit(f"{service.url}/docs", complaints=("ERR_FAILED",))
    if before:
        page.goto(service.url)
        expect(page.locator("tbody")).to_contain_text(search_id)
    page.route("**/v1/searches?*", lambda route: route.abort())
    if before:
        page.wait_for_event("requestfailed", lambda request: "/v1/searches?" in request.url)
        expect(page.locator("tbody")).to_contain_text(search_id)
    else:
        page.goto(service.url)
    expect(page.get_by_role("status")).to_contain_text("The service does not answer: trying again")
    later = service.search(running=False, name="came meanwhile")
    page.unroute("**/v1/searches?*")
    expect(page.locator("tbody")).to_contain_text(later)
    expect(page.get_by_role("status")).to_have_text("")


def test_a_changed_list_keeps_focus_and_rows(service, visit):
    first, second = (service.search(name=name) for name in ("stays", "changes"))
    page = visit(service.url)
    page.get_by_role("link", name="stays").focus()
    kept = page.locator("tbody tr").filter(has_text=first).element_handle()
    service.finish(second)
    expect(page.locator("tbody tr").filter(has_text=second)).to_contain_text("completed")
    assert kept.evaluate("row => row.isConnected && row.contains(document.activeElement)")
    page.get_by_role("link", name="changes").focus()
    service.store.edit_search(second, tags=["seen"])
    expect(page.locator("tbody tr").filter(has_text=second)).to_contain_text("seen")
    assert page.evaluate("document.activeElement.textContent") == "changes"
    page.get_by_role("link", name="seen").focus()
    service.store.edit_search(second, tags=["another", "seen"])
    expect(page.locator("tbody tr").filter(has_text=second)).to_contain_text("another")
    assert page.evaluate("document.activeElement.textContent") == "seen", "not the first link of the row"


def test_the_list_by_status_and_tag(home, serve, visit):
    service = serve(home)
    done, running = service.search(name="is done"), service.search(name="runs")
    service.finish(done)
    service.store.edit_search(done, tags=["paper"])
    page = visit(service.url)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_label("Status").select_option("running")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(running)
    page.get_by_label("Status").select_option("any")
    page.get_by_role("link", name="paper").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(done)
    page.get_by_label("Status").select_option("failed")
    expect(page.locator("main")).to_contain_text("No search is like this")
    page.get_by_role("link", name="Show all searches").click()
    expect(rows).to_have_count(2)


def test_a_long_list_goes_on_below(home, serve, visit):
    service = serve(home)
    for number in range(101):
        service.search(running=False, name=f"search {number}")
    page = visit(service.url)
    expect(page.locator("tbody tr")).to_have_count(100)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("tbody tr")).to_have_count(101)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()


def test_an_empty_list_says_what_to_do(home, serve, visit):
    service = serve(home)
    page = visit(service.url)
    expect(page.locator("main pre")).to_contain_text("segnas submit")


def test_a_search_is_opened_from_the_list(service, every_kind, visit):
    page = visit(service.url)
    page.locator("tbody tr").filter(has_text="trellis").get_by_role("link", name="trellis").click()
    expect(page.locator("h1")).to_have_text("trellis")
    assert page.url.endswith(f"#/{every_kind['auto_deeplab']}")
    page.get_by_role("link", name="All searches").click()
    expect(page.get_by_role("heading", name="Searches")).to_be_visible()


def test_what_is_ticked_stays_ticked_while_the_list_shows_others(home, serve, visit):
    service = serve(home)
    first, second = service.search(name="first"), service.search(running=False, name="second")
    page = visit(service.url)
    page.get_by_label("compare first").check()
    page.get_by_label("Status").select_option("queued")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("button", name="Compare: tick another")).to_be_disabled()
    page.get_by_label("compare second").check()
    page.get_by_label("Status").select_option("any")
    expect(page.get_by_label("compare first")).to_be_checked()
    page.get_by_role("button", name="Untick all").click()
    expect(page.get_by_label("compare first")).not_to_be_checked()
    expect(page.get_by_role("button", name="Untick all")).to_be_hidden()
    for name in ("first", "second"):
        page.get_by_label(f"compare {name}").check()
    page.get_by_role("button", name="Compare 2").click()
    expect(page.locator("h1")).to_have_text("2 searches side by side")
    assert page.url.endswith(f"#/compare/{first},{second}")
