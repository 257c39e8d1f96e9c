"""Text of others on a terminal, in a log and in a header."""

from __future__ import annotations

import io
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.escaping import LineFormatter, header_value, one_line, several_lines

ANYTHING = st.text(st.characters())  # lone surrogates too


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with ümlauts and 网络", "plain, with ümlauts and 网络"),
        ("two\nlines", r"two\nlines"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b2J", r"\x9b2J"),
        ("abc\u202egpj.exe", r"abc\u202egpj.exe"),
        ("\u2066isolated\u2069", r"\u2066isolated\u2069"),
        ("line\u2028paragraph\u2029", r"line\u2028paragraph\u2029"),
        ("nul\x00 del\x7f", r"nul\x00 del\x7f"),
        ("\ud800", r"\ud800"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_written_out(text, shown):
    assert one_line(text) == shown


@given(ANYTHING)
def test_one_line_is_printable_and_stays_as_it_is(text):
    shown = one_line(text)
    assert shown.isprintable()
    assert one_line(shown) == shown


@given(ANYTHING)
def test_several_lines_keep_breaks_and_tabs_only(text):
    assert all(c.isprintable() or c in "\n\t" for c in several_lines(text))


def test_a_log_loses_its_colours_and_keeps_its_lines():
    assert (
        several_lines("\x1b[36m(trial 1)\x1b[0m a\tb\r\n10 %\r20 %\n\x1b[2Jc")
        == "(trial 1) a\tb\n10 %\n20 %\n\\x1b[2Jc"
    )


@pytest.mark.parametrize("text", ["abc", "a b", "~!", "x\n", " x "])
def test_what_fits_in_a_header(text):
    assert header_value(text, "the token") == text.strip()


@pytest.mark.parametrize("text", ["", " \n", "a\nb", "ü", "a\x00", "a\tb", "\u202ex", "a\x7f"])
def test_what_no_header_can_carry(text):
    with pytest.raises(ValueError, match=r"^the token "):
        header_value(text, "the token")


def test_a_message_is_one_line_of_the_log():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter("%(levelname)s %(message)s"))
    log = logging.Logger("test")
    log.addHandler(handler)
    log.warning("the search %s", "x\nERROR forged \x1b[2J")
    try:
        raise ValueError("bad\x1b[2J\u202e")
    except ValueError:
        log.exception("a pass failed")
    lines = stream.getvalue().splitlines()
    assert lines[0] == r"WARNING the search x\nERROR forged \x1b[2J"
    assert lines[1] == "ERROR a pass failed"
    assert lines[-1] == r"ValueError: bad\x1b[2J\u202e"
    assert len(lines) > 3
