"""`python -m api`: the service, with a Ray of its own when no cluster is configured."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import typer
import uvicorn

from api.app import create_app
from api.middleware.auth import check_binding
from api.open_files import allow_many
from api.owner import make_private, own
from nas.atomic import write_secret_atomically
from nas.cli.serving import Host, KeepRay, Port, RootPath
from nas.client.address import SERVER_FILE, RunningServer
from nas.logs import configure
from nas.settings import Settings, read_settings
from nas.state_files import read_state
from nas.store import Store, StoreError
from nas.user_paths import in_words
from workers.cluster.requirements import why_no_driver

if TYPE_CHECKING:
    from workers.cluster.jobs import Cluster
    from workers.cluster.supervisor import Supervisor

log = logging.getLogger("segnas.api")

LINES = "%(asctime)s %(levelname)s %(name)s: %(message)s"
"""Of the log, for people."""

DRAIN_SECONDS = 5
"""How long requests in progress may take after a signal to end."""


ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT") if hasattr(signal, name))
"""Signals that end the service in order: a closed terminal and Ctrl-\\ leave nothing running either."""


class _EndedError(BaseException):
    """A signal has requested the end of the service."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `python -m api`.

    Args:
        arguments: The command line without the program's name; None reads that of the process.

    Returns:
        The exit code of `serve`; 2 on wrong use.
    """
    try:
        _app(arguments, prog_name="python -m api")
    except SystemExit as ended:
        return int(ended.code or 0)
    raise AssertionError("typer ends by SystemExit")


_app = typer.Typer(
    context_settings={"help_option_names": ["-h", "--help"]}, add_completion=False, pretty_exceptions_enable=False
)


@_app.command()
def _command(host: Host = None, port: Port = None, root_path: RootPath = None, keep_ray: KeepRay = False) -> None:
    """Serve the REST API and the live page, with a Ray of its own unless a cluster is configured."""
    raise typer.Exit(serve(host, port, keep_ray, root_path))


def serve(host: str | None, port: int | None, keep_ray: bool, root_path: str | None = None) -> int:
    """Serve until SIGTERM, SIGINT, SIGHUP or SIGQUIT.

    Args:
        host: The address to bind; None binds the configured one.
        port: The port to bind, 0 for any free one; None binds the configured one.
        keep_ray: Leave the Ray that the service has started running when the service ends.
        root_path: The path below which a proxy shows the service; None takes the configured one.

    Returns:
        The exit code: 0 after an orderly end, 1 when something that the service needs is missing, 2 on wrong use.
    """
    configure("text", LINES, sys.stderr)
    for chatty in ("httpx", "alembic"):  # they log every request to Ray and every plugin
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        given = {"host": host, "port": port, "root_path": root_path}
        options = {name: value for name, value in given.items() if value is not None}
        settings = read_settings(**options)
        configure(settings.log_format, LINES, sys.stderr)
        check_binding(settings)
        Store.open(settings.store_url).close()  # checks the URL only, without a connection
    except ValueError as error:
        return _fail(str(error), 2)
    _end_by_signals()
    allow_many()
    try:
        _run(settings, keep_ray)
    except _EndedError:
        return 0
    except OSError as error:
        # A write that fails does not say where it was.
        where = "" if error.filename else f" (the home folder is {settings.folder})"
        return _fail(in_words(error) + where, 1)
    except (StoreError, RuntimeError) as error:
        return _fail(str(error), 1)
    return 0


def _run(settings: Settings, keep_ray: bool) -> None:
    with contextlib.ExitStack() as stack:
        ownership = stack.enter_context(own(settings.folder))  # before anything of the home folder is touched
        listener = stack.enter_context(_listening_socket(settings))
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        ownership.announce(_address(settings))
        make_private(settings.folder)
        with Store.open(settings.store_url) as store:
            store.migrate()  # before Ray is started, so that a database that cannot be used fails at once
        cluster: Cluster | None = None
        token_file: Path | None = None
        if settings.ray_dashboard is None:
            supervisor = stack.enter_context(_local_ray(settings, keep_ray))
            settings = settings.model_copy(update={"ray_dashboard": supervisor.ray.dashboard_url})
            cluster, token_file = supervisor.cluster, supervisor.ray.folder / "token"
        app = create_app(settings, cluster)
        stack.enter_context(_server_file(settings))
        _say(_banner(settings, token_file))
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=DRAIN_SECONDS
        )
        uvicorn.Server(config).run(sockets=[listener])


@contextlib.contextmanager
def _listening_socket(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        reason = f"cannot serve on {settings.host} port {settings.port}: {error.strerror or error}"
        raise RuntimeError(f"{reason}; another port can be named with --port") from None
    # Inherited by every connection. asyncio leaves Nagle's algorithm on for sockets made like this, and then each
    # answer on a connection that is used again waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listener:
        yield listener


@contextlib.contextmanager
def _local_ray(settings: Settings, keep: bool) -> Iterator[Supervisor]:
    if (why := why_no_driver()) is not None:
        raise RuntimeError(why)

    from workers.cluster.local import LocalRay
    from workers.cluster.supervisor import Supervisor

    _say("Starting Ray on this machine (some seconds) ...")
    supervisor = Supervisor(settings, LocalRay.start(settings))
    try:
        with supervisor:
            yield supervisor
    finally:
        if not keep:
            log.info("stopping Ray")
            supervisor.ray.stop()


@contextlib.contextmanager
def _server_file(settings: Settings) -> Iterator[None]:
    """Write the service's address to a file in the home folder, for the command line, and remove it at the end."""
    file = settings.folder / SERVER_FILE
    running = RunningServer(url=_address(settings), pid=os.getpid())
    write_secret_atomically(file, running.model_dump_json())
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if read_state(file, RunningServer) == running:
                file.unlink()


def _address(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _banner(settings: Settings, token_file: Path | None) -> str:
    address = (settings.public_url or _address(settings)).rstrip("/")
    dashboard = settings.ray_dashboard_public or settings.ray_dashboard
    token = f"   (it asks for a token: {token_file})" if token_file is not None else ""
    return (
        f"Segnas {version('segnas')}, home folder {settings.folder}\n"
        f"  live page          {address}/\n"
        f"  API documentation  {address}/docs\n"
        f"  Ray dashboard      {dashboard}{token}"
    )


def _end_by_signals() -> None:
    """Let every signal of `ENDING` end the service in order, but for a SIGHUP that `nohup` has silenced."""
    for number in ENDING:
        if number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _end)  # while uvicorn serves it has handlers of its own, and raises the signal again
        elif signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: signal.raise_signal(signal.SIGTERM))


def _end(_number: int, _frame: FrameType | None) -> None:
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)  # cleaning up is short and must not be interrupted
    raise _EndedError


def _say(text: str) -> None:
    """Print for whoever has started the service; the service runs on where nobody reads it any more."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(sentence: str, code: int) -> int:
    print(f"segnas serve: {sentence}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
