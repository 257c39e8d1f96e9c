"""The leaderboard in a real browser: columns, sorting, more trials, the file."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from nas.results.status import TrialStatus
from tests.api.routes.test_comparisons import CAR, by_class

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from playwright.sync_api import expect

pytestmark = pytest.mark.slow

SHOWN = 50


@pytest.fixture
def opened(service, visit):
    search_id = service.search(name="boarded", trials=100)
    for number in range(SHOWN + 5):
        service.trial(search_id, number, 0.1, (number * 37 % 101) / 101, end=TrialStatus.COMPLETED)
    service.trial(search_id, SHOWN + 5, 0.99)
    service.store.finish_trial(search_id, SHOWN + 5, 1, TrialStatus.FAILED, '=cmd("x"), then NaN')
    page = visit(f"{service.url}/#/{search_id}")
    board = page.get_by_role("region", name="leaderboard")
    expect(board.locator("tbody tr")).to_have_count(SHOWN)
    return search_id, page, board


def _numbers(board) -> list[int]:
    return [int(text[1:]) for text in board.locator("tbody td:nth-child(2)").all_inner_texts()]


def test_columns_are_sorted_among_all_trials(opened):
    """The service sorts: trials that are not among the first by rank come first by number."""
    _, _, board = opened
    ranked, total = _numbers(board), SHOWN + 6
    head, rank = (board.get_by_role("columnheader", name=name) for name in ("Trial", "Rank"))
    expect(rank).to_have_attribute("aria-sort", "ascending")
    for state, expected in (
        ("descending", list(range(total))[::-1][:SHOWN]),
        ("ascending", list(range(SHOWN))),
        (None, ranked),
    ):
        head.get_by_role("button").click()
        expect(board.locator("tbody td:nth-child(2)")).to_have_text([f"#{number}" for number in expected])
        assert head.get_attribute("aria-sort") == state
        expect(board.get_by_role("status")).to_have_text("" if state is None else "sorted by trial")
        expect(head.get_by_role("button")).to_be_focused()
    board.get_by_role("columnheader", name="mIoU").get_by_role("button").click()
    expect(board.get_by_role("status")).to_have_text("sorted by mIoU, deeper rungs first")
    expect(board.locator("tbody td:nth-child(2)")).to_have_text([f"#{number}" for number in ranked])
    rank.get_by_role("button").click()
    rank.get_by_role("button").click()
    expect(board.locator("tbody td:nth-child(2)").first).to_have_text("#0")  # 0 of 101 is the least score
    expect(rank).to_have_attribute("aria-sort", "descending")


def test_what_is_sorted_stays_so_while_trials_come(service, opened):
    search_id, _, board = opened
    board.get_by_role("columnheader", name="Trial").get_by_role("button").click()
    expect(board.locator("tbody td:nth-child(2)").first).to_have_text(f"#{SHOWN + 5}")
    board.get_by_role("button", name="Show more").click()
    expect(board.locator("tbody tr")).to_have_count(SHOWN + 6)
    service.trial(search_id, SHOWN + 6, 0.3)
    expect(board.locator("tbody td:nth-child(2)").first).to_have_text(f"#{SHOWN + 6}", timeout=10_000)
    expect(board.locator("h2")).to_have_text("Leaderboard, the first 56 of 57")


def test_the_objective_and_the_latency_are_columns_where_a_search_has_them(service, visit):
    search_id = by_class(service, "cars", CAR, (0.8, 0.3), (0.6, 0.5))
    page = visit(f"{service.url}/#/{search_id}")
    board = page.get_by_role("region", name="leaderboard")
    expect(board.get_by_role("columnheader", name="IoU of car")).to_be_visible()
    expect(board.locator("tbody tr").first).to_contain_text("2.50 ms")
    heads = board.locator("thead th").all_inner_texts()
    cells = board.locator("tbody tr").first.locator("td").all_inner_texts()
    shown = dict(zip((head.strip(" ▴▾") for head in heads), cells, strict=True))
    assert (shown["Trial"], shown["IoU of car"], shown["mIoU"]) == ("#1", "0.5000", "0.6000")
    expect(page.locator(".steps")).to_contain_text("0.5000 IoU of car, 0.6000 mIoU")
    expect(page.get_by_role("heading", name="IoU of car against parameters")).to_have_count(0)  # no size was recorded


def test_more_trials_and_a_title_that_counts(opened):
    _, _, board = opened
    expect(board.locator("h2")).to_have_text("Leaderboard, the first 50 of 56")
    board.get_by_role("button", name="Show more").click()
    expect(board.locator("tbody tr")).to_have_count(56)
    expect(board.locator("h2")).to_have_text("Leaderboard")
    expect(board.get_by_role("button", name="Show more")).to_be_hidden()
    assert _numbers(board)[-1] == SHOWN + 5, "a failed trial comes last"
    assert len(set(_numbers(board))) == 56


def test_columns_are_chosen_and_remembered(opened):
    _, page, board = opened
    heads = board.locator("thead th")
    count = heads.count()
    board.locator("summary").click()
    board.get_by_label("Seed").check()
    board.get_by_label("Rank").uncheck()
    expect(heads).to_have_count(count)
    expect(board.get_by_role("columnheader", name="Seed")).to_be_visible()
    expect(board.get_by_role("columnheader", name="Rank")).to_have_count(0)
    expect(board.locator("tbody tr").first).to_contain_text("7")
    page.reload()
    expect(board.get_by_role("columnheader", name="Seed")).to_be_visible()


def test_the_file_has_every_trial(service, opened, tmp_path: Path):
    search_id, page, board = opened
    with page.expect_download() as saved:
        board.get_by_role("button", name="Save as CSV").click()
    assert saved.value.suggested_filename == f"trials-{search_id}.csv"
    saved.value.save_as(tmp_path / "trials.csv")
    with (tmp_path / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    trials = service.http.get(f"/v1/searches/{search_id}/trials?order_by=-score&limit=500").json()["items"]
    assert len(rows) == len(trials) == 56
    for rank, (row, trial) in enumerate(zip(rows, trials, strict=True), 1):
        assert (row["Trial"], row["Status"]) == (str(trial["number"]), trial["status"])
        assert float(row["mIoU"]) == float(row["Value"]) == trial["score"]
        assert row["Latency in ms"] == ""
        assert row["Architecture"] == trial["text"]
        assert row["Rank"] == ("" if trial["standing"] is None else str(rank))
    # A spreadsheet must not take a text for a formula.
    assert rows[-1]["Reason"] == '\'=cmd("x"), then NaN'


def test_a_place_that_seems_wrong_is_explained(service, visit):
    search_id = service.search(name="early", trials=100)
    service.trial(search_id, 0, 0.1, 0.5, end=TrialStatus.COMPLETED, judged=False)
    service.trial(search_id, 1, 0.3, 0.6, end=TrialStatus.COMPLETED, judged=True)
    service.trial(search_id, 2, 0.2, end=TrialStatus.PRUNED)
    board = visit(f"{service.url}/#/{search_id}").get_by_role("region", name="leaderboard")
    expect(board.locator("tbody td:nth-child(2)")).to_have_text(["#1", "#2", "#0"])
    expect(board.locator("tbody tr").nth(2)).to_contain_text("placed by 0.1000 at")
    expect(board.get_by_text("unjudged")).to_have_count(1)
