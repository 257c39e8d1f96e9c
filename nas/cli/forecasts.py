"""A dry run on the terminal: what a search would do and cost, after a probe where one is requested."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas.client import Client
    from nas.schemas.dry_runs import DryRunPublic


def show_dry_run(
    spec: Mapping[str, Any],
    ask: Callable[[], DryRunPublic],
    as_json: bool,
    need: bool = False,
    measure: str | None = None,
) -> None:
    """Print what a search would do and cost.

    Without a service only the fields of the spec were checked; that is reported and no failure, unless a service is
    needed.

    Args:
        spec: The search's request.
        ask: Asks the service.
        as_json: Whether to print the service's answer as JSON; without a service, an object with the `spec`.
        need: Whether no service is a failure.
        measure: The command that measures what is not known of the cost; None without one.

    Raises:
        ClientError: The service refused, or no service answers and one is needed.
    """
    from nas.cli.layout import print_fields
    from nas.cli.output import print_json
    from nas.client import ClientError

    try:
        found = ask()
    except ClientError as error:
        if error.status is not None or need:
            raise
        if as_json:
            print_json({"spec": dict(spec), "unchecked": str(error)})
        else:
            print_fields([("fields", "right"), ("the rest", f"not checked: {error}")])
        return
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    facts = [(fact.name, fact.text) for fact in found.facts]
    odd = [("warning", f"{problem.path}: {problem.message}".removeprefix(": ")) for problem in found.warnings]
    if found.device_seconds is None and measure is not None:
        after_cost = 1 + next(at for at, (name, _) in enumerate(facts) if name == "cost")
        facts.insert(after_cost, ("", f"`{measure}` measures the cost by a small probe"))
    print_fields([*facts, *odd, ("", "nothing was started; --json prints the whole spec")])


def run_probe(client: Client, spec: Mapping[str, Any]) -> None:
    """Run a probe to its end, so that the next dry run knows what steps cost.

    Raises:
        ClientError: The service refused or does not answer, or the probe did not complete.
    """
    from nas.client import ClientError

    probe = client.measure(spec)
    print(f"probe {probe.id} measures what steps cost, live at {client.page_of(probe)}", file=sys.stderr, flush=True)
    try:
        ended = client.wait(probe.id)
    except KeyboardInterrupt:
        raise ClientError(f"interrupted; the probe continues: segnas stop {probe.id}") from None
    if ended.status != "completed":
        raise ClientError(f"the probe {probe.id} {ended.status}: {ended.message or 'see segnas logs ' + probe.id}")
