"""A spec in words: what was asked for, without defaults and without JSON."""

from __future__ import annotations

import pytest

from nas.cli.spec_fields import in_words, print_variants, spec_fields
from nas.specs import BlackBoxSpec, CalibrationSpec, ReferenceSpec


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"),
        (True, "yes"),
        (0.016, "0.016"),
        ([], "none"),
        ({}, "with its defaults"),
        ([100, 200], "100, 200"),
        ({"name": "adam", "betas": [0.9, 0.99], "inner": {"on": False, "off": {}}},
         "name adam; betas 0.9, 0.99; inner.on no; inner.off with its defaults"),
        ([{"class_iou": "car"}, "latency"], "class_iou car, latency"),
        (list(range(26)), f"{', '.join(map(str, range(24)))} and 2 more"),
        ([{"kind": "reference_head", "name": "aspp"}], "ASPP (6, 12, 18)"),
    ],
)  # fmt: skip
def test_values(value, words):
    assert in_words(value) == words


def test_fields_that_are_defaults_are_left_out():
    spec = BlackBoxSpec.model_validate({"name": "x", "trials": 7, "fidelity": {"dataset": "scenes", "rungs": [1, 2]}})
    assert dict(spec_fields(spec)) == {"fidelity": "dataset scenes; rungs 1, 2", "trials": "7"}


def test_heads_are_named():
    spec = ReferenceSpec.model_validate({"name": "x", "heads": ["aspp", "published_dpc"], "fidelity": {"dataset": "s"}})
    assert dict(spec_fields(spec))["heads"] == "ASPP (6, 12, 18), published DPC"


def calibration(**proxies: object) -> CalibrationSpec:
    return CalibrationSpec.model_validate({"name": "x", "proxies": proxies, "full_scale": {"dataset": "scenes"}})


def test_variants_are_told_apart_in_a_table(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    small = {"dataset": "scenes", "crop": [128, 256], "rungs": [100]}
    spec = calibration(small=small, long={**small, "rungs": [100, 200]}, default={"dataset": "scenes", "rungs": [100]})
    assert dict(spec_fields(spec))["proxies"] == "3, all with dataset scenes"
    print_variants(spec)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "",
        "Proxies  Settings",
        "small    crop 128, 256; rungs 100",
        "long     crop 128, 256; rungs 100, 200",
        "default  crop 513, 513; rungs 100",
    ]


def test_one_variant_alone_has_all_its_settings_in_the_table(capsys):
    spec = calibration(only={"dataset": "scenes", "rungs": [100]})
    assert dict(spec_fields(spec))["proxies"] == "1"
    print_variants(spec)
    assert capsys.readouterr().out.splitlines()[-1].split() == ["only", "dataset", "scenes;", "rungs", "100"]
