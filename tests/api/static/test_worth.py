"""Asking by a click whether a search is worth it, in the form and on a search's page: through a reload, an outage."""

from __future__ import annotations

import pytest

from nas.results.status import SearchStatus
from tests.api.static.shown import get, values
from tests.worth_probe import measure_probe

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

ASK = "Ask whether it is worth it"


def newest(service):
    return get(service, "/v1/searches")["items"][0]


def shows_the_answer(place, found) -> None:
    expect(place).to_contain_text(found["sentence"])
    picture = place.locator(".panel.intervals")
    expect(picture.locator("canvas")).to_be_attached()
    expect(picture.locator(".legend")).to_have_text(f"one seed deviation, {found['seed_deviation']:.3f}")
    interval = f"{found['gain']:+.3f}, 80 % interval {found['low']:+.3f} to {found['high']:+.3f}"
    assert values(picture) == [f"this search: {interval}"]
    expect(place).to_contain_text("What to do")
    expect(place.get_by_role("link", name=found["probe"])).to_have_attribute("href", f"#/{found['probe']}")


def test_what_is_refused_stands_at_the_field(service, visit):
    page = visit(f"{service.url}/#/new", complaints=("422",))
    page.get_by_role("button", name=ASK).wait_for()
    crop = page.get_by_label("Crop: height and width in pixels", exact=True)
    crop.evaluate("input => { input.value = '7'; }")  # not as a user does: nothing is checked before the click
    page.get_by_role("button", name=ASK).click()
    expect(page.locator(".wrong:visible").filter(has_text="crop")).to_have_count(1)


def test_in_the_form_before_it_is_started(service, visit):
    page = visit(f"{service.url}/#/new", complaints=("ERR_FAILED",))
    place = page.get_by_role("region", name="what it would do")
    expect(place).to_contain_text("What that takes is not known")
    page.get_by_role("button", name=ASK).press("Enter")
    link = place.get_by_role("link")
    expect(link).to_be_visible()
    probe = newest(service)
    expect(link).to_have_attribute("href", f"#/{probe['id']}")
    expect(link).to_be_focused()
    expect(place).to_contain_text("it is queued")
    expect(place).to_contain_text("0 of 48")
    measure_probe(service, probe["id"], heads=6)
    expect(place).to_contain_text("12 of 48")
    page.reload()
    expect(place).to_contain_text("12 of 48")
    expect(page.get_by_role("button", name=ASK)).to_have_count(0)
    page.route("**/v1/searches?*", lambda route: route.abort())
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer")
    expect(place).to_contain_text("12 of 48")
    measure_probe(service, probe["id"], first=6)
    service.finish(probe["id"])
    page.unroute("**/v1/searches?*")
    request = get(service, "/v1/first-search")["request"]
    reply = service.http.post("/v1/searches", json=request, params={"dry_run": True}).json()
    expect(page.get_by_role("alert")).not_to_contain_text("The service does not answer")
    shows_the_answer(place, reply["worth"])
    page.get_by_label("Trials", exact=True).fill("500")
    expect(place).to_contain_text("a search of 500 trials")
    assert newest(service)["id"] == probe["id"], "nothing else was started"


def test_on_the_page_of_a_search(service, visit):
    search = service.search(name="is it?", seed=31)
    page = visit(f"{service.url}/#/{search}", complaints=("ERR_FAILED",))
    place = page.get_by_role("region", name="answer")
    page.route("**/worth", lambda route: route.abort())
    page.get_by_role("button", name=ASK).click()
    expect(place.get_by_role("status")).to_contain_text("Press it again: nothing is started twice.")
    page.unroute("**/worth")
    page.get_by_role("button", name=ASK).click()
    expect(place).to_contain_text("0 of 48")
    probe = newest(service)["id"]
    page.route("**/panels", lambda route: route.abort())
    measure_probe(service, probe)
    service.finish(probe)
    page.wait_for_event("requestfailed", lambda request: request.url.endswith("/panels"))
    expect(place).to_contain_text("0 of 48")
    page.unroute("**/panels")
    shows_the_answer(place, get(service, f"/v1/searches/{search}/worth"))
    page.reload()
    shows_the_answer(place, get(service, f"/v1/searches/{search}/worth"))


def test_a_probe_that_failed_goes_on_by_a_click(service, visit):
    search = service.search(name="it failed", seed=32)
    probe = service.http.post(f"/v1/searches/{search}/worth").json()["id"]
    measure_probe(service, probe, heads=6)
    service.store.finish_search(probe, 1, SearchStatus.FAILED, "no room")
    page = visit(f"{service.url}/#/{search}")
    place = page.get_by_role("region", name="answer")
    expect(place).to_contain_text("it is failed (no room)")
    page.get_by_role("button", name="Go on with it").press("Enter")
    expect(place).to_contain_text("it is queued")
    expect(place).to_contain_text("12 of 48")
    expect(place.get_by_role("link", name=probe)).to_be_focused()
    measure_probe(service, probe, first=6)
    service.finish(probe)
    shows_the_answer(place, get(service, f"/v1/searches/{search}/worth"))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_question_progress_and_answer_are_accessible(service, browser, width, scheme):
    spec = {"seed": width}
    search = service.search(name="accessible", **spec)
    # axe is run inside the page, which the page's own rules for scripts would forbid.
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True) as window:
        page = window.new_page()
        page.goto(f"{service.url}/#/{search}")
        place = page.get_by_role("region", name="answer")

        def found_nothing() -> None:
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"

        expect(page.get_by_role("button", name=ASK)).to_be_visible()
        found_nothing()
        page.get_by_role("button", name=ASK).click()
        expect(place).to_contain_text("0 of 48")
        found_nothing()
        probe = newest(service)["id"]
        service.store.move_search(probe, [SearchStatus.QUEUED], SearchStatus.STOPPED)
        page.reload()
        expect(page.get_by_role("button", name="Go on with it")).to_be_visible()
        found_nothing()
        page.get_by_role("button", name="Go on with it").click()
        expect(place).to_contain_text("it is queued")
        measure_probe(service, probe)
        service.finish(probe)
        expect(place.locator(".panel.intervals canvas")).to_be_attached()
        found_nothing()
