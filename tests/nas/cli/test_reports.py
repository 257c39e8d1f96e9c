"""`segnas compare` and `segnas report`, against a real service."""

from __future__ import annotations

import json

import pytest

from nas.results.status import TrialStatus


@pytest.fixture(scope="module")
def two(service) -> tuple[str, str]:
    first, second = service.search(name="first"), service.search(name="second", seed=5)
    service.trial(first, 0, 0.3, 0.4, end=TrialStatus.COMPLETED)
    service.trial(second, 0, 0.4, end=TrialStatus.PRUNED)
    return first, second


def test_a_comparison_fits_80_columns(segnas, two, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = segnas("compare", *two)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    for text in (*two, "first", "second", "0.4000", "#0", "4.0 s"):
        assert text in out
    assert "The best trials stand at different rungs" in out
    assert out.splitlines()[-1] == "seed  A: 0; B: 5"


def test_equal_values_are_written_once(segnas, service, two):
    third = service.search(name="third")
    code, out, _ = segnas("compare", two[0], third, two[1])
    assert code == 0
    assert out.splitlines()[-1] == "seed  A, B: 0; C: 5"


def test_searches_that_differ_in_nothing(segnas, service, two):
    code, out, _ = segnas("compare", two[0], service.search(name="the same again"))
    assert code == 0
    assert out.endswith("No setting differs.\n")


def test_a_comparison_as_json(segnas, service, two):
    code, out, _ = segnas("compare", "--json", *two)
    assert code == 0
    assert json.loads(out) == service.http.get("/v1/comparison", params={"search": list(two)}).json()


def test_what_cannot_be_compared_is_told(segnas, two):
    code, out, err = segnas("compare", two[0])
    assert (code, out) == (2, "")
    assert err == "segnas: search: name 2 to 8 searches to compare, not 1\n"
    assert "named twice" in segnas("compare", two[0], two[0])[2]


def test_a_report_is_one_file(segnas, service, two, tmp_path, monkeypatch):
    file = tmp_path / "sent.html"
    code, out, err = segnas("report", two[0], "-o", file)
    assert (code, out, err) == (0, f"wrote {file}\n", "")
    text = file.read_text()
    assert text.startswith("<!doctype html>")
    assert "first" in text
    assert text.count("<h2>") > 4
    monkeypatch.chdir(tmp_path)
    assert segnas("report", two[1])[1] == f"wrote {two[1]}.html\n"
    assert (tmp_path / f"{two[1]}.html").is_file()
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {f"{two[1]}.html", "sent.html"}


def test_a_report_is_html(segnas, two, tmp_path):
    code, _, err = segnas("report", two[0], "-o", tmp_path / "sent.pdf")
    assert code == 2
    assert "would hold HTML: let its name end in .html" in err
    assert not (tmp_path / "sent.pdf").exists()
