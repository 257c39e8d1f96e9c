"""The page of a search, and what all pages share, in a real browser against a real service.

The store of the service holds a search of every kind.

The browser is the system's Chromium, started without a window by Playwright (conftest.py beside this file says how, and
what to install); `make pages` runs these tests alone. Every page is also watched: none writes an error to the console
or asks another host for anything.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from nas.drawing.palette import PALETTE
from nas.results.status import SearchStatus, TrialStatus
from nas.store import Stage
from tests.api.static.shown import KINDS, get, values

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from playwright.sync_api import expect
from pydantic import SecretStr

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_of_every_kind(service, every_kind, visit, kind):
    search_id = every_kind[kind]
    search = get(service, f"/v1/searches/{search_id}")
    page = visit(f"{service.url}/#/{search_id}")
    expect(page.locator("h1")).to_have_text(search["name"])
    expect(page.locator("#view .pill").first).to_have_text(search["status"])
    expect(page.locator(".steps")).to_contain_text(f"{search['best']['score']:.4f} mIoU")
    expect(page.locator(".steps")).to_contain_text(f"{search['cost']['duration']} of device time")
    trials = get(service, f"/v1/searches/{search_id}/trials?limit=500")["items"]
    board = page.locator("#view > .card").last.locator("tbody tr")
    expect(board).to_have_count(len(trials))
    ranked = sorted(trials, key=lambda trial: (trial["standing"] is None, _descending(trial), trial["number"]))
    # The page draws the board again whenever something arrives, so a row may be replaced while it is being read.
    expect(board.locator("td:nth-child(2)")).to_have_text([f"#{trial['number']}" for trial in ranked])
    expect(board.locator("td:nth-child(6)")).to_have_text([trial["duration"] for trial in ranked])
    assert board.locator("code").all_inner_texts() == [trial["text"] for trial in ranked]
    for chart in ("learning curves", "scores"):
        expect(page.get_by_role("region", name=chart).locator("canvas")).to_be_attached()


def _descending(trial: dict[str, Any]) -> tuple[float, ...]:
    return tuple(-number for number in trial["standing"] or ())


def test_a_search_is_followed_live_to_its_end(service, visit):
    search_id = service.search(name="live")
    service.trial(search_id, 0, 0.25)
    page = visit(f"{service.url}/#/{search_id}")
    expect(page.locator(".steps")).to_contain_text("0.2500 mIoU")
    expect(page.locator("#view .muted").first).to_have_text("live")
    service.trial(search_id, 1, 0.3, 0.75, end=TrialStatus.COMPLETED)
    expect(page.locator(".steps")).to_contain_text("0.7500 mIoU")
    expect(page.locator("tr.chosen")).to_contain_text("#1")
    service.finish(search_id)
    expect(page.locator("h1 + .pill")).to_have_text("completed")
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def test_a_search_is_shown_once_a_service_that_was_away_is_back(service, visit):
    search_id = service.search(name="goes on meanwhile")
    page = visit(f"{service.url}/docs", complaints=("ERR_FAILED",))
    page.route("**/events?*", lambda route: route.abort())
    page.goto(f"{service.url}/#/{search_id}")
    expect(page.locator(".outage")).to_contain_text("The service does not answer: trying again")
    service.trial(search_id, 0, 0.3, 0.75, end=TrialStatus.COMPLETED)
    page.unroute("**/events?*")
    expect(page.locator(".steps")).to_contain_text("0.7500 mIoU")
    expect(page.locator(".outage")).to_have_text("")


def test_a_stream_that_has_fallen_silent_is_opened_again(service, visit):
    """As after a night's sleep or in another network: the connection is gone, and nobody has told the browser."""
    search_id = service.search(name="followed for days")
    page = visit(f"{service.url}/docs")
    page.clock.install()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/events?" in request.url else None)
    page.goto(f"{service.url}/#/{search_id}")
    expect(page.locator("#view .muted").first).to_have_text("live")
    assert len(asked) == 1
    page.clock.fast_forward(40_000)
    page.clock.run_for(100)
    assert len(asked) == 1, "three heartbeats fit in"
    page.clock.fast_forward(6_000)
    page.clock.run_for(1_000)
    expect(page.locator("#view .muted").first).to_have_text("live")
    assert len(asked) == 2
    service.trial(search_id, 0, 0.3, 0.75, end=TrialStatus.COMPLETED)
    for _ in range(100):
        page.clock.run_for(100)
    expect(page.locator(".steps")).to_contain_text("0.7500 mIoU")


def test_the_focus_stays_when_what_is_around_it_changes(service, visit):
    search_id = service.search(name="paused")
    page = visit(f"{service.url}/#/{search_id}")
    page.get_by_role("button", name="Save report").focus()
    service.store.edit_search(search_id, notes="written meanwhile")
    expect(page.locator(".notes")).to_contain_text("written meanwhile")
    expect(page.get_by_role("button", name="Save report")).to_be_focused()


