"""What can be done to a search on its page, in a real browser: save, stop, extend, rename, delete."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nas.results.status import TrialStatus
from tests.api.static.shown import get

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from playwright.sync_api import expect

pytestmark = pytest.mark.slow


def test_best_is_saved_as_the_service_gives_it(service, every_kind, visit, tmp_path: Path):
    search_id = every_kind["black_box"]
    page = visit(f"{service.url}/#/{search_id}")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save best.json").click()
    assert saved.value.suggested_filename == f"best-{search_id}.json"
    saved.value.save_as(tmp_path / "best.json")
    assert json.loads((tmp_path / "best.json").read_text()) == get(service, f"/v1/searches/{search_id}/best")


def test_nothing_to_save_before_the_first_score(service, visit):
    page = visit(f"{service.url}/#/{service.search(name='empty')}")
    expect(page.locator("h1")).to_have_text("empty")
    expect(page.get_by_role("button", name="Save best.json")).to_have_count(0)
    expect(page.locator(".plane").first).to_contain_text("no scores yet")


def test_a_search_is_stopped(service, visit):
    search_id = service.search(name="too long")
    page = visit(f"{service.url}/#/{search_id}")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert get(service, f"/v1/searches/{search_id}")["status"] == "running"
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.locator("h1 + .pill")).to_have_text(re.compile("stopping|stopped"))
    assert get(service, f"/v1/searches/{search_id}")["status"] in ("stopping", "stopped")


def test_a_search_that_is_over_goes_on(service, visit):
    search_id = service.search(name="goes on")
    service.trial(search_id, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    service.finish(search_id)
    page = visit(f"{service.url}/#/{search_id}")
    page.get_by_role("button", name="Extend").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("trials")).to_have_value("20")
    dialog.get_by_label("trials").fill("30")
    dialog.get_by_label("trials").press("Enter")
    expect(page.locator("h1 + .pill")).to_have_text("queued")
    expect(page.locator(".steps")).to_contain_text("of 30")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("h1 + .pill")).to_have_text("paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("h1 + .pill")).to_have_text("queued")


def test_a_search_is_renamed_and_deleted(service, visit):
    search_id = service.search(running=False, name="before")
    page = visit(f"{service.url}/#/{search_id}", complaints=("409",))
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("after")
    dialog.get_by_label("Tags").fill("one two")
    dialog.get_by_label("Notes").fill("first line\nsecond line")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_have_text("after")
    shown = get(service, f"/v1/searches/{search_id}")
    assert (shown["name"], shown["tags"], shown["notes"]) == ("after", ["one", "two"], "first line\nsecond line")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("h1 + .pill")).to_have_text("paused")
    page.get_by_role("button", name="Delete").click()
    service.store.resume_search(search_id)  # by somebody else, meanwhile
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert")).to_contain_text("stop it first")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Searches")).to_be_visible()
    assert service.http.get(f"/v1/searches/{search_id}").status_code == 404
