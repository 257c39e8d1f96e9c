"""The panels of one trial, from numbers that can be checked by hand."""

from __future__ import annotations

from typing import Any

from nas.panels.trial import trial_panels
from search_spaces.environment import Environment
from tests.builders import measured, scenes_fidelity, trial_record

FIDELITY = scenes_fidelity(100, 200)
HERE = Environment(device="cpu", model="a processor", threads=2, inputs="0" * 64, software={"torch": "2.13.0"})


def panels(*arguments: Any) -> list[Any]:
    """The panels of a trial, those of a row one by one."""
    made = trial_panels("s0123456789ab", *arguments)
    return [single for panel in made for single in getattr(panel, "panels", (panel,))]


def test_a_trial_that_measured_two_rungs():
    curve = [
        measured(100, 0.25, class_iou=(0.25, None, 0.75), train_loss=2.0, val_loss=1.5),
        measured(200, 0.5, class_iou=(0.5, None, 0.125), train_loss=1.0, val_loss=1.25, environment=HERE),
    ]
    trial = trial_record(7, 0.5, iteration=200, parameters=12489, multiply_adds=8_940_000, device_seconds=125.0)
    scores, losses, bars, facts, take_away = panels(trial, FIDELITY, curve, ("sky", "road"))
    assert scores.lines[0].points == ((100, 0.25), (200, 0.5))
    assert {line.text: line.points for line in losses.lines} == {
        "training loss": ((100, 2.0), (200, 1.0)),
        "validation loss": ((100, 1.5), (200, 1.25)),
    }
    assert [(bar.text, bar.value, bar.value_text) for bar in bars.bars] == [
        ("sky", 0.5, "0.5000"),
        ("road", None, "absent"),
        ("class 2", 0.125, "0.1250"),
    ]
    assert dict(facts.rows) == {
        "data set": "scenes",
        "iteration": "200 of 200",
        "seed": str(trial.seed),
        "trained parameters": "12,489",
        "multiply-adds of a crop": "8.9 M",
        "device time": "2.1 min",
        "attempt": "1",
        "measured on": "a processor, 2 threads",
        "software": "torch 2.13.0",
        "architecture": trial.architecture_key[:12],
        "fidelity": trial.fidelity_key[:12],
    }
    assert take_away.lines == (
        "segnas export s0123456789ab --trial 7 -o trial7.json",
        "segnas retrain trial7.json --dataset scenes --output retrained",
    )


def test_a_trial_before_its_first_rung_says_so():
    trial = trial_record(0, None)
    remark, facts, _ = panels(trial, FIDELITY, [], ())
    assert remark.lines == ("no rung is measured yet",)
    assert dict(facts.rows)["iteration"] == "0 of 200"
