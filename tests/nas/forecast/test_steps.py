"""Which fidelities cost the same a step, and lines through measured stretches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.forecast.steps import StepCost, Stretch, fit, step_key
from nas.specs import AugmentSpec, BackboneSpec, Fidelity, HeadSpec, NetworkSpec, OptimizerSpec, ScheduleSpec

BASE = Fidelity(dataset="scenes", backbone=BackboneSpec())
AUGMENT = AugmentSpec(scale=(1.0, 1.0))


def changed(fidelity: Fidelity = BASE, **fields: object) -> Fidelity:
    return Fidelity.model_validate({**dict(fidelity), **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"rungs": (5,)},
        {"views": 3},
        {"train_images": 10},
        {"augment": AUGMENT},
        {"class_weighting": 0.5},
        {"schedule": ScheduleSpec(name="single")},
        {"optimizer": OptimizerSpec(learning_rate=0.5)},
        {"backbone": BackboneSpec(weights="mobilenet", warmup_iterations=7)},
        {"network": NetworkSpec(filters=8)},
    ],
)
def test_what_does_not_change_a_step(fields):
    assert step_key(changed(**fields)) == step_key(BASE)


@pytest.mark.parametrize(
    "fields",
    [
        {"dataset": "others"},
        {"backbone": BackboneSpec(frozen=False)},
        {"backbone": BackboneSpec(width=0.5)},
        {"backbone": BackboneSpec(name="timm:vit", depths=(3,))},
        {"head": HeadSpec(channels=32)},
        {"crop": (129, 129)},
        {"batch": 4},
        {"val_images": 3},
        {"precision": "bfloat16"},
        {"label_stride": 16},
        {"optimizer": OptimizerSpec(name="adam")},
    ],
)
def test_what_changes_a_step(fields):
    assert step_key(changed(**fields)) != step_key(BASE)


def test_whole_networks_read_images_and_no_backbone():
    assert step_key(changed(backbone=BackboneSpec(width=0.5)), True) == step_key(BASE, True)
    assert step_key(changed(network=NetworkSpec(filters=8)), True) != step_key(BASE, True)
    assert step_key(changed(augment=AUGMENT), True) != step_key(BASE, True)
    trained = changed(backbone=BackboneSpec(frozen=False))
    assert step_key(changed(trained, augment=AUGMENT)) != step_key(trained)


def fitted(stretches: list[Stretch]) -> StepCost:
    cost = fit(stretches)
    assert cost is not None
    return cost


def test_nothing_measured_gives_no_line():
    assert fit([]) is None


def test_one_stretch_is_all_steps():
    line = fitted([Stretch(50, True, 3, 2.0)])
    assert line.seconds(50, True) == pytest.approx(2.0)
    assert line.seconds(150, False) == pytest.approx(6.0)


def test_two_stretches_of_different_length_tell_validation_apart():
    # 10 steps 3 s, 40 steps 6 s: 0.1 s a step, 2 s a validation.
    line = fitted([Stretch(10, True, 1, 3.0), Stretch(40, False, 1, 6.0)])
    assert (line.per_step, line.per_rung, line.start) == pytest.approx((0.1, 2.0, 0.0))


def test_two_stretches_of_one_length_tell_the_start_apart():
    line = fitted([Stretch(10, True, 1, 3.0), Stretch(10, False, 1, 1.0)])
    assert (line.per_step, line.per_rung, line.start) == pytest.approx((0.1, 0.0, 2.0))


def test_stretches_weigh_as_many_as_their_trials():
    line = fitted([Stretch(10, True, 1, 1.0), Stretch(10, True, 3, 2.0)])
    assert line.seconds(10, True) == pytest.approx((1.0 + 3 * 2.0) / 4)


def test_noise_that_would_make_steps_free_gives_all_time_to_the_steps():
    line = fitted([Stretch(10, True, 1, 3.0), Stretch(20, False, 1, 2.0)])
    assert (line.per_rung, line.start) == (0.0, 0.0)
    assert line.per_step == pytest.approx(5.0 / 30)


@given(st.floats(1e-4, 10), st.floats(0, 100), st.floats(0, 100))
def test_the_probe_s_stretches_give_back_any_line(step, rung, start):
    exact = [
        Stretch(n, first, 2, n * step + rung + first * start) for n, first in ((10, True), (10, False), (80, False))
    ]
    line = fitted(exact)
    for steps, first in ((1000, True), (30_000, False)):
        assert line.seconds(steps, first) == pytest.approx(steps * step + rung + first * start, rel=1e-4)
