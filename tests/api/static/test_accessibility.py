"""Every page by the rules of axe-core, on a wide window and on a phone, in light and dark: no finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest
from pydantic import SecretStr

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Response

from nas.specs.tokens import Scope, TokenRequest
from tests.api.conftest import one_of_every_kind
from tests.api.static.every_page import PAGES, go_to
from tests.conftest import Service, _settings, serving

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_finding(service, every_kind, browser, name):
    for width, scheme in ((1280, "light"), (390, "dark")):
        # axe is run inside the page, which the page's own rules for scripts would forbid.
        with browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
        ) as window:
            page = window.new_page()
            go_to(page, service.url, PAGES[name], every_kind)
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()


class Reader(NamedTuple):
    """A service that asks for a token, its searches by kind, and what enters a token that may only read."""

    service: Service
    searches: Mapping[str, str]
    script: str


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    settings = _settings(tmp_path_factory.mktemp("home")).model_copy(update={"token": SecretStr("the-own-token")})
    with serving(settings) as service:
        _, secret = service.store.create_token(TokenRequest(name="alice", scope=Scope.READ))
        yield Reader(service, one_of_every_kind(service), f"sessionStorage.setItem('segnas-token', '{secret}')")


@pytest.mark.parametrize("name", [name for name in PAGES if name != "report"])  # its address takes a header
def test_a_page_of_a_reader_has_no_finding_and_no_button_that_is_refused(reader, browser, name):
    path, content = PAGES[name]
    with browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark", bypass_csp=True) as window:
        window.add_init_script(reader.script)
        page = window.new_page()
        replies: list[Response] = []
        # No method of C: Playwright marks the handler.
        page.on("response", lambda reply: replies.append(reply))  # noqa: PLW0108
        # The form of a new search is not for readers: they are told so.
        address = (path, "section.card" if name == "new search" else content)
        go_to(page, reader.service.url, address, reader.searches)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        for button in page.get_by_role("button").all():
            if button.is_visible() and button.is_enabled():
                button.click()
        page.evaluate("fetch('v1/healthz')")  # by then what the buttons have asked for is answered
        assert [reply.url for reply in replies if reply.status in (401, 403)] == []
