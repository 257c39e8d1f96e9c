"""Native kernels for what a process is about to train, compiled while its data are prepared."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

import torch

from nas.models.layers.native import prepare_kernels

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def kernels_meanwhile(device: torch.device, *, allowed: bool, say: bool) -> Iterator[None]:
    """Prepare the kernels of heads beside what is done within the context, which ends when both are done.

    They are compiled once for each user of a machine, some 10 s of one core; later they are only loaded.

    Args:
        device: Where a head will be trained; only a CPU has kernels.
        allowed: Whether the settings allow native code.
        say: Whether to log why there are none; trials, which nobody watches, would say it again each.
    """
    if device.type != "cpu":
        yield
        return
    reasons: list[str | None] = []
    work = threading.Thread(target=lambda: reasons.append(prepare_kernels("heads", allowed)), daemon=True)
    work.start()
    yield
    work.join()
    for reason in filter(None, reasons if say else []):
        _log.warning("%s", reason)
