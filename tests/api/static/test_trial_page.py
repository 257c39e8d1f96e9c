"""The page of a trial in a real browser: its pictures, its links, what it gives to copy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from nas.results.status import TrialStatus
from tests.api.static.shown import get
from tests.builders import measured, predictions
from tests.conftest import serving

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow

DRAWN = "image => image.complete && image.naturalWidth > 0"
"""Whether a picture has arrived and could be decoded."""


def pictures(page: Page) -> list[str]:
    """What the pictures show, once all of them are drawn."""
    images = page.locator(".gallery img")
    expect(images).to_have_count(6)
    for image in images.all():
        page.wait_for_function(DRAWN, arg=image.element_handle())
    return [str(image.get_attribute("alt")) for image in images.all()]


def test_predictions_beside_image_and_label_map(service, every_kind, visit):
    page = visit(f"{service.url}/#/{every_kind['black_box']}/0")
    assert pictures(page) == [
        "Validation image 1",
        "Label map of image 1: road, sky",
        "Prediction of image 1: sky",
        "Validation image 4",
        "Label map of image 4: sky",
        "Prediction of image 4: sky",
    ]
    expect(page.locator("figcaption").first).to_have_text("Validation image 1: 40.0% of the labelled pixels are right")
    expect(page.locator(".swatches li")).to_have_text(["road", "sky"])
    colours = [
        page.locator(place).first.evaluate("place => getComputedStyle(place).backgroundColor")
        for place in (".swatches i", "table.bars th i")
    ]
    assert colours == ["rgb(128, 64, 128)"] * 2


def test_pictures_are_asked_for_with_the_token(home, visit):
    settings = home.model_copy(update={"token": SecretStr("a-secret-of-enough-length")})
    with serving(settings) as guarded:
        search_id = guarded.search()
        guarded.trial(search_id, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
        guarded.store.record_predictions(search_id, 0, 1, predictions(200))
        page = visit(f"{guarded.url}/#/{search_id}/0", complaints=("401",))
        page.get_by_role("textbox").fill("a-secret-of-enough-length")
        page.get_by_role("button", name="Enter").click()
        assert len(pictures(page)) == 6


def test_a_picture_that_does_not_come_says_so(service, every_kind, visit):
    page = visit(f"{service.url}/docs", complaints=("ERR_FAILED",))
    page.route("**/predictions/1/mask*", lambda route: route.abort())
    page.goto(f"{service.url}/#/{every_kind['black_box']}/0")
    expect(page.locator(".gallery .wrong")).to_have_text("Label map of image 4: sky: The service does not answer")
    expect(page.locator(".gallery img")).to_have_count(5)


def test_predictions_of_a_running_trial_come_and_are_replaced(service, visit):
    search_id = service.search(name="running")
    service.trial(search_id, 0, 0.25)
    page = visit(f"{service.url}/#/{search_id}/0")
    expect(page.get_by_role("heading", name="Validation mIoU")).to_be_visible()
    assert page.locator(".gallery").count() == 0
    service.store.record_predictions(search_id, 0, 1, predictions(100))
    expect(page.get_by_role("heading", name="at iteration 100")).to_have_count(2)
    assert len(pictures(page)) == 6
    service.store.record_predictions(search_id, 0, 1, predictions(200, map_classes=((0,), (0,))))
    expect(page.get_by_role("heading", name="Predictions on validation images at iteration 200")).to_be_visible()
    assert pictures(page)[2] == "Prediction of image 1: road"


def test_what_a_trial_came_from_is_a_click_away(service, every_kind, visit):
    page = visit(f"{service.url}/#/{every_kind['full_scale']}/2")
    page.get_by_role("link", name=f"trial 2 of {every_kind['black_box']}").click()
    expect(page.locator(f"main a[href='#/{every_kind['black_box']}']").first).to_be_visible()
    page.get_by_role("link", name=f"trial 2 of {every_kind['full_scale']}").click()
    expect(page.locator(f"main a[href='#/{every_kind['full_scale']}']").first).to_be_visible()


def test_commands_are_copied(service, every_kind, visit):
    search_id = every_kind["black_box"]
    page = visit(f"{service.url}/docs")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{service.url}/#/{search_id}/0")
    command = f"segnas export {search_id} --trial 0 -o trial0.json"
    button = page.get_by_role("button", name=f"Copy: {command}")
    button.click()
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == command


def test_without_a_clipboard_the_command_is_selected(service, every_kind, visit):
    """A page that is not served by https from another machine has none."""
    page = visit(f"{service.url}/docs")
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto(f"{service.url}/#/{every_kind['black_box']}/0")
    page.get_by_role("button", name="Copy: segnas retrain").click()
    assert page.evaluate("getSelection().toString()").startswith("segnas retrain trial0.json")


def test_a_trial_has_a_page(service, every_kind, visit, tmp_path: Path):
    search_id = every_kind["black_box"]
    trial = get(service, f"/v1/searches/{search_id}/trials/0")
    sent = get(service, f"/v1/searches/{search_id}/trials/0/panels")
    page = visit(f"{service.url}/#/{search_id}")
    page.get_by_role("link", name="#0", exact=True).click()
    expect(page.locator("h1")).to_have_text("Trial 0")
    expect(page.locator("#view .pill")).to_have_text(trial["status"])
    panels = [single for panel in sent for single in panel.get("panels", [panel])]
    expect(page.locator(".panel")).to_have_count(len(panels))
    bars = next(panel for panel in panels if panel["type"] == "bars")
    shown = page.locator("table.bars tr")
    expect(shown.locator("th")).to_have_text([bar["text"] for bar in bars["bars"]])
    expect(shown.locator("td.number")).to_have_text([bar["value_text"] for bar in bars["bars"]])
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save document").click()
    saved.value.save_as(tmp_path / "trial.json")
    assert json.loads((tmp_path / "trial.json").read_text()) == trial["document"]
    drawing = service.http.get(f"/v1/searches/{search_id}/trials/0/drawing").text
    expect(page.get_by_role("img", name="Dense prediction cell")).to_have_count(1)
    expect(page.locator("svg.segnas-drawing rect")).to_have_count(drawing.count("<rect "))
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save drawing").click()
    saved.value.save_as(tmp_path / "trial.svg")
    assert (tmp_path / "trial.svg").read_text() == drawing
    search = get(service, f"/v1/searches/{search_id}")
    page.get_by_role("link", name=search["name"], exact=True).click()
    expect(page.locator("h1")).to_have_text(search["name"])
    page.locator(".steps").get_by_role("link", name=f"trial {search['best']['number']}", exact=True).click()
    expect(page.locator("h1")).to_have_text(f"Trial {search['best']['number']}")


def test_a_trial_whose_drawing_fails_at_first_is_shown_later(service, visit):
    search_id = service.search(name="drawn later")
    service.trial(search_id, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    page = visit(f"{service.url}/docs", complaints=("ERR_FAILED",))
    page.route("**/drawing", lambda route: route.abort())
    page.goto(f"{service.url}/#/{search_id}/0")
    expect(page.get_by_role("status")).to_contain_text("trying again")
    page.unroute("**/drawing")
    expect(page.locator("svg.segnas-drawing")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("")


def test_a_running_trial_is_followed(service, visit):
    search_id = service.search(name="followed")
    service.trial(search_id, 0)
    page = visit(f"{service.url}/#/{search_id}/0")
    expect(page.locator("main")).to_contain_text("no rung is measured yet")
    service.store.record_measurement(search_id, 0, 1, measured(100, 0.4321))
    expect(page.locator("main")).to_contain_text("0.4321 mIoU")
    service.store.finish_trial(search_id, 0, 1, TrialStatus.PRUNED)
    expect(page.locator("#view .pill")).to_have_text("pruned")
