import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nas.weights.preprocessing import IMAGENET, Preprocessing

CAFFE = Preprocessing(mean=(103.5, 116.3, 123.7), std=(57, 57, 57), input_range=(0, 255), input_space="BGR")


def apply(preprocessing, pixel):
    return [p * a + b for p, a, b in zip(pixel, preprocessing.scale, preprocessing.shift, strict=True)]


def test_imagenet_by_hand():
    expected = [-0.485 / 0.229, (128 / 255 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert apply(IMAGENET, (0, 128, 255)) == pytest.approx(expected)
    assert IMAGENET.neutral_pixel == (124, 116, 104)


def test_imagenet_to_the_last_bit():
    """The factors that features were computed with before preprocessing could be chosen."""
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    assert IMAGENET.scale == tuple(1 / (255 * s) for s in std)
    assert IMAGENET.shift == tuple(-m / s for m, s in zip(mean, std, strict=True))


def test_range_and_order_by_hand():
    signed = Preprocessing(mean=(0, 0, 0), std=(1, 1, 1), input_range=(-1, 1))
    assert apply(signed, (0, 127.5, 255)) == pytest.approx([-1, 0, 1])
    assert signed.neutral_pixel == (128, 128, 128)
    assert apply(CAFFE, (103.5, 116.3, 123.7)) == pytest.approx([0, 0, 0])
    assert CAFFE.neutral_pixel == (124, 116, 104)  # red first, although the network reads blue first


@given(
    st.tuples(*[st.floats(0, 1)] * 3),
    st.tuples(*[st.floats(0.05, 2)] * 3),
    st.sampled_from([(0, 1), (0, 255), (-1, 1)]),
    st.sampled_from(["RGB", "BGR"]),
)
def test_the_neutral_pixel_becomes_zero_but_for_rounding(share, std, span, space):
    low, high = span
    mean = tuple(low + (high - low) * part for part in share)
    preprocessing = Preprocessing(mean=mean, std=std, input_range=span, input_space=space)
    pixel = preprocessing.neutral_pixel if space == "RGB" else preprocessing.neutral_pixel[::-1]
    assert (np.abs(apply(preprocessing, pixel)) <= 0.5000001 * np.array(preprocessing.scale)).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"input_range": (1, 0)}, "lowest, highest"), ({"std": (1, 0, 1)}, "greater than 0"), ({"mean": (1, 2)}, "mean")],
)
def test_what_is_no_preprocessing(fields, message):
    with pytest.raises(ValidationError, match=message):
        Preprocessing(**fields)
