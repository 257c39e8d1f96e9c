"""The command `segnas doctor`."""

from __future__ import annotations

from dataclasses import asdict

import typer

from nas.cli.service import Json


def doctor(as_json: Json = False) -> None:
    """Examine this installation: settings, folders, database and its invariants, service, Ray; nothing is changed.

    Exit code 0 when nothing is wrong, 1 otherwise.
    """
    from nas.cli.output import print_json
    from nas.doctor import Level, examine
    from nas.escaping import one_line

    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            print(f"{finding.level:<5}  {finding.part:<9}  {one_line(finding.message)}", flush=True)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    raise typer.Exit(1 if any(finding.level is Level.WRONG for finding in findings) else 0)
