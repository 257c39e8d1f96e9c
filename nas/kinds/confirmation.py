"""Confirmations: the best architectures of a search again, with fresh seeds, beside heads of the textbooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nas.formatting import counted
from nas.kinds.plans import ListPlan, Plan
from nas.kinds.protocol import Family, Kind, Origin, Records, Repeat
from nas.panels.relatives import Relative, relatives_panel
from nas.results.proposal import Proposal
from nas.schemas.panels import Panel
from nas.specs import ConfirmationRequest, ConfirmationSpec, Explicit, Fidelity
from nas.specs.given import given_fields
from nas.store import SearchRecord, Store, TrialRecord
from search_spaces.document import Architecture

_SHARED = ("name", "references", "seeds", "learning_rates", "seed", "resources", "retries")
"""Fields of a spec that its request has too."""


class ConfirmationKind(Kind[ConfirmationSpec]):
    """Searches that measure chosen trials of their parent, and reference heads, with seeds that no trial had."""

    spec = ConfirmationSpec
    requested = False
    grows = ("seeds",)

    def plan(self, spec: ConfirmationSpec, search_id: str, records: Records) -> Plan:
        return ListPlan(confirmation_trials(spec, [trial.architecture for trial in found_trials(spec, records)]))

    def trial_counts(self, spec: ConfirmationSpec) -> Mapping[str, int]:
        counts = {path: len(spec.references) * spec.seeds for path in spec.fidelities}
        return {**counts, "fidelity": counts["fidelity"] + len(spec.trials) * spec.seeds}

    def family(self, spec: ConfirmationSpec, records: Records) -> Family:
        """The family of the search whose architectures are confirmed; the reference heads cost differently."""
        from nas.kinds.registry import kind_of  # the registry knows every kind, this one too

        parent = records.get_search(spec.of).spec
        return kind_of(parent).family(parent, records)

    def levels(self, spec: ConfirmationSpec, records: Records) -> int | None:
        from nas.kinds.registry import kind_of  # the registry knows every kind, this one too

        parent = records.get_search(spec.of).spec
        return kind_of(parent).levels(parent, records)

    def next_command(self, search: SearchRecord) -> str:
        return f"segnas confirmation {search.id}"

    def question(self, spec: ConfirmationSpec) -> str:
        return (
            f"Is the best of search {spec.of} better than heads of the textbooks? {len(spec.trials)} of its "
            f"architectures and {counted(len(spec.references), 'head')}{_at(len(spec.at_rates))} are measured with "
            f"{counted(spec.seeds, 'fresh seed')}."
        )

    def repeat(self, spec: ConfirmationSpec) -> Repeat:
        """The request of the same trials, heads and seeds; no command has options for all of it."""
        shared = {name: getattr(spec, name) for name in _SHARED}
        choose = Explicit(trials=spec.trials)
        request = ConfirmationRequest(choose=choose, iterations=spec.fidelity.iterations, **shared)
        address = f"http://127.0.0.1:8000/v1/searches/{spec.of}/confirmation"
        command = f"curl {address} -H 'Content-Type: application/json' -d @confirmation.json"
        return Repeat("confirmation.json", given_fields(request), command)

    def panels(self, search: SearchRecord, store: Store) -> tuple[Panel, ...]:
        """The verdict, and the table behind it."""
        from nas.panels.confirmation import confirmation_panels  # SciPy: not at the service's start
        from nas.ranking.confirmation import confirmation

        spec = self.own(search.spec)
        assert spec is not None, search.id
        found = confirmation(spec, found_trials(spec, store), store.all_trials(search.id))
        return (*confirmation_panels(found), relatives_panel([Relative("it measures again the best of", spec.of)]))

    def confirmed_by(self, search: SearchRecord, children: Mapping[str, str]) -> str:
        """Itself: its best is the architecture that it confirms, and never a reference head."""
        return search.id

    def origins(self, search: SearchRecord, number: int) -> tuple[Origin, ...]:
        """Of a confirmed architecture its trial; references come from nowhere."""
        spec = self.own(search.spec)
        assert spec is not None, search.id
        place = number % spec.each_seed
        return () if place >= len(spec.trials) else (Origin("it measures again", spec.of, spec.trials[place]),)

    def trials_again(self, spec: ConfirmationSpec, number: int) -> tuple[int, ...]:
        if number not in spec.trials:
            return ()
        return tuple(range(spec.trials.index(number), spec.planned, spec.each_seed))

    def unranked(self, search: SearchRecord) -> str:
        spec = self.own(search.spec)
        assert spec is not None, search.id
        return f"{search.id} is a confirmation; rank its search, {spec.of}"


def newest_confirmation(search_id: str, records: Records) -> tuple[SearchRecord, ConfirmationSpec] | None:
    """Find the newest confirmation of a search, and its spec; None where the search was never confirmed."""
    for record in reversed(records.children(search_id)):
        if (spec := KIND.own(record.spec)) is not None:
            return record, spec
    return None


def found_trials(spec: ConfirmationSpec, records: Records) -> list[TrialRecord]:
    """Read the trials that a confirmation confirms, in the order of the spec."""
    recorded = {trial.number: trial for trial in records.numbered_trials(spec.of, spec.trials)}
    return [recorded[number] for number in spec.trials]


def confirmation_trials(spec: ConfirmationSpec, found: Sequence[Architecture]) -> Iterator[Proposal]:
    """Yield the trials of a confirmation: all architectures with the first seed, then with the next.

    In this order a confirmation that was stopped can still compare what it has.

    Args:
        spec: The confirmation.
        found: The architectures that the search has found, in the order of `spec.trials`.
    """
    measured: list[tuple[Architecture, Fidelity]] = [(architecture, spec.fidelity) for architecture in found]
    measured += [(head, fidelity) for fidelity in spec.at_rates.values() for head in spec.references]
    for offset in range(spec.seeds):
        for index, (architecture, fidelity) in enumerate(measured):
            yield Proposal(offset * len(measured) + index, architecture, fidelity, spec.seed + offset)


def _at(rates: int) -> str:
    return f" at {rates} learning rates" if rates > 1 else ""


KIND = ConfirmationKind()
