import io
import sys
import time

import pytest

from nas.training.progress import ProgressLines


def test_a_line_at_the_first_and_the_last_and_one_an_interval(monkeypatch, capsys):
    now = iter([0.0, 4.0, 9.9, 10.0, 12.0, 13.0, 14.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    lines = ProgressLines(10)
    for done in (1, 2, 3, 4):
        lines("features", done, 5)
    lines("training", 1, 2)  # a stage has a clock of its own
    lines("features", 5, 5)
    lines("training", 2, 2)
    assert capsys.readouterr().err.splitlines() == [
        "features: 1 / 5",
        "features: 4 / 5",
        "training: 1 / 2",
        "features: 5 / 5",
        "training: 2 / 2",
    ]


class Refusing(io.StringIO):
    """A terminal that is closed, or a file on a full disk."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), BrokenPipeError(), ValueError("closed file")]
)
def test_a_terminal_that_is_gone_does_not_end_the_work(monkeypatch, error):
    monkeypatch.setattr(sys, "stderr", Refusing(error))
    ProgressLines(0)("features", 1, 5)
