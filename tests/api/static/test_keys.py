"""The pages without a mouse: what opens, closes and acts, and where the focus is afterwards."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nas.results.status import SearchStatus, TrialStatus

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from playwright.sync_api import Page, expect
from pydantic import SecretStr

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(service, visit) -> tuple[str, Page]:
    """A completed search of a few trials, and its page."""
    search_id = service.search(name="by the keys")
    for number, score in enumerate((0.25, 0.75, 0.5)):
        service.trial(search_id, number, 0.2, score, end=TrialStatus.COMPLETED)
    service.finish(search_id)
    page = visit(f"{service.url}/#/{search_id}")
    expect(page.locator("figure.chart .u-over").first).to_be_visible()
    return search_id, page


def focused(page: Page) -> Any:
    """What the element with the focus is called."""
    return page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")


def test_searches_are_ticked_compared_and_opened(home, serve, visit):
    service = serve(home)
    for name in ("first", "second"):
        service.search(name=name)
    page = visit(service.url)
    page.get_by_label("compare first").focus()
    page.keyboard.press("Space")
    expect(page.get_by_label("compare first")).to_be_checked()
    page.get_by_label("compare second").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Untick all").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("compare second")).to_be_focused()  # the newest search is the first one
    page.keyboard.press("Space")
    page.get_by_label("compare first").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Compare 2").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("2 searches side by side")
    page.keyboard.press("Tab")
    assert focused(page) == "All searches", "a new page is read from its beginning"
    page.keyboard.press("Enter")
    page.get_by_role("link", name="first", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("first")


def test_what_opens_is_closed_by_escape(opened):
    page = opened[1]
    columns, values = page.locator(".choose summary"), page.locator(".values summary").first
    for summary, key in ((columns, "Enter"), (values, "Space")):
        summary.focus()
        page.keyboard.press(key)
        expect(summary.locator("..")).to_have_attribute("open", "")
        page.keyboard.press("Escape")
        expect(summary.locator("..")).not_to_have_attribute("open", "")
        expect(summary).to_be_focused()
    columns.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "Rank"
    page.keyboard.press("Space")
    expect(page.get_by_role("columnheader", name="Rank")).to_have_count(0)
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    expect(columns).to_be_focused()


def test_a_column_is_sorted(opened):
    page = opened[1]
    head = page.get_by_role("columnheader", name="Trial", exact=True)  # the sign of the order is no part of the name
    head.get_by_role("button").focus()
    page.keyboard.press("Space")
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(head.get_by_role("button")).to_be_focused()


def test_a_dialog_holds_the_focus_and_gives_it_back(service, opened):
    page = opened[1]
    edit, dialog = page.get_by_role("button", name="Edit"), page.get_by_role("dialog")
    edit.press("Enter")
    expect(dialog.get_by_label("Name")).to_be_focused()
    expect(dialog).to_have_accessible_description("What shall people call this search, and remember about it?")
    for _ in range(8):
        page.keyboard.press("Tab")
        held = page.evaluate("document.activeElement.closest('body, dialog').tagName")
        assert held == "DIALOG" or page.evaluate("document.activeElement === document.body")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(edit).to_be_focused()
    edit.press("Enter")
    dialog.get_by_label("Notes").fill("seen")
    dialog.get_by_role("button", name="Save").press("Enter")
    expect(page.locator(".notes")).to_contain_text("seen")  # the whole page was made anew
    expect(edit).to_be_focused()


def test_a_dialog_gives_the_focus_back_to_what_was_made_anew_behind_it(service, visit):
    search_id = service.search(name="changes meanwhile")
    page = visit(f"{service.url}/#/{search_id}")
    page.get_by_role("button", name="Edit").press("Enter")
    service.store.edit_search(search_id, notes="written meanwhile")
    expect(page.locator(".notes")).to_contain_text("written meanwhile")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Edit")).to_be_focused()


def test_a_chart_is_read_by_its_keys(opened):
    page = opened[1]
    chart = page.locator("figure.chart").nth(1)
    plane = chart.get_by_role("application")
    expect(plane).to_have_accessible_name(
        "Scores at iteration 200, and the best so far by trial, 3 values, 0.2500 to 0.7500; best: trial 1: 0.7500"
    )
    expect(plane).to_have_accessible_description(re.compile("arrows: from value to value"))
    expect(chart.locator(".keys")).to_be_hidden()
    page.locator("figure.chart").first.locator("summary").focus()
    page.keyboard.press("Tab")
    expect(plane).to_be_focused()
    expect(chart.locator(".keys")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(chart.locator(".tip[aria-live=polite]")).to_have_text("trial 0: 0.2500")
    page.keyboard.press("Escape")
    expect(chart.locator(".tip")).to_have_text("")
    curves = page.locator("figure.chart").first.get_by_role("application")
    expect(curves).to_have_accessible_name(re.compile("; last trial 0: 0.2500 at 200, "))


def test_more_trials_are_shown_and_the_focus_goes_on_with_them(service, visit):
    search_id = service.search(name="many", trials=60)
    for number in range(55):
        service.trial(search_id, number, 0.1, number / 100, end=TrialStatus.COMPLETED)
    page = visit(f"{service.url}/#/{search_id}")
    board = page.get_by_role("region", name="leaderboard")
    expect(board.locator("tbody tr")).to_have_count(50)
    board.get_by_role("button", name="Show more").press("Enter")
    expect(board.locator("tbody tr")).to_have_count(55)
    expect(board.locator("tbody tr").nth(50).get_by_role("link")).to_be_focused()


def test_the_end_of_a_search_is_read_out(service, visit):
    search_id = service.search(name="ends")
    service.trial(search_id, 0, 0.2, 0.75, end=TrialStatus.COMPLETED)
    page = visit(f"{service.url}/#/{search_id}")
    expect(page.locator(".steps")).to_contain_text("0.7500 mIoU")
    said = page.locator(".unseen[role=status]")
    expect(said).to_have_text("")
    service.finish(search_id)
    expect(said).to_have_text("ends: completed, best 0.7500 mIoU")
    assert service.store.get_search(search_id).status is SearchStatus.COMPLETED


def test_a_token_is_entered_by_the_keys(home, serve, visit):
    service = serve(home.model_copy(update={"token": SecretStr("the-own-token")}))
    page = visit(service.url, complaints=("401",))
    expect(page.locator("h1")).to_have_text("This service asks for a token")
    expect(page.get_by_label("token")).to_be_focused()
    page.keyboard.type("the-own-token")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Searches")
