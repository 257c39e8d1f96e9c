"""Log lines as JSON: each is an object with the ids that are known, whoever wrote it and however."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

PROGRAM = """
import logging, sys, threading, warnings
from nas.logs import configure, log_with, logged_with
configure("text", "%(levelname)s %(message)s", sys.stderr)
configure("json", "%(levelname)s %(message)s", sys.stderr, logging.INFO, driver=3)
log = logging.getLogger("segnas.test")
"""


def lines(program: str) -> tuple[list[dict[str, Any]], int]:
    """What a program logs as JSON, on standard error and nothing elsewhere; and its exit code."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM + program],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert ended.stdout == ""
    return [json.loads(line) for line in ended.stderr.splitlines()], ended.returncode


def test_a_line_has_its_time_level_logger_message_and_ids():
    (line,), _ = lines("log.warning('trial %d: %.1f', 4, 0.5, extra={'trial': 4})")
    time = datetime.fromisoformat(line.pop("time"))
    assert time.tzinfo == UTC
    assert abs((datetime.now(UTC) - time).total_seconds()) < 60
    assert line == {"level": "WARNING", "logger": "segnas.test", "message": "trial 4: 0.5", "trial": 4, "driver": 3}


def test_lines_have_the_ids_of_their_context_and_no_other():
    found, _ = lines("""
with logged_with(search="s1"):
    log.info("in it")
    with logged_with(search="s2", trial=1):
        log.info("in both", extra={"trial": 2})
    thread = threading.Thread(target=log.info, args=("another thread",))
    thread.start(); thread.join()
log.info("after it")
path = {}
log_with(lambda: {"request": "r", **path})
log.info("early")
path["search"] = "s3"
log.info("late")
""")
    ids = [{name: line[name] for name in ("search", "trial", "request") if name in line} for line in found]
    assert ids == [
        {"search": "s1"},
        {"search": "s2", "trial": 2},
        {},
        {},
        {"request": "r"},
        {"request": "r", "search": "s3"},
    ]


def test_what_is_printed_or_warned_is_a_line_too():
    found, _ = lines(r"""
print("one\ntwo\r\n\n  ", end="")
print("\x1b[36mthree\x1b[0m forged \u202e", file=sys.stderr)
warnings.warn("careful")
""")
    assert [(line["logger"], line["level"], line["message"].strip()) for line in found[:3]] == [
        ("stdout", "INFO", "one"),
        ("stdout", "INFO", "two"),
        ("stderr", "WARNING", "three forged \u202e"),
    ]
    assert found[3]["logger"] == "py.warnings"
    assert "careful" in found[3]["message"]


def test_an_exception_is_one_line():
    found, code = lines("""
try:
    1 / 0
except ZeroDivisionError:
    log.exception("a pass failed")
raise RuntimeError("the end")
""")
    assert code == 1
    assert [line["message"] for line in found] == ["a pass failed", "the process ends by an error"]
    assert found[0]["exception"].splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert found[1]["exception"].splitlines()[-1] == "RuntimeError: the end"


def test_a_message_that_cannot_be_made_does_not_go_round_in_circles():
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM + "log.info('%d', 'text'); log.info('next')"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert "TypeError" in ended.stderr
    assert json.loads(ended.stderr.splitlines()[-1])["message"] == "next"
    assert ended.returncode == 0


def test_text_stays_text_and_leaves_the_streams_alone():
    program = PROGRAM.partition('configure("json"')[0]
    ended = subprocess.run(
        [sys.executable, "-c", program + "\nprint('a'); logging.getLogger('x').info('b\\nc')"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert (ended.stdout, ended.stderr) == ("a\n", "INFO b\\nc\n")
