"""The command line `segnas`."""

from nas.cli.app import main

__all__ = ["main"]
