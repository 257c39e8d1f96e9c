"""A first search made in the page, with the mouse alone: what it shows is what the service says, and it starts once."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml
from PIL import Image

from nas.first_search import LEAST_VALIDATION
from nas.results.status import TrialStatus
from nas.settings import DatasetEntry

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from playwright.sync_api import Route, expect

pytestmark = pytest.mark.slow

CROP = "Crop: height and width in pixels"


def plants(root, validation: int) -> DatasetEntry:
    """A data set with three training images, and some for validation."""
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    for split, names in (("train", ["a", "b", "c"]), ("val", [f"d{index}" for index in range(validation)])):
        (root / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("\n".join(names))
        for name in names:
            Image.fromarray(np.zeros((100, 210, 3), np.uint8)).save(root / "JPEGImages" / f"{name}.jpg")
            Image.fromarray(np.zeros((100, 210), np.uint8)).save(root / "SegmentationClass" / f"{name}.png")
    return DatasetEntry(layout="voc2012", root=root)


@pytest.fixture
def own(home, serve, tmp_path):
    """A service with a small data set that can be read, and one that cannot."""
    return serve(home.model_copy(update={"datasets": {"plants": plants(tmp_path / "voc", 1), **home.datasets}}))


def searches(service):
    return service.http.get("/v1/searches").json()["items"]


def test_a_first_search_by_the_mouse_alone(own, visit):
    page = visit(own.url)
    page.get_by_role("link", name="Start a first one here").click()
    expect(page.get_by_role("heading", name="New search")).to_be_visible()
    yaml_text = page.locator("pre").inner_text()
    request = yaml.safe_load(yaml_text)
    assert request["fidelity"]["crop"] == [96, 192]
    answer = own.http.post("/v1/searches", json=request, params={"dry_run": True}).json()
    rows = page.get_by_role("region", name="what it would do").locator("tr")
    expect(rows).to_have_text([f"{fact['name']}{fact['text']}" for fact in answer["facts"]])
    assert searches(own) == []
    page.get_by_label("Strategy").select_option("random")
    expect(page.locator("pre")).to_contain_text("strategy: {name: random}")
    shown = yaml.safe_load(page.locator("pre").inner_text())
    page.get_by_role("button", name="Start").click()
    expect(page.locator("h1")).to_have_text("first on plants")
    (made,) = searches(own)
    assert page.url.endswith(f"#/{made['id']}")
    again = own.http.post("/v1/searches", json=shown, params={"dry_run": True}).json()
    assert made["spec"] == again["spec"], "the file that was shown gives the same search"


def test_images_are_kept_back_where_there_are_enough_unless_the_user_will_not(home, serve, visit, tmp_path):
    few, many = plants(tmp_path / "few", 1), plants(tmp_path / "many", LEAST_VALIDATION)
    page = visit(f"{serve(home.model_copy(update={'datasets': {'many': many, 'few': few}})).url}/#/new")
    answer = page.get_by_role("region", name="what it would do")
    page.get_by_label("Data set").select_option("many")
    expect(answer).to_contain_text("the 2 best and 6 reference heads")
    shown = page.locator("pre")
    expect(shown).to_contain_text("holdout")
    assert yaml.safe_load(shown.inner_text())["fidelity"]["holdout"] == {"share": 0.5}
    keep = page.get_by_label("Keep validation images back")
    expect(keep).to_be_checked()
    keep.uncheck()
    expect(answer).not_to_contain_text("the 2 best")
    expect(shown).not_to_contain_text("holdout")
    expect(shown).not_to_contain_text("confirm")
    page.get_by_label("Data set").select_option("few")
    expect(keep).to_be_disabled()
    expect(page.locator(".field", has=keep)).to_contain_text("too few validation images")


def test_problems_stand_at_their_fields(own, visit):
    page = visit(f"{own.url}/#/new", complaints=("422",))
    expect(page.locator("pre")).to_be_visible()
    expect(page.get_by_label("Data set")).to_contain_text("scenes (cannot be read)")
    height = page.get_by_label(CROP, exact=True)
    height.fill("2000")
    place = page.locator(".field", has=height)
    expect(place.locator(".wrong")).to_contain_text("the crop 2000x192 is larger than the images")
    expect(height).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".wrong:visible").filter(has_text="crop")).to_have_count(1)
    height.fill("96")
    expect(place.locator(".wrong")).to_have_count(0)
    expect(page.get_by_role("region", name="what it would do")).to_contain_text("crop 96x192")
    page.get_by_label("Trials", exact=True).fill("5")
    strategy = page.locator(".field", has=page.get_by_label("Strategy"))
    expect(strategy.locator(".warning")).to_have_text(
        "gp draws its first 6 trials at random, and so all 5 of this search"
    )
    page.get_by_label("Trials", exact=True).fill("")
    trials = page.locator(".field", has=page.get_by_label("Trials", exact=True))
    expect(trials.locator(".wrong")).to_contain_text("integer")
    expect(page.get_by_role("region", name="what it would do")).to_contain_text("cannot start as it is entered")


def test_after_a_refused_start_the_keyboard_is_at_what_is_wrong(own, visit):
    """At the first wrong field; at the message where that is of none; on Start, which is to be pressed again."""
    page = visit(f"{own.url}/#/new", complaints=("422", "ERR_FAILED"))
    expect(page.locator("pre")).to_be_visible()
    start, width = page.get_by_role("button", name="Start"), page.get_by_label(f"{CROP}, the second")
    height = page.get_by_label(CROP, exact=True)
    width.evaluate("input => { input.value = '190'; }")  # not as a user does: nothing is checked before the click
    start.press("Enter")
    expect(page.locator(".field", has=height).locator(".wrong")).to_contain_text("crop [96, 190] does not fit")
    expect(height).to_be_focused()
    page.get_by_label("Trials", exact=True).evaluate("input => { input.value = '0'; }")
    start.press("Enter")
    expect(page.locator(".field", has=page.get_by_label("Trials", exact=True)).locator(".wrong")).to_be_visible()
    expect(height).to_be_focused()
    width.fill("192")
    page.get_by_label("Trials", exact=True).fill("12")
    expect(page.get_by_role("region", name="what it would do")).to_contain_text("crop 96x192")

    def unknown_field(route: Route) -> None:
        route.continue_(post_data={**json.loads(route.request.post_data or ""), "colour": "blue"})

    page.route("**/v1/searches", unknown_field)
    start.press("Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("colour: unknown field")
    expect(alert).to_be_focused()
    page.unroute("**/v1/searches")
    page.route("**/v1/searches", lambda route: route.abort())
    start.press("Enter")
    expect(alert).to_contain_text("Press Start again")
    expect(start).to_be_focused()
    assert searches(own) == []


def test_a_search_whose_answer_was_lost_is_not_started_twice(own, visit):
    page = visit(f"{own.url}/#/new", complaints=("ERR_FAILED",))
    expect(page.locator("pre")).to_be_visible()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/v1/searches", lose)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("Press Start again: no search is started twice")
    assert len(searches(own)) == 1
    page.unroute("**/v1/searches")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("h1")).to_have_text("first on plants")
    assert len(searches(own)) == 1


def test_a_probe_measures_what_the_search_would_cost(own, visit):
    page = visit(f"{own.url}/#/new")
    answer = page.get_by_role("region", name="what it would do")
    expect(answer).to_contain_text("costnot known")
    page.get_by_role("button", name="Measure what it costs").click()
    link = answer.get_by_role("link")
    expect(link).to_be_visible()
    (probe,) = searches(own)
    assert probe["name"] == "probe of first on plants"
    expect(link).to_have_attribute("href", f"#/{probe['id']}")
    expect(answer.get_by_role("status").filter(has_text="probe")).to_contain_text(
        f"The probe {probe['id']} is queued: 0 of 2 done"
    )
    own.store.driver_started(probe["id"], own.store.begin_driver(probe["id"]))
    for number in range(2):
        own.trial(probe["id"], number, 0.1, 0.2, 0.3, end=TrialStatus.COMPLETED)
    own.finish(probe["id"])
    expect(answer.get_by_role("status").filter(has_text="probe")).to_have_text(f"Measured by the probe {probe['id']}.")
    request = yaml.safe_load(page.locator("pre").inner_text())
    facts = own.http.post("/v1/searches", json=request, params={"dry_run": True}).json()["facts"]
    cost = next(fact["text"] for fact in facts if fact["name"] == "cost")
    assert "of device time" in cost
    expect(answer).to_contain_text(f"cost{cost}")
    expect(page.get_by_role("button", name="Measure what it costs")).to_be_hidden()
    assert len(searches(own)) == 1, "nothing else was started"


def test_a_probe_that_cannot_start_says_why_at_the_field(own, visit):
    page = visit(f"{own.url}/#/new", complaints=("422",))
    expect(page.get_by_role("button", name="Measure what it costs")).to_be_visible()
    page.get_by_label(CROP, exact=True).fill("2000")
    page.get_by_role("button", name="Measure what it costs").click()
    expect(page.locator(".wrong:visible").filter(has_text="larger than the images")).to_have_count(1)
    expect(page.get_by_label(CROP, exact=True)).to_be_focused()
    assert searches(own) == []


def test_without_a_data_set_it_says_how_to_get_one(home, serve, visit):
    own = serve(home.model_copy(update={"datasets": {}}))
    page = visit(f"{own.url}/#/new")
    expect(page.locator("main")).to_contain_text("no data set is registered yet")
    expect(page.locator("pre")).to_contain_text("segnas data add mine FOLDER")


def test_a_first_search_for_networks(own, visit):
    page = visit(f"{own.url}/#/new", complaints=("422",))
    expect(page.get_by_label("Backbone")).to_be_visible()
    page.get_by_label("Search for").select_option("networks")
    expect(page.locator("pre")).to_contain_text("kind: auto_deeplab")
    for label in ("Backbone", "Branches of a cell", "Operators", "Epochs of a run"):
        expect(page.get_by_label(label)).to_be_hidden()
    page.get_by_label("Layers of a network").fill("4")
    page.get_by_label("Width of a network").fill("6")
    page.get_by_label("Strategy").select_option("random")
    shown = page.locator("pre")
    expect(shown).to_contain_text("strategy: {name: random}")
    expect(shown).to_contain_text("layers: 4")
    request = yaml.safe_load(shown.inner_text())
    assert (request["space"]["levels"], request["fidelity"]["network"]["filters"]) == (3, 6)
    assert "backbone" not in request["fidelity"]
    answer = own.http.post("/v1/searches", json=request, params={"dry_run": True}).json()
    rows = page.get_by_role("region", name="what it would do").locator("tr")
    expect(rows).to_have_text([f"{fact['name']}{fact['text']}" for fact in answer["facts"]])
    page.get_by_label("Strides that its layers may have").fill("4")
    page.get_by_label(CROP, exact=True).fill("80")
    wrong = page.locator("form .wrong:visible")
    expect(wrong).to_have_count(1)
    expect(wrong).to_contain_text("change the crop or lower space.levels")
    page.get_by_label(CROP, exact=True).fill("96")
    expect(wrong).to_have_count(0)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("h1")).to_have_text("networks on plants")
    (made,) = searches(own)
    assert (made["spec"]["space"]["layers"], made["spec"]["space"]["levels"]) == (4, 4)


def test_a_first_differentiable_search(own, visit):
    page = visit(f"{own.url}/#/new", complaints=("422",))
    expect(page.get_by_label("Backbone")).to_be_visible()
    page.get_by_label("Search for").select_option("differentiable")
    shown = page.locator("pre")
    expect(shown).to_contain_text("supernet")
    for label in ("Backbone", "Strategy", "Branches of a cell"):
        expect(page.get_by_label(label)).to_be_hidden()
    expect(page.get_by_label("Trials", exact=True)).to_be_hidden()
    page.get_by_label("Epochs of a run").fill("3")
    wrong = page.locator("form .wrong:visible")
    expect(wrong).to_have_count(1)
    expect(wrong).to_contain_text("alpha and beta would never move")
    page.get_by_label("Epochs for the weights alone").fill("1")
    page.get_by_label("Runs, each with a seed of its own").fill("1")
    page.get_by_label(CROP, exact=True).fill("64")
    expect(wrong).to_have_count(0)
    expect(shown).to_contain_text("epochs: 3")
    request = yaml.safe_load(shown.inner_text())
    assert (request["bilevel"]["crop"], request["scoring"]["crop"], request["seeds"]) == ([64, 192], [64, 192], 1)
    expect(page.get_by_role("region", name="what it would do")).to_contain_text("1 of 3 epochs")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("h1")).to_have_text("differentiable on plants")
    (made,) = searches(own)
    assert made["kind"] == "auto_deeplab"
