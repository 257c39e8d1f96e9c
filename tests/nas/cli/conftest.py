"""Running `segnas` in the test's own process."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from nas.cli import main

Command = Callable[..., tuple[int, str, str]]
"""Takes the arguments of `segnas` and returns (exit code, standard output, standard error)."""


@pytest.fixture
def command_at(monkeypatch, capsys, tmp_path) -> Callable[[str], Command]:
    """Make the command for the service at a URL."""
    monkeypatch.setenv("SEGNAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")

    def at(url: str) -> Command:
        monkeypatch.setenv("SEGNAS_URL", url)

        def run(*arguments: object) -> tuple[int, str, str]:
            monkeypatch.setattr(sys, "argv", ["segnas", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                main()
            captured = capsys.readouterr()
            return int(ended.value.code or 0), captured.out, captured.err

        return run

    return at


@pytest.fixture
def segnas(command_at, service) -> Command:
    """Run a command against the shared service: (exit code, standard output, standard error)."""
    return command_at(service.url)
