"""Whether the best scores of searches were measured alike, and in which respects they were not, in sentences.

A measurement is the same as another where architecture, fidelity, seed and environment are the same. Scores of
different architectures can be compared where the rest is the same, seeds apart, whose effect is noise; and at one rung,
as `nas.results.standing` says. What a score is, is up to the search: its first objective.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

from nas.comparison.settings import differing_paths
from nas.specs import Fidelity
from search_spaces.environment import Environment

MOST_PATHS = 6
"""Fields that a sentence names at most."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How the best score of one search was measured.

    Attributes:
        search: The id of the search.
        objective: Its first objective, in words: what the score is.
        fidelity: The fidelity.
        rung: Where the best trial stands, in iterations.
        environment: Machine, software and data; None where they are not known.
    """

    search: str
    objective: str
    fidelity: Fidelity
    rung: int
    environment: Environment | None


def obstacles(measured: Sequence[Measured]) -> list[str]:
    """Say in sentences why scores cannot be compared: another objective, fidelity, rung, other data. None: they can.

    Args:
        measured: How the best score of each search was measured, in the order in which the searches are shown.
    """
    return [
        sentence
        for sentence in (
            _apart(measured, lambda one: one.objective, "The objectives differ", lambda one: one.objective),
            _fidelities(measured),
            _apart(
                measured,
                lambda one: one.rung,
                "The best trials stand at different rungs, and a deeper one mostly scores higher",
                lambda one: f"iteration {one.rung:,}",
            ),
            _apart(
                [one for one in measured if one.environment is not None],
                lambda one: one.environment and one.environment.inputs,
                "The data behind the names differ: images and labels, the backbone's weights, or the statistics of its "
                "features",
            ),
        )
        if sentence is not None
    ]


def remarks(measured: Sequence[Measured]) -> list[str]:
    """Say in sentences what may shift scores a little, or is not known: other machines, other software."""
    known = [one for one in measured if one.environment is not None]
    unknown = [one.search for one in measured if one.environment is None]
    found = []
    if unknown:
        found.append(
            f"The data and software with which {_all_of(unknown)} measured are not recorded, and so not compared."
        )
    names = sorted({name for one in known for name in _machine(one)})
    differing = [name for name in names if len({_machine(one).get(name) for one in known}) > 1]
    if differing:
        found.append(
            f"Not measured on the same machine with the same software (different: {', '.join(differing)}): the same "
            "trial would score nearly, not exactly, the same."
        )
    return found


def _machine(one: Measured) -> dict[str, str]:
    environment = one.environment
    assert environment is not None, one.search
    machine = {
        "device": environment.model,
        "threads": str(environment.threads),
        "processes": str(environment.processes),
    }
    return machine | environment.software


def _fidelities(measured: Sequence[Measured]) -> str | None:
    first = {one.fidelity.key: one.fidelity.model_dump(mode="json") for one in measured}
    dumps = list(first.values())
    paths = list(dict.fromkeys(path for dump in dumps[1:] for path in differing_paths(dumps[0], dump)))
    more = f" and {len(paths) - MOST_PATHS} more" if len(paths) > MOST_PATHS else ""
    named = ", ".join(paths[:MOST_PATHS]) + more
    return _apart(measured, lambda one: one.fidelity.key, f"The fidelities differ in {named}")


def _apart(
    measured: Sequence[Measured],
    value: Callable[[Measured], Hashable],
    what: str,
    name: Callable[[Measured], str] | None = None,
) -> str | None:
    """Say which searches belong together, by a value; None where all have the same one."""
    groups: dict[Hashable, list[Measured]] = {}
    for one in measured:
        groups.setdefault(value(one), []).append(one)
    if len(groups) < 2:
        return None
    parts = (_group(group, name) for group in groups.values())
    return f"{what}: compare scores only within {'; '.join(parts)}."


def _group(group: Sequence[Measured], name: Callable[[Measured], str] | None) -> str:
    ids = _all_of([one.search for one in group])
    return ids if name is None else f"{ids} ({name(group[0])})"


def _all_of(ids: Sequence[str]) -> str:
    *most, last = ids
    return f"{', '.join(most)} and {last}" if most else last


def sentences(measured: Sequence[Measured]) -> Iterator[str]:
    """Yield all that is to be said of how comparable scores are; one sentence where nothing stands in the way."""
    found = obstacles(measured)
    yield from found
    if not found and len(measured) > 1:
        yield "The best scores were measured alike: at the same fidelity and rung" + (
            ", on the same data." if all(one.environment is not None for one in measured) else "."
        )
    yield from remarks(measured)
