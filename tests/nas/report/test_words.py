"""The words of a report are explained where they are used, and only there."""

from __future__ import annotations

from collections.abc import Sequence

from nas.report.words import CELL, WORDS, words_in
from nas.schemas.panels import ColumnPublic, LinePublic, LinesPanel, Panel, TablePanel, TextPanel


def words(*texts: str, panels: Sequence[Panel] = ()) -> list[str]:
    return [word for word, _ in words_in(texts, panels)]


def test_a_word_is_found_alone_in_any_case_and_number():
    assert words("Trials and Rungs") == ["trial", "rung"]
    assert words("industrials, rhombus, prunedly") == []
    assert words("with a rho of 0.5 at full scale") == ["full scale", "rho"]


def test_what_is_drawn_and_not_written_is_no_word():
    line = LinePublic(text="median", mark="pruned", points=((1.0, 2.0),))
    assert words(panels=[LinesPanel(title="Scores", x_text="steps", lines=(line,))]) == []
    table = TablePanel(title="", columns=(ColumnPublic(text="Status"),), rows=(("pruned",),))
    assert words(panels=[table]) == ["pruned"]


def test_a_cell_that_is_written_is_read():
    assert words(panels=[TextPanel(lines=("0:sep1x3(F) 1:conv(0)",))]) == [CELL[0]]
    assert words("10:30 separate") == []


def test_every_word_has_one_meaning():
    assert len({word for word, _ in WORDS}) == len(WORDS)
