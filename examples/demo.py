"""A search from end to end, as a user would run it: serve, generate data, submit, watch, export, retrain.

Run by `make demo`; every step is a `segnas` command that is printed before it runs. The exit code is 0 only if all
steps succeeded.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from nas.client import Client

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "demo"
SEGNAS = [str(Path(sys.executable).with_name("segnas"))]
DATA = FOLDER / "scenes"
ENVIRONMENT = {
    "SEGNAS_HOME": str(FOLDER / "home"),
    "SEGNAS_DATASETS": f'{{"scenes": {{"layout": "cityscapes", "root": "{DATA}"}}}}',
    "SEGNAS_PORT": os.environ.get("SEGNAS_PORT", "0"),
    "SEGNAS_DASHBOARD_PORT": os.environ.get("SEGNAS_DASHBOARD_PORT", "0"),
}


def segnas(*arguments: str) -> None:
    """Run one command, printed as a user would type it.

    Raises:
        CalledProcessError: The command failed.
    """
    print(f"\n\033[1m$ segnas {shlex.join(arguments)}\033[0m", flush=True)
    subprocess.run([*SEGNAS, *arguments], check=True)


@contextlib.contextmanager
def service() -> Iterator[Client]:
    """Run `segnas serve` in the background; stop the service, and the Ray it started, at the end whatever happens."""
    log = FOLDER / "serve.log"
    print(f"\033[1m$ segnas serve\033[0m   (log: {log})", flush=True)
    with log.open("w") as out:
        server = subprocess.Popen([*SEGNAS, "serve"], stdout=out, stderr=subprocess.STDOUT)
    try:
        yield connect(server, log)
    finally:
        server.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=60)
        server.kill()


def connect(server: subprocess.Popen[bytes], log: Path, patience: float = 120.0) -> Client:
    """Wait until the service is ready.

    Raises:
        SystemExit: The service ended, or was not ready after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        if (FOLDER / "home" / "server.json").exists() and (client := Client.from_home()).ready():
            return client
        time.sleep(0.3)
    raise SystemExit(f"the service did not come up; its log ends:\n{log.read_text()[-3000:]}")


def main() -> None:
    """Run all steps in order; the first that fails ends the demo with the exit code of its command."""
    started = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    os.environ.update(ENVIRONMENT)
    best, output = FOLDER / "best.json", FOLDER / "retrained"
    with service() as client:
        print(f"  API documentation  {client.url}/docs\n  live page          {client.url}/")
        print(f"  Ray dashboard      {client.server().ray_dashboard}\n", flush=True)
        segnas(*f"data generate {DATA} --images 1024 --val-images 192 --seed 0 --size 128x256".split())
        segnas("submit", str(HERE / "demo.yaml"), "--watch")
        search = next(found.id for found in client.searches() if found.parent is None)  # not its confirmation
        segnas("trials", search, "--top", "10")
        segnas("export", search, "-o", str(best))
        fidelity = ["--fidelity", str(HERE / "demo_retrain.yaml")]
        segnas("retrain", str(best), "--dataset", "scenes", *fidelity, "--output", str(output))
    for made in (best, output / "model.safetensors", output / "metrics.json", output / "predictions.png"):
        if not made.is_file():
            raise SystemExit(f"the demo should have written {made}, but it is not there")
    print(f"\nDone in {time.monotonic() - started:.0f} s; the best cell is {best}, predictions in {output}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        raise SystemExit(error.returncode) from None
