"""A finished drawing (`Drawing`), the panels that one is stacked from, and the frame with title and caption."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from nas.atomic import write_text_atomically
from nas.drawing.palette import ROOT_CLASS, STYLESHEET
from nas.drawing.svg import Paint, group, number, rect, text
from nas.drawing.typesetting import wrap
from nas.escaping import one_line

WIDTH = 400.0
"""Width of a drawing in its own units where nothing needs more, so that a phone shows text at its size."""

MARGIN = 16.0
TITLE, SMALL = 15.0, 11.0
"""Font sizes of the title, and of the lines below it and in the caption."""

LEADING = 1.36
"""Distance of two lines of text in units of their size."""

PANEL_GAP = 12.0

_FONTS = "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Panel:
    """A part of a drawing: its size, and shapes with the part's upper left corner at (0, 0)."""

    width: float
    height: float
    shapes: Sequence[Element] = field(repr=False)


@dataclass(frozen=True)
class Drawing:
    """A drawing as SVG, which notebooks show: colours for light and dark, no script, no font or file from elsewhere.

    Attributes:
        title: What is drawn, as a screen reader says it first.
        description: The same in sentences.
        svg: The document, always the same for the same architecture.
    """

    title: str
    description: str
    svg: str = field(repr=False)

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> None:
        """Write the document to a file, which appears only when complete.

        Raises:
            OSError: The file cannot be written.
        """
        write_text_atomically(Path(path), self.svg)


def frame(
    title: str, details: Iterable[str], panels: Sequence[Panel], caption: Iterable[str], description: str
) -> Drawing:
    """Stack panels below a title and above a caption, on a background of their own.

    The background makes a drawing readable wherever it is put, whatever the colours around it.

    Args:
        title: What is drawn.
        details: Lines below the title; long ones are broken.
        panels: The parts, from top to bottom.
        caption: Sentences that explain the signs, one after the other.
        description: For screen readers: what the drawing shows, in sentences.
    """
    width = max([WIDTH, *(panel.width for panel in panels)])
    inner = width - 2 * MARGIN
    shapes: list[Element] = []
    y = MARGIN
    for lines, size in (([title], TITLE), (details, SMALL)):
        written = list(_lines(lines, y, size, inner, bold=size == TITLE))
        y += len(written) * size * LEADING
        shapes += written
    for panel in panels:
        y += PANEL_GAP
        shapes.append(group(panel.shapes, 0, y))
        y += panel.height
    explained = list(_lines([" ".join(caption)], y + PANEL_GAP, SMALL, inner))
    shapes += explained
    y += (PANEL_GAP + len(explained) * SMALL * LEADING) if explained else 0
    return Drawing(title, description, _document(title, description, width, y + MARGIN - 4, shapes))


def _lines(lines: Iterable[str], y: float, size: float, width: float, *, bold: bool = False) -> Iterator[Element]:
    broken = [part for line in lines if line for part in wrap(line, size, width, bold)]
    for place, part in enumerate(broken):
        yield text(MARGIN, y + size * (1 + LEADING * place), part, size, "ink" if bold else "muted", bold=bold)


def _document(title: str, description: str, width: float, height: float, shapes: Iterable[Element]) -> str:
    size = {"width": number(width), "height": number(height), "viewBox": f"0 0 {number(width)} {number(height)}"}
    look = {"class": ROOT_CLASS, "role": "img", "font-family": _FONTS}
    root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg"} | size | look)
    SubElement(root, "title").text = one_line(title)
    SubElement(root, "desc").text = one_line(description)
    SubElement(root, "style").text = STYLESHEET
    root.append(rect(0.5, 0.5, width - 1, height - 1, Paint(fill="surface", stroke="edge"), radius=10))
    root.extend(shapes)
    # ASCII, so that no encoding of a terminal, a pipe or a server can spoil it.
    document: bytes = tostring(root, encoding="us-ascii")
    return document.decode() + "\n"
