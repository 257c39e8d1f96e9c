"""What is said of scores that were measured alike, and of those that were not."""

from __future__ import annotations

from typing import Any

from nas.comparison.measured import Measured, obstacles, remarks, sentences
from tests.builders import ENVIRONMENT, scenes_fidelity

FIDELITY = scenes_fidelity(100, 300)


def at(search: str, **changes: Any) -> Measured:
    given: dict[str, Any] = {"objective": "mIoU", "fidelity": FIDELITY, "rung": 300, "environment": ENVIRONMENT}
    return Measured(search, **given | changes)


def test_what_is_measured_alike_can_be_compared():
    assert obstacles([at("s1"), at("s2")]) == []
    assert list(sentences([at("s1"), at("s2")])) == [
        "The best scores were measured alike: at the same fidelity and rung, on the same data."
    ]
    assert list(sentences([at("s1")])) == list(sentences([])) == []


def test_other_fidelities_are_named_by_the_fields_that_differ():
    other = scenes_fidelity(100, 300, batch=4, crop=(257, 257))
    assert obstacles([at("s1"), at("s2", fidelity=other), at("s3")]) == [
        "The fidelities differ in crop, batch: compare scores only within s1 and s3; s2."
    ]


def test_another_objective_is_another_measure():
    assert obstacles([at("s1"), at("s2", objective="IoU of car"), at("s3")]) == [
        "The objectives differ: compare scores only within s1 and s3 (mIoU); s2 (IoU of car)."
    ]


def test_another_rung_or_other_data_is_another_measurement():
    data = ENVIRONMENT.model_copy(update={"inputs": "j"})
    rung, inputs = obstacles([at("s1", rung=100), at("s2", environment=data)])
    assert rung.endswith("compare scores only within s1 (iteration 100); s2 (iteration 300).")
    assert inputs.startswith("The data behind the names differ")
    assert inputs.endswith("within s1; s2.")


def test_another_machine_or_version_is_a_remark_and_no_obstacle():
    newer = ENVIRONMENT.model_copy(update={"software": {"torch": "3"}, "threads": 2})
    measured = [at("s1"), at("s2", environment=newer), at("s3", environment=None)]
    assert obstacles(measured) == []
    unknown, machine = remarks(measured)
    assert "with which s3 measured are not recorded" in unknown
    assert "(different: threads, torch)" in machine
    assert next(sentences(measured)) == "The best scores were measured alike: at the same fidelity and rung."


def test_many_differing_fields_are_counted():
    other = scenes_fidelity(
        *(50, 200),
        **{"crop": (257, 257), "resize": 0.5, "views": 2, "train_images": 3, "val_images": 3, "batch": 4, "ema": 0.9},
    )
    (sentence,) = obstacles([at("s1"), at("s2", fidelity=other)])
    assert "crop, views, train_images, val_images, rungs, batch and 2 more:" in sentence
