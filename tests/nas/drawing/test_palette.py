"""Colours against their background: contrast as WCAG 2 defines it, and hues that colour-blind people tell apart."""

from __future__ import annotations

import itertools
import re

import pytest

from nas.drawing.palette import PALETTE, ROOT_CLASS, STYLESHEET, Role

TEXTS: tuple[Role, ...] = ("ink", "muted", "unit")
MARKS: tuple[Role, ...] = ("faint", "wire", "convolution", "pooling", "pointwise", "unit")
FAMILIES: tuple[Role, ...] = ("convolution", "pooling", "pointwise", "unit")
BACKGROUNDS: tuple[Role, ...] = ("surface", "card")


def linear(colour: str) -> tuple[float, float, float]:
    """Red, green and blue in linear light, from 0 to 1."""
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue))
    return r, g, b


def contrast(a: str, b: str) -> float:
    high, low = sorted((sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(x), strict=True)) for x in (a, b)),
                       reverse=True)  # fmt: skip
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_wcag():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("shade", [0, 1], ids=["light", "dark"])
def test_texts_and_marks_stand_out(shade):
    for ground in BACKGROUNDS:
        for role in TEXTS:
            assert contrast(PALETTE[role][shade], PALETTE[ground][shade]) >= 4.5, (role, ground)
        for role in MARKS:
            assert contrast(PALETTE[role][shade], PALETTE[ground][shade]) >= 3, (role, ground)
    for role in ("ink", "muted"):
        assert contrast(PALETTE[role][shade], PALETTE["map"][shade]) >= 4.5, role
    for role in FAMILIES:
        assert contrast(PALETTE[role][shade], PALETTE["map"][shade]) >= 3, role
        assert contrast(PALETTE[role][shade], PALETTE["surface"][shade]) >= 4.5, f"the number on a disc of {role}"


DICHROMATS = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""What people without one kind of cone see of linear light (Machado, Oliveira and Fernandes, 2009, severity 1)."""


@pytest.mark.parametrize("shade", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("kind", DICHROMATS)
def test_families_of_operators_differ_for_colour_blind_people(kind, shade):
    seen = {
        role: [sum(m * c for m, c in zip(row, linear(PALETTE[role][shade]), strict=True)) for row in DICHROMATS[kind]]
        for role in FAMILIES
    }
    for a, b in itertools.combinations(FAMILIES, 2):
        assert colour_difference(seen[a], seen[b]) > 10, (kind, a, b)


def colour_difference(a: list[float], b: list[float]) -> float:
    """CIE 1976 difference of two colours in linear light; 2.3 can just be noticed side by side."""
    return sum((x - y) ** 2 for x, y in zip(lab(a), lab(b), strict=True)) ** 0.5


def lab(rgb: list[float]) -> tuple[float, float, float]:
    xyz = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    x, y, z = (
        max(0.0, sum(m * c for m, c in zip(row, rgb, strict=True))) / white
        for row, white in zip(xyz, (0.9505, 1.0, 1.089), strict=True)
    )
    fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def test_the_stylesheet_turns_every_colour_and_touches_nothing_else():
    inside = re.fullmatch(
        rf"\.{ROOT_CLASS}{{[^{{}}]*}}@media \(prefers-color-scheme:dark\){{((?:[^{{}}]*{{[^{{}}]*}})*)}}", STYLESHEET
    )
    assert inside is not None
    rules = dict(re.findall(r"([^{}]+){([^{}]+)}", inside[1]))
    assert rules == {
        f".{ROOT_CLASS} .{way}-{role}": f"{attribute}:{shades.dark}"
        for role, shades in PALETTE.items()
        for way, attribute in (("f", "fill"), ("s", "stroke"))
    }
