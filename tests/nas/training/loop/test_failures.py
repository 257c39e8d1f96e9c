import weakref

import pytest
import torch
from torch import nn

from nas.results.measurement import TrialError
from nas.training.loop.failures import trial_failures


def test_the_cpu_allocators_refusal_ends_the_trial():
    with pytest.raises(TrialError, match="out of memory while training"), trial_failures("training"):
        torch.empty(2**60, dtype=torch.uint8)


def test_a_gpus_refusal_ends_the_trial():
    with pytest.raises(TrialError, match="out of memory"), trial_failures("training"):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def test_one_image_with_a_map_of_one_cell_ends_the_trial():
    with pytest.raises(TrialError, match="give each process two images or more"), trial_failures("training"):
        nn.BatchNorm2d(3)(torch.ones(1, 3, 1, 1))


def test_the_tensors_of_the_failing_frames_are_let_go():
    kept = []

    def fails() -> None:
        large = torch.ones(10)
        kept.append(weakref.ref(large))
        torch.empty(2**60, dtype=torch.uint8)

    with pytest.raises(TrialError) as caught, trial_failures("training"):
        fails()
    assert caught.value.__suppress_context__
    assert kept[0]() is None


@pytest.mark.parametrize("error", [ValueError("something else"), RuntimeError("a bug"), KeyError("x")])
def test_all_else_passes_through(error):
    with pytest.raises(type(error)), trial_failures("training"):
        raise error
