"""Everything that is measured on a GPU, in one go and within ten minutes: `make gpu`, or `python -m benchmarks.gpu`.

It needs torch, numpy, Pillow, pydantic and safetensors, a bare checkout to run in, and nothing else: no Ray, no
service, no weights from elsewhere. First come the launches and bytes of each step by the code, then, with a GPU: a
trial's step captured and not, in both precisions; the paper's trial; trials that share the device; the supernet's step;
and whether labels at the stride and bfloat16 order architectures as the dearest measurement does. Each part prints its
table as soon as it has it; a part for which there is no time left, or which fails, says so, and the others run.

    python -m benchmarks.gpu --minutes 9 | tee gpu.md
    python -m benchmarks.gpu --device cpu --small     # shows that the programs work; the figures mean nothing

The tests of everything that has a path of its own on a GPU are run by `pytest -m gpu`.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Sequence

import torch

from benchmarks.gpu import counts
from benchmarks.gpu.supernet import supernet_steps
from benchmarks.gpu.trials import Sizes, demo_steps, paper_steps, rank_correlations, scenes, sharing
from nas.specs import SupernetSpec
from nas.training.loop.device import pick_device


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; return 1 where a part failed."""
    options = _parser().parse_args(arguments)
    deadline = time.monotonic() + 60 * options.minutes
    counts.main(["--crops"] if options.small else [])
    if options.device == "cuda" and not torch.cuda.is_available():
        print("\nThere is no CUDA device here: nothing was measured.")
        return 0
    device = pick_device(options.device)
    sizes = Sizes.small() if options.small else Sizes()
    named = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"\n{named}, torch {torch.__version__}, CUDA {torch.version.cuda}\n", flush=True)
    failed = False
    with scenes(sizes.images) as workspace:
        parts: list[tuple[str, Callable[[], list[str]]]] = [
            ("a trial's step", lambda: demo_steps(workspace, device, sizes)),
            ("the paper's trial", lambda: paper_steps(device, sizes)),
            ("trials that share the device", lambda: sharing(workspace, device, sizes)),
            ("the supernet's step", lambda: _supernet(device, options.small)),
            ("orders of architectures", lambda: rank_correlations(workspace, device, sizes)),
        ]
        for name, part in parts:
            failed |= not _ran(name, part, deadline)
    return int(failed)


def _supernet(device: torch.device, small: bool) -> list[str]:
    if small:
        return supernet_steps(device, SupernetSpec(layers=2, levels=2, blocks=2, filters=4, stem=8), (33,), 1)
    return supernet_steps(device, SupernetSpec(), (129, 321), 3)


def _ran(name: str, part: Callable[[], list[str]], deadline: float) -> bool:
    print(f"## {name}\n", flush=True)
    if time.monotonic() > deadline:
        print("left out: the time is over (--minutes)\n", flush=True)
        return True
    started = time.monotonic()
    try:
        print("\n".join(part()))
    except Exception:  # whatever it is: the device may be lent for minutes only, and the other parts are to run
        traceback.print_exc(file=sys.stdout)
        return False
    print(f"\n({time.monotonic() - started:.0f} s)\n", flush=True)
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, default=9.0, help="no part begins after that")
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that everything works")
    return parser


if __name__ == "__main__":
    sys.exit(main())
