"""The command `segnas doctor`."""

from __future__ import annotations

import sys
from dataclasses import asdict

import typer

from nas.cli.service import Json


def doctor(as_json: Json = False) -> None:
    """Examine this installation: settings, folders, database and its invariants, service, Ray; nothing is changed.

    Exit code 0 when nothing is wrong, 1 otherwise.
    """
    from nas.cli.layout import print_wrapped
    from nas.cli.output import print_json
    from nas.doctor import Level, examine

    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            print_wrapped(finding.message, f"{finding.level:<5}  {finding.part:<9}  ")
            sys.stdout.flush()  # some findings take seconds
    if as_json:
        print_json([asdict(finding) for finding in findings])
    raise typer.Exit(1 if any(finding.level is Level.WRONG for finding in findings) else 0)
