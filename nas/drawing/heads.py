"""Diagrams of the reference heads that read one feature map: branches, or steps one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from nas.drawing.branches import Branch, Source, tree_panel
from nas.drawing.drawing import Drawing, frame
from nas.drawing.footprint import View
from nas.drawing.pyramids import draw_pyramid
from nas.drawing.sequence import Residual, Step, sequence_panel
from nas.drawing.setting import Setting
from nas.drawing.units import unit_steps
from search_spaces.dense_cell.architecture import FEATURES
from search_spaces.reference.architecture import SEVERAL_LEVELS, ReferenceHead
from search_spaces.text import architecture_text, unit_text


def draw_reference_head(head: ReferenceHead, setting: Setting) -> Drawing:
    """Draw a head that was designed by hand; a head of several levels is drawn on the usual four where there is one.

    Args:
        head: Its own `channels` have precedence over the setting's.
        setting: Its crop and its finest stride scale the rates.
    """
    if head.channels is not None:
        setting = Setting(setting.crop, setting.strides, setting.rate_multiplier, head.channels)
    if head.name in SEVERAL_LEVELS:
        return draw_pyramid(head, setting)
    match head.name:
        case "aspp" | "aspp_separable":
            return _draw_branches(head, setting, _aspp(head, setting), "1×1 conv, BN, ReLU")
        case "ppm":
            return _draw_branches(head, setting, _ppm(head, setting), "3×3 conv, BN, ReLU")
    return _draw_steps(head, setting)


def _draw_branches(head: ReferenceHead, setting: Setting, branches: Sequence[Branch], last: str) -> Drawing:
    final = filters(last, setting)
    caption = ["Squares: the map, to scale, and what is read of it for the cell at its centre."]
    if head.rates:
        caption.append("Dots: taps of the 3×3 kernel; rings: taps outside the map, which read zero.")
    if head.bins:
        caption.append("Lines: bins, each of which has one mean.")
    source = Source("F", setting.map_text)
    sentences = [f"{branch.name}, {', '.join(branch.details)}." for branch in branches]
    return frame(
        architecture_text(head),
        [f"feature map of {setting.text}"],
        [tree_panel([source], branches, "concat", final)],
        caption,
        f"Branches that read {source.detail}: {' '.join(sentences)} They are concatenated; then {final}.",
    )


def _aspp(head: ReferenceHead, setting: Setting) -> list[Branch]:
    rates = [(setting.rate(rate), setting.rate(rate)) for rate in head.rates]
    view = View.around(setting.size, rates)
    kind = "3×3 sep" if head.name == "aspp_separable" else "3×3 conv"
    atrous = [
        Branch(
            kind,
            (f"rate {rate}" if rate == scaled[0] else f"rate {rate} = {scaled[0]}", "BN, ReLU"),
            FEATURES,
            "convolution",
            [*view.map(), *view.taps(scaled, "convolution")],
        )
        for rate, scaled in zip(head.rates, rates, strict=True)
    ]
    point = Branch("1×1 conv", ("BN, ReLU",), FEATURES, "pointwise", [*view.map(), *view.point("pointwise")])
    image = Branch(
        "image pooling", ("mean of the map", "1×1 conv, BN, ReLU"), FEATURES, "pooling",
        [*view.map(), *view.whole("pooling"), *view.grid((1, 1), "pooling")],
    )  # fmt: skip
    return [point, *atrous, image]


def _ppm(head: ReferenceHead, setting: Setting) -> list[Branch]:
    view = View(setting.size)
    itself = Branch("F itself", ("unchanged",), FEATURES, "pointwise", [*view.map(), *view.point("pointwise")])
    pooled = [
        Branch(
            f"{bins}×{bins} mean" + ("s" if bins > 1 else ""),
            ("1×1 conv, BN, ReLU", "resized to the map"),
            FEATURES,
            "pooling",
            [*view.map(), *view.whole("pooling"), *view.grid((bins, bins), "pooling")],
        )
        for bins in head.bins
    ]
    return [itself, *pooled]


def _draw_steps(head: ReferenceHead, setting: Setting) -> Drawing:
    parts: tuple[Step | Residual, ...]
    if head.name == "trunk":
        parts = (Step("F", setting.map_text, "map"), *_trunk(head), _last(setting))
    elif head.name == "linear":
        parts = _linear(setting)
    else:
        parts = (Step("F", setting.map_text, "map"), _last(setting))
    caption = [] if head.unit is None else ["Dashed: the unit, whose input is added to what it gives."]
    return frame(
        architecture_text(head),
        [f"feature map of {setting.text}"],
        [sequence_panel(parts)],
        caption,
        _steps_text(parts),
    )


def _last(setting: Setting) -> Step:
    return Step(filters("1×1 conv, BN, ReLU", setting), "", "pointwise")


def _trunk(head: ReferenceHead) -> tuple[Step | Residual, ...]:
    conv = Step(f"3×3 conv, BN, ReLU: {head.width} filters", "", "convolution")
    unit = () if head.unit is None else (Residual(unit_text(head.unit), unit_steps(head.unit)),)
    return conv, *unit, conv


def _linear(setting: Setting) -> tuple[Step, ...]:
    finest, *_, last = (*setting.strides, setting.strides[-1])
    several = len(setting.strides) > 1
    source = Step("F", f"the last map, of stride {last}; no other is read" if several else "the feature map", "map")
    norm = Step("batch norm", "no hidden layer: the classifier follows", "pointwise")
    return (source, norm, Step("resize", f"to stride {finest}", "edge")) if last != finest else (source, norm)


def _steps_text(parts: Sequence[Step | Residual]) -> str:
    sentences = []
    for part in parts:
        if isinstance(part, Residual):
            inside = "; ".join(_step_text(step) for step in part.steps)
            sentences.append(f"{part.name}, whose input is added to what it gives: {inside}.")
        else:
            sentences.append(f"{_step_text(part)}.")
    return " ".join(sentences)


def _step_text(step: Step) -> str:
    return f"{step.name}, {step.detail}" if step.detail else step.name


def filters(step: str, setting: Setting) -> str:
    """Say a step and how many filters it has, where that is known: "1×1 conv, BN, ReLU: 256 filters"."""
    return step if setting.channels is None else f"{step}: {setting.channels} filters"