def test_what_a_search_ended_with_is_said_though_it_completed(service, visit):
    search_id = service.search(name="small space")
    service.trial(search_id, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    attempt = service.store.get_search(search_id).attempt
    service.store.finish_search(search_id, attempt, SearchStatus.COMPLETED, "5 trials were not needed")
    page = visit(f"{service.url}/#/{search_id}")
    expect(page.locator("#view")).to_contain_text("5 trials were not needed")


def test_what_comes_next_is_said(service, every_kind, visit):
    for search_id in every_kind.values():
        page = visit(f"{service.url}/#/{search_id}")
        expect(page.get_by_role("region", name="next").locator("code")).to_have_text(
            get(service, f"/v1/searches/{search_id}")["next_command"]
        )
    waiting = service.search(running=False, name="waits")
    page = visit(f"{service.url}/#/{waiting}")
    place = page.get_by_role("region", name="next")
    expect(place).to_have_text("No trial has begun: it waits to be started.")
    service.store.driver_started(waiting, service.store.begin_driver(waiting))
    service.store.set_stage(waiting, 1, Stage("features", 3, 10))
    expect(place).to_have_text("No trial has begun: first comes the stage features.")
    service.trial(waiting, 0)
    expect(place).to_be_hidden()
    stopped = service.search(running=False, name="stopped")
    service.http.post(f"/v1/searches/{stopped}/stop")
    page = visit(f"{service.url}/#/{stopped}")
    expect(page.get_by_role("region", name="next")).to_have_text(
        "It ended before any trial began: Resume starts it again."
    )


def test_scores_are_shown_at_the_rung_of_the_best_trial(service, visit):
    search_id = service.search(name="a deeper failure")
    service.trial(search_id, 0, 0.25, end=TrialStatus.PRUNED)
    service.trial(search_id, 1, 0.3, 0.2, end=TrialStatus.FAILED)
    assert get(service, f"/v1/searches/{search_id}")["best"]["iteration"] == 100
    page = visit(f"{service.url}/#/{search_id}")
    place = page.get_by_role("region", name="scores", exact=True)
    expect(place.locator("h2")).to_have_text("Scores at iteration 100, and the best so far")
    chart = place.locator("figure.chart")
    expect(chart.locator(".plane")).to_have_attribute("aria-label", re.compile("by trial, 1 value,"))
    assert values(chart) == ["trial 0: 0.2500"]


def test_what_a_user_wrote_is_text(service, visit):
    name = "<b>bold</b> <img src=x>"
    search_id = service.search(name=name)
    page = visit(f"{service.url}/#/{search_id}")
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("#view img, #view b")).to_have_count(0)


def test_a_search_that_is_not_there(service, visit):
    page = visit(f"{service.url}/#/s000000000000", complaints=("404",))
    expect(page.locator("p.wrong")).to_contain_text("s000000000000")
    expect(page.get_by_role("link", name="All searches")).to_be_visible()


def test_a_service_with_a_token_asks_for_it(home, serve, visit):
    guarded = serve(home.model_copy(update={"token": SecretStr("a token of at least sixteen letters")}))
    guarded.search(name="behind the token")
    page = visit(guarded.url, complaints=("401",))
    page.get_by_placeholder("token").fill("a token of at least sixteen letters")
    page.get_by_role("button", name="Enter").click()
    expect(page.locator("tbody tr")).to_contain_text("behind the token")


def test_the_api_page_shows_every_operation(service, visit):
    page = visit(f"{service.url}/docs")
    expect(page.locator("h1")).to_contain_text("Segnas")
    paths = get(service, "/openapi.json")["paths"]
    operations = sum(len(item) for item in paths.values())
    expect(page.locator("section > details")).to_have_count(operations)
    panels = page.locator("section > details").filter(has=page.get_by_text("/v1/searches/{search_id}/panels"))
    panels.locator("summary").first.click()
    expect(panels.locator("pre").first).to_contain_text("curl -s")


def test_a_drawing_opened_by_itself_is_dark_where_the_system_is(service, every_kind, visit):
    """So the policy lets the stylesheet inside the drawing work; a refusal would be in the console."""
    for path in ("trials/0/drawing", "snapshots/0/5/drawing"):
        kind = "black_box" if path.startswith("trials") else "auto_deeplab"
        page = visit(f"{service.url}/v1/searches/{every_kind[kind]}/{path}", complaints=("/favicon.ico",))
        ground = page.locator("rect").first
        for scheme, shade in (("light", 0), ("dark", 1)):
            page.emulate_media(color_scheme=scheme)
            expect(ground).to_have_css("fill", _rgb(PALETTE["surface"][shade]))


def _rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[start : start + 2], 16)) for start in (1, 3, 5))})"
