"""How wide text is, without a font: an upper bound for the sans-serif fonts of browsers; lines are broken by it."""

from __future__ import annotations

_WIDTHS = {
    **dict.fromkeys("ijl|!'", 0.3),
    **dict.fromkeys(".,:;()[]/ I", 0.36),
    **dict.fromkeys('frt-−"', 0.42),
    **dict.fromkeys("mwMW%@", 0.95),
    **dict.fromkeys("0123456789×", 0.64),
}
"""Widths in units of the size, those of DejaVu Sans, which is wider than Arial, Helvetica, Roboto and Segoe UI."""

_LOWER, _OTHER, _BOLD = 0.62, 0.75, 1.1


def text_width(string: str, size: float, bold: bool = False) -> float:
    """Estimate the width of a line of text of a font size, rather too wide than too narrow."""
    width = sum(_WIDTHS.get(character, _LOWER if character.islower() else _OTHER) for character in string)
    return width * size * (_BOLD if bold else 1.0)


def wrap(string: str, size: float, width: float, bold: bool = False) -> list[str]:
    """Break a text into lines no wider than `width`, at spaces only: a longer word has a line to itself."""
    lines: list[str] = []
    for word in string.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
