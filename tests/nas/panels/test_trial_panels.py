"""The panels of one trial, from numbers that can be checked by hand."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nas.panels.relatives import Relative
from nas.panels.trial import trial_panels
from nas.results.status import TrialStatus
from nas.schemas.predictions import PredictedImage, PredictionsPublic
from nas.specs import BackboneSpec
from search_spaces.auto_deeplab.space import sample
from search_spaces.document import architecture_to_dict
from search_spaces.environment import Environment
from tests.builders import measured, scenes_fidelity, trial_record

FIDELITY = scenes_fidelity(100, 200)
HERE = Environment(device="cpu", model="a processor", threads=2, inputs="0" * 64, software={"torch": "2.13.0"})


def panels(*arguments: Any, **options: Any) -> list[Any]:
    """The panels of a trial, those of a row one by one."""
    made = trial_panels("s0123456789ab", *arguments, **options)
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
        "training and validation": "1.0 s",
        "device time": "2.1 min",
        "attempt": "1",
        "measured on": "a processor, 2 threads",
        "software": "torch 2.13.0",
        "architecture": trial.architecture_key[:12],
        "fidelity": trial.fidelity_key[:12],
    }
    assert [line.command for line in take_away.commands] == [
        "segnas export s0123456789ab --trial 7 -o trial7.json",
        "segnas retrain trial7.json --dataset scenes --fidelity trial7.json --output retrained",
        'network = nas.load_network("retrained")',
        'nas.build_head("trial7.json", in_channels=320)',
        "segnas export s0123456789ab --trial 7 --onnx trial7.onnx",
    ]
    assert all(bar.colour is None for bar in bars.bars)


def test_a_trial_before_its_first_rung_says_so():
    trial = trial_record(0, None, status=TrialStatus.RUNNING)
    remark, facts, _ = panels(trial, FIDELITY, [], ())
    assert remark.lines == ("no rung is measured yet",)
    assert dict(facts.rows)["iteration"] == "0 of 200"
    failed, *_ = panels(trial_record(0, None, status=TrialStatus.FAILED), FIDELITY, [], ())
    assert failed.lines == ("no rung was measured",)


SEEN = PredictionsPublic(
    iteration=1500,
    size=(2, 3),
    class_names=("sky", "road", "car"),
    colours=("#102030", "#405060", "#708090"),
    images=(
        PredictedImage(
            row=4,
            image="/a?v=1",
            mask="/b?v=2",
            prediction="/c?v=3",
            mask_classes=(1, 0),
            predicted_classes=(1,),
            agreement=0.375,
        ),
        PredictedImage(
            row=9, image="/d", mask="/e", prediction="/f", mask_classes=(), predicted_classes=(0,), agreement=None
        ),
    ),
)


def test_predictions_are_described_for_those_who_do_not_see_them():
    curve = [measured(100, 0.25, class_iou=(0.25, None, 0.75))]
    pictures, _, _, bars, *_ = panels(trial_record(7), FIDELITY, curve, (), predictions=SEEN)
    assert pictures.title == "Predictions on validation images at iteration 1,500"
    assert [row.text for row in pictures.rows] == [
        "Validation image 4: 37.5% of the labelled pixels are right",
        "Validation image 9",
    ]
    assert [(picture.path, picture.text, picture.smooth) for picture in pictures.rows[0].pictures] == [
        ("/a?v=1", "Validation image 4", True),
        ("/b?v=2", "Label map of image 4: road, sky", False),
        ("/c?v=3", "Prediction of image 4: road", False),
    ]
    assert pictures.rows[1].pictures[1].text == "Label map of image 9: no class"
    assert [(swatch.colour, swatch.text) for swatch in pictures.legend] == [("#102030", "sky"), ("#405060", "road")]
    assert [(bar.text, bar.colour) for bar in bars.bars] == [
        ("sky", "#102030"),
        ("road", "#405060"),
        ("car", "#708090"),
    ]


def test_a_data_set_that_has_changed_since_lends_no_colours():
    curve = [measured(100, 0.25, class_iou=(0.25, None))]
    _, _, _, bars, *_ = panels(trial_record(7), FIDELITY, curve, (), predictions=SEEN)
    assert [(bar.text, bar.colour) for bar in bars.bars] == [("class 0", None), ("class 1", None)]


def test_many_classes_are_counted():
    image = SEEN.images[0].model_copy(update={"mask_classes": tuple(range(10))})
    names = tuple("abcdefghij")
    many = SEEN.model_copy(update={"images": (image,), "class_names": names, "colours": ("#000000",) * 10})
    pictures, *_ = panels(trial_record(7), FIDELITY, [], (), predictions=many)
    assert pictures.rows[0].pictures[1].text == "Label map of image 4: a, b, c, d, e, f, g, h and 2 more"


def test_relatives_lead_to_their_pages():
    relatives = [
        Relative("its measurements were adopted from", "s1", 3),
        Relative("its search began with what is known from", "s2"),
        Relative("measured again as", "s3", 0, 0.5),
    ]
    *_, links, _ = panels(trial_record(7), FIDELITY, [], (), relatives=relatives)
    assert [(line.text, line.link, line.target) for line in links.links] == [
        ("Its measurements were adopted from", "trial 3 of s1", "#/s1/3"),
        ("Its search began with what is known from", "search s2", "#/s2"),
        ("Measured again as", "trial 0 of s3 (0.5000)", "#/s3/0"),
    ]


def test_an_entire_network_is_built_as_one():
    network = sample(1, 3, random.Random(0))
    trial = trial_record(7, architecture_json=architecture_to_dict(network))
    *_, take_away = panels(trial, FIDELITY, [measured(100, 0.25, class_iou=(0.25, None, 0.75))], ())
    assert take_away.commands[3].command == 'nas.build_network("trial7.json", num_classes=3)'


@pytest.mark.parametrize(
    ("backbone", "channels"),
    [
        ({"name": "resnet50", "weights": "a"}, "2048"),
        ({"name": "efficientnet_lite0", "weights": "imagenet", "output_stride": 32, "levels": [8, 16]}, "[40, 112]"),
        ({"name": "timm:resnet18", "weights": "pretrained"}, "..."),
    ],
)
def test_a_head_is_built_for_the_maps_that_it_read(backbone, channels):
    fidelity = FIDELITY.model_copy(update={"backbone": BackboneSpec.model_validate(backbone)})
    *_, take_away = panels(trial_record(7), fidelity, [], ())
    assert take_away.commands[3].command == f'nas.build_head("trial7.json", in_channels={channels})'
