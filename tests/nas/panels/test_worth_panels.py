"""The panels about a search's worth: the question, its probe, the answer with what to do."""

from __future__ import annotations

import pytest

from nas.panels.worth import answer_panels, ask_panel, go_on_panel, unanswered_panels, waiting_panels, worth_figures
from nas.results.status import SearchStatus
from nas.schemas.panels import BarsPanel, IntervalsPanel, LinksPanel, TablePanel, TextPanel
from nas.schemas.worth import WorthPublic
from nas.worth import worth_probe
from tests.builders import black_box_spec


def answered(**changes: object) -> WorthPublic:
    fields = {
        "probe": "s0123456789ab",
        "answer": "open",
        "sentence": "Open: so it is.",
        "gain": 0.012,
        "low": -0.004,
        "high": 0.031,
        "probability": 0.6,
        "seed_deviation": 0.009,
        "trials": 60,
        "first": 200,
        "last": 400,
        "cells": 18,
        "references": 6,
        "first_deviation": 0.01,
        "spread": 0.04,
        "reliability": 0.94,
        "best_reference": "ASPP (6, 12, 18), width 16",
        "best_reference_mean": 0.5,
        "flattery": 0.003,
        "matched": 1.0,
        "device_seconds": 192.0,
    }
    return WorthPublic.model_validate(fields | changes)


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ("about 3.2 min of device time", "It takes about 3.2 min of device time. Nothing else is started."),
        (
            None,
            "What that takes is not known: nothing has been measured at a fidelity that costs the same.",
        ),
    ],
)
def test_the_question_says_what_it_measures_and_costs(cost, said):
    panel = ask_panel(worth_probe(black_box_spec()), cost, "/v1/somewhere")
    assert "24 heads to iteration 100, with 2 seeds each" in panel.lines[0]
    assert (panel.lines[1], panel.path) == (said, "/v1/somewhere")


def test_how_far_a_probe_is():
    links, bars, text = waiting_panels("s0123456789ab", SearchStatus.RUNNING, 12, 48, None, None)
    assert isinstance(links, LinksPanel)
    assert isinstance(bars, BarsPanel)
    assert isinstance(text, TextPanel)
    assert (links.links[0].text, links.links[0].target) == (
        "Asked, and not answered yet: it is running.",
        "#/s0123456789ab",
    )
    assert (bars.bars[0].value, bars.bars[0].value_text) == (0.25, "12 of 48")
    assert text.pending
    button = go_on_panel("/v1/somewhere", retry=False)
    links, _, last = waiting_panels("s0123456789ab", SearchStatus.FAILED, 12, 48, "no room", button)
    assert isinstance(links, LinksPanel)
    assert last == button, "nothing comes by itself"
    assert links.links[0].text == "Asked, and not answered yet: it is failed (no room)."
    assert (button.button, button.path) == ("Go on with it", "/v1/somewhere")
    assert go_on_panel("/v1/somewhere", retry=True).button == "Try again what failed"


def test_a_probe_that_answers_nothing_says_why():
    (panel,) = unanswered_panels("s0123456789ab", "no reference head has a score", None)
    assert isinstance(panel, LinksPanel)
    assert panel.links[0].text == "Asked, and not answered: no reference head has a score."


def test_the_answer_as_a_picture_by_hand():
    sentence, picture, advice, figures, _ = answer_panels(answered(), SearchStatus.RUNNING)
    assert isinstance(sentence, TextPanel)
    assert isinstance(picture, IntervalsPanel)
    assert isinstance(advice, TextPanel)
    assert isinstance(figures, TablePanel)
    assert sentence.lines == ("Open: so it is.",)
    (row,), (line,) = picture.rows, picture.lines
    assert (row.value, row.low, row.high, picture.zero) == (0.012, -0.004, 0.031, True)
    assert row.value_text == "+0.012, 80 % interval -0.004 to +0.031"
    assert (line.x, line.text) == (0.009, "one seed deviation, 0.009")
    assert figures.rows == tuple(worth_figures(answered()))
    assert figures.rows[-1] == ("took", "3.2 min of device time")
    assert answer_panels(answered(), None, said=True)[0] == picture, "the sentence stands elsewhere"


@pytest.mark.parametrize(
    ("answer", "status", "begins"),
    [
        ("worth it", None, "Start the search: "),
        ("worth it", SearchStatus.RUNNING, "Let it go on: "),
        ("worth it", SearchStatus.STOPPED, "Resume the search: "),
        ("not worth it", None, "Do not start the search: "),
        ("not worth it", SearchStatus.QUEUED, "Stop it: "),
        ("not worth it", SearchStatus.FAILED, "Leave the search as it is: "),
        ("open", None, "Both may be right. Start the search if "),
    ],
)
def test_what_to_do(answer, status, begins):
    (advice,) = (
        panel
        for panel in answer_panels(answered(answer=answer), status)
        if isinstance(panel, TextPanel) and panel.title == "What to do"
    )
    assert advice.lines[0].startswith(begins)
    assert ("Train ASPP (6, 12, 18), width 16 instead" in advice.lines[0]) == (answer == "not worth it")


def test_a_search_that_is_completed_needs_no_advice():
    titles = [getattr(panel, "title", "") for panel in answer_panels(answered(), SearchStatus.COMPLETED)]
    assert "What to do" not in titles
