"""The command `segnas serve`, and its options, which `python -m api` shares."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

Host = Annotated[str | None, typer.Option(help="Address to bind; beyond this machine a token is needed.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 uses any free port.")]
RootPath = Annotated[
    str | None, typer.Option("--root-path", help="Path below which a proxy shows the service, such as /segnas.")
]
KeepRay = Annotated[bool, typer.Option("--keep-ray", help="Leave the local Ray running at the end.")]


def serve(host: Host = None, port: Port = None, root_path: RootPath = None, keep_ray: KeepRay = False) -> None:
    """Serve the REST API and the live page, with a Ray of its own unless a cluster is configured."""
    _leave_out_the_current_folder()
    needed = ("api", "fastapi", "uvicorn", "sse_starlette")
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        raise ValueError(f"the service needs {', '.join(missing)}: pip install 'segnas[server]'")
    service = importlib.import_module("api.__main__")  # by name: `api` is a layer above, and is not always installed
    raise typer.Exit(service.serve(host, port, keep_ray, root_path))


def _leave_out_the_current_folder() -> None:
    """Import nothing from the folder that the command happens to be called in: an `api` there is somebody else's.

    It is on the path with `python -m`, and with an empty entry in PYTHONPATH.
    """
    ours = Path(__file__).resolve().parents[2]
    with suppress(OSError):  # the current folder may have been removed
        here = Path.cwd().resolve()
        if here != ours:
            sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != here]
