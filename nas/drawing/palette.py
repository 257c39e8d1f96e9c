"""The colours of drawings by what they mean, for light and dark: a stylesheet, and what a shape carries itself.

Hues are those of Okabe and Ito's palette ("Color Universal Design", 2008), which people with any of the common forms of
colour blindness tell apart, darker or lighter until they stand out from the background. No drawing says anything by
colour alone.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

Role: TypeAlias = Literal[
    "surface", "card", "edge", "faint", "wire", "ink", "muted", "map", "convolution", "pooling", "pointwise", "unit"
]


class Shades(NamedTuple):
    """The colour of a role on a light and on a dark background."""

    light: str
    dark: str


PALETTE: Final[dict[Role, Shades]] = {
    "surface": Shades("#ffffff", "#12161d"),
    "card": Shades("#f3f5f9", "#1c222c"),
    "edge": Shades("#cbd2de", "#3b4555"),
    "faint": Shades("#7f8ba1", "#6f7c93"),
    "wire": Shades("#66718a", "#93a0b5"),
    "ink": Shades("#182030", "#e9edf4"),
    "muted": Shades("#556075", "#a7b2c3"),
    "map": Shades("#dfe5ef", "#2a3342"),
    "convolution": Shades("#0063a6", "#5bb5f0"),
    "pooling": Shades("#b04a00", "#f2a552"),
    "pointwise": Shades("#00725a", "#3ccb9f"),
    "unit": Shades("#97407f", "#e495cc"),
}
"""The colour of each role: backgrounds, lines, texts, the feature map, then the four families of operators."""

ROOT_CLASS = "segnas-drawing"
"""Class of every drawing's root element, so that the stylesheet changes nothing else in a page that contains one."""


def _stylesheet() -> str:
    rules = (
        f".{ROOT_CLASS} .{way}-{role}{{{attribute}:{shades.dark}}}"
        for role, shades in PALETTE.items()
        for way, attribute in (("f", "fill"), ("s", "stroke"))
    )
    fitting = f".{ROOT_CLASS}{{max-width:100%;height:auto}}"
    return f"{fitting}@media (prefers-color-scheme:dark){{{''.join(rules)}}}"


STYLESHEET: Final = _stylesheet()
"""The stylesheet inside every drawing, always the same: a page's content security policy can allow it by its hash."""
