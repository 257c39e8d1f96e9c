"""Retraining in several processes of this machine, which train one network together."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.distributed as dist

from nas.results.measurement import Measurement, TrialError
from nas.specs import Fidelity
from nas.training.callbacks import Callback
from nas.training.full_image import FullImageSpec
from nas.training.loop.augmentation import Augmentation
from nas.training.loop.device import pick_device
from nas.training.progress import Progress, silent
from nas.training.retrain import retrain
from nas.training.workspace import Workspace
from search_spaces.document import ArchitectureDocument

LONGEST_WAIT = timedelta(hours=1)
"""Time that a process waits for another one, which may prepare data or measure meanwhile."""

SECONDS_TO_END = 10.0
"""Time after Ctrl-C in which the first process may close its loggers."""

SECONDS_TO_EXPLAIN = 2.0
"""Time after the first failure in which other processes may say what failed: one of them waits for the cause."""


@dataclass(frozen=True)
class Retraining:
    """What is trained, and how; see `retrain` for the attributes that both have."""

    document: ArchitectureDocument
    fidelity: Fidelity
    workspace: Workspace
    output: Path
    seed: int = 0
    device: str | None = None
    threads: int | None = None
    checkpoint_seconds: float = 20.0
    evaluation: FullImageSpec | None = None
    augmentation: Augmentation | None = None
    callbacks: tuple[Callback, ...] = ()

    def run(self, device: str | None, threads: int | None, progress: Progress) -> tuple[Measurement, ...]:
        """Train in this process, alone or as one of a process group."""
        return retrain(
            self.document,
            self.fidelity,
            self.workspace,
            self.output,
            seed=self.seed,
            device=device,
            threads=threads,
            progress=progress,
            checkpoint_seconds=self.checkpoint_seconds,
            evaluation=self.evaluation,
            augmentation=self.augmentation,
            callbacks=self.callbacks,
        )


def launch(asked: Retraining, processes: int = 1, progress: Progress = silent) -> tuple[Measurement, ...]:
    """Train in this process, or in several new ones: on CPUs, or with one GPU for each.

    A step of several processes equals that of one as `nas.training.loop.distributed` says. They continue from a
    checkpoint that as many processes have written. Ctrl-C, or the death of one process or of this one, ends all.

    Args:
        asked: The training.
        processes: How many; with 1 this process trains.
        progress: As in `retrain`.

    Returns:
        One measurement per rung.

    Raises:
        ValueError: There are not as many GPUs, the batch is not a multiple of the number of processes, a callback
            cannot be sent to another process, or as in `retrain`.
        ChildProcessError: A process died.
        KeyboardInterrupt: Ctrl-C was pressed; all processes have ended.
        TrialError: As in `retrain`, as are all other errors.
    """
    if processes == 1:
        return asked.run(asked.device, asked.threads, progress)
    devices = devices_of(asked.device, processes)
    if asked.fidelity.batch % processes:
        raise ValueError(
            f"batch {asked.fidelity.batch} cannot be shared by {processes} processes: make it a multiple of them"
        )
    _check_sendable(asked.callbacks)
    threads = asked.threads or (max(1, torch.get_num_threads() // processes) if devices[0] == "cpu" else None)
    with tempfile.TemporaryDirectory(prefix="segnas-") as folder, _started(asked, devices, threads, folder) as group:
        try:
            return _follow(group, progress)
        except KeyboardInterrupt:
            _interrupt(group[0])
            raise


def devices_of(device: str | None, processes: int) -> list[str]:
    """Choose the device of each process: the CPU for all, or a GPU for each.

    Raises:
        ValueError: There are not as many GPUs, or `device` names a single one.
    """
    kind = pick_device(device).type
    if kind == "cpu":
        return ["cpu"] * processes
    if device is not None and ":" in device:
        raise ValueError(f"device {device!r} is one GPU: with several processes say cuda, and each has one")
    if processes > torch.cuda.device_count():
        raise ValueError(f"{processes} processes need a GPU each; this machine has {torch.cuda.device_count()}")
    return [f"cuda:{rank}" for rank in range(processes)]


class _Member(NamedTuple):
    process: SpawnProcess
    messages: Connection


class _Share(NamedTuple):
    """What one process gets."""

    asked: Retraining
    rank: int
    processes: int
    meeting: str
    device: str
    threads: int | None
    messages: Connection


class _Progress(NamedTuple):
    stage: str
    done: int
    total: int


class _Finished(NamedTuple):
    measured: tuple[Measurement, ...]


class _Failed(NamedTuple):
    error: Exception
    expected: bool
    """Whether the error is one sentence for the user, not a fault of the program or the end of another process."""


class _Died(NamedTuple):
    reason: str


@contextlib.contextmanager
def _started(asked: Retraining, devices: Sequence[str], threads: int | None, folder: str) -> Iterator[list[_Member]]:
    context = multiprocessing.get_context("spawn")  # a forked process cannot use CUDA
    group: list[_Member] = []
    try:
        for rank, device in enumerate(devices):
            receiving, sending = context.Pipe(duplex=False)
            share = _Share(asked, rank, len(devices), f"file://{folder}/meeting", device, threads, sending)
            process = context.Process(target=_train, args=(share,), daemon=True)
            process.start()
            sending.close()
            group.append(_Member(process, receiving))
        yield group
    finally:
        for member in group:
            member.process.kill()
        for member in group:
            member.process.join()
            member.messages.close()


def _follow(group: list[_Member], progress: Progress) -> tuple[Measurement, ...]:
    """Pass on what the first process reports until all have finished."""
    measured: tuple[Measurement, ...] = ()
    waiting = {member.messages: member for member in group}
    while waiting:
        failures: list[_Failed | _Died] = []
        for message in _messages(waiting):
            match message:
                case _Progress():
                    progress(*message)
                case _Finished():
                    measured = measured or message.measured
                case _Failed() | _Died():
                    failures.append(message)
        if failures:
            raise _cause([*failures, *_explanations(waiting)])
    return measured


def _messages(waiting: dict[Any, _Member], timeout: float | None = None) -> list[Any]:
    """Receive what is ready of processes that have not ended, which are then no longer waited for."""
    received: list[Any] = []
    for connection in wait(list(waiting), timeout):
        try:
            message = waiting[connection].messages.recv()
        except EOFError:
            process = waiting.pop(connection).process
            process.join()
            message = _Died(f"process {process.pid} of the training died ({_exit(process.exitcode)})")
        if isinstance(message, _Finished | _Failed):
            waiting.pop(connection)
        received.append(message)
    return received


def _explanations(waiting: dict[Any, _Member]) -> list[_Failed | _Died]:
    found: list[_Failed | _Died] = []
    deadline = time.monotonic() + SECONDS_TO_EXPLAIN
    while waiting and (left := deadline - time.monotonic()) > 0:
        found += [message for message in _messages(waiting, left) if isinstance(message, _Failed | _Died)]
    return found


def _cause(failures: list[_Failed | _Died]) -> Exception:
    """Find the one cause of what several processes met: those that wait for a process that is gone fail as well."""
    for failure in failures:
        if isinstance(failure, _Failed) and failure.expected:
            return failure.error
    for failure in failures:
        if isinstance(failure, _Died):
            return ChildProcessError(f"{failure.reason}; the same command again continues from its checkpoint")
    assert isinstance(failures[0], _Failed)
    return failures[0].error


def _interrupt(leader: _Member) -> None:
    if leader.process.pid is not None and leader.process.is_alive():
        os.kill(leader.process.pid, signal.SIGINT)
        leader.process.join(SECONDS_TO_END)


def _train(share: _Share) -> None:
    """Do one process's part of the training."""
    _end_with_the_parent()
    leads = share.rank == 0
    # The first process closes its loggers on Ctrl-C; the others are ended by the process that started all.
    signal.signal(signal.SIGINT, _interrupted_once if leads else signal.SIG_IGN)

    def report(stage: str, done: int, total: int) -> None:
        share.messages.send(_Progress(stage, done, total))

    try:
        _join(share)
        measured = share.asked.run(share.device, share.threads, report if leads else silent)
        share.messages.send(_Finished(measured))
    except Exception as error:
        share.messages.send(_sendable(error))
    except KeyboardInterrupt:
        share.messages.send(_Died("the training was interrupted"))


def _join(share: _Share) -> None:
    on_cpu = share.device == "cpu"
    if not on_cpu:
        torch.cuda.set_device(torch.device(share.device))
    dist.init_process_group(
        "gloo" if on_cpu else "nccl",
        init_method=share.meeting,
        rank=share.rank,
        world_size=share.processes,
        timeout=LONGEST_WAIT,
    )


def _interrupted_once(number: int, frame: Any) -> None:  # noqa: ARG001  a signal handler's
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent").start()


def _sendable(error: Exception) -> _Failed:
    if isinstance(error, TrialError | ValueError | OSError):
        with contextlib.suppress(Exception):
            pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes: does it survive the way?
            return _Failed(error, expected=True)
        return _Failed(ValueError(str(error)), expected=True)
    text = "".join(traceback.format_exception(error))
    return _Failed(RuntimeError(f"a process of the training failed:\n{text}"), expected=False)


def _check_sendable(callbacks: tuple[Callback, ...]) -> None:
    for callback in callbacks:
        try:
            pickle.dumps(callback)
        except Exception as error:
            raise ValueError(
                f"{type(callback).__name__} cannot be sent to the process that trains: open files and connections in "
                f"on_start ({error})"
            ) from error


def _exit(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"
