import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas.specs import ScheduleSpec
from nas.training.loop.schedule import cosine_decay, decay, rate_factors


def test_decay_by_hand():
    # Two warm-up steps (1/2, 1), then 4 steps of (1 - t/4)^1.
    assert decay(6, 1.0, 2).tolist() == [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    assert decay(4, 2.0, 0) == pytest.approx([1, 9 / 16, 1 / 4, 1 / 16])


def test_cosine_by_hand():
    # Two warm-up steps, then 4 steps of (1 + cos(pi t/4)) / 2.
    half = 2**-0.5
    assert cosine_decay(6, 2) == pytest.approx([0.5, 1.0, 1.0, (1 + half) / 2, 0.5, (1 - half) / 2])


def test_cosine_is_the_schedule_that_torch_has():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50)
    rates = []
    for _ in range(50):
        rates += reference.get_last_lr()
        optimizer.step()
        reference.step()
    assert cosine_decay(50, 0) == pytest.approx(rates)


def test_cosine_restarts_after_each_rung_or_decays_once():
    assert rate_factors(ScheduleSpec(decay="cosine", warmup=0), (2, 4)).tolist() == pytest.approx([1, 0.5, 1, 0.5])
    once = rate_factors(ScheduleSpec(name="single", decay="cosine", warmup=3), (2, 40))
    assert np.array_equal(once, cosine_decay(40, 3))


def test_warm_up_is_cut_to_half_of_a_short_interval():
    assert decay(4, 1.0, 20).tolist() == [0.5, 1.0, 1.0, 0.5]
    assert decay(1, 0.9, 20).tolist() == [1.0]


def test_per_rung_starts_anew_after_each_rung():
    factors = rate_factors(ScheduleSpec(name="per_rung", power=1.0, warmup=0), (2, 6))
    assert factors.tolist() == [1.0, 0.5, 1.0, 0.75, 0.5, 0.25]


def test_a_rung_of_per_rung_is_a_finished_shorter_schedule():
    spec = ScheduleSpec()
    assert np.array_equal(rate_factors(spec, (150, 300, 1200))[:150], rate_factors(spec, (150,)))


def test_single_is_one_decay_over_all_rungs():
    spec = ScheduleSpec(name="single", warmup=5)
    assert np.array_equal(rate_factors(spec, (10, 40)), decay(40, 0.9, 5))


@given(st.integers(1, 300), st.floats(0.1, 5), st.integers(0, 50))
def test_factors_stay_in_range_and_fall_after_the_warm_up(steps, power, warmup):
    for factors in (decay(steps, power, warmup), cosine_decay(steps, warmup)):
        check_factors(factors, steps)


def check_factors(factors, steps):
    assert len(factors) == steps
    assert (factors >= 0).all()
    assert (factors <= 1).all()
    peak = int(factors.argmax())
    assert (np.diff(factors[peak:]) <= 0).all()
    assert (np.diff(factors[: peak + 1]) >= 0).all()
