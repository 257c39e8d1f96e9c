"""Messages, as Ray and Tune treat what they carry."""

from __future__ import annotations

import copy

import pytest
from ray import cloudpickle
from ray.tune.utils import flatten_dict

from nas.results.measurement import Measurement
from workers.trainables.message import RESULT_KEY, Bug, Died, Failed, Measured, Message, Progress

SCORE = 0.1 + 0.2  # 17 digits: every one of them has to arrive

MEASUREMENT = Measurement(
    iteration=10, score=SCORE, class_iou=(SCORE, None), train_loss=1 / 3, val_loss=2.0, seconds=3.0, device_seconds=3.0
)
WORK: list[Message[Measurement]] = [
    Measured(attempt=2, result=MEASUREMENT, last=True),
    Progress(attempt=2, done=3, total=4),
    Failed(attempt=2, reason="the loss is NaN at step 3"),
]
MESSAGES = [
    *WORK,
    Died(attempt=2, reason="killed"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_arrives_as_it_was_sent(message):
    assert cloudpickle.loads(cloudpickle.dumps(message)) == message
    assert copy.deepcopy({"result": [message]})["result"][0] is message


def test_the_exception_of_a_bug_arrives():
    arrived = cloudpickle.loads(cloudpickle.dumps(Bug(attempt=1, error=ZeroDivisionError("a bug"))))
    assert (arrived.attempt, type(arrived.error), str(arrived.error)) == (1, ZeroDivisionError, "a bug")


def test_tune_does_not_look_into_a_message():
    message = MESSAGES[0]
    assert flatten_dict({RESULT_KEY: message, "done": False}) == {RESULT_KEY: message, "done": False}
    assert flatten_dict({RESULT_KEY: message, "done": False})[RESULT_KEY] is message


def test_which_messages_end_the_work():
    assert [message.last for message in WORK] == [True, False, True]
    assert not Measured(attempt=1, result=MEASUREMENT, last=False).last
