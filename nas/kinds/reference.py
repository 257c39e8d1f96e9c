"""Reference searches: compare heads that were designed by hand, each with several seeds."""

from __future__ import annotations

from collections.abc import Iterator

from nas.kinds.plans import ListPlan, Plan
from nas.kinds.probing import probe_name, short
from nas.kinds.protocol import Family, Kind, Records
from nas.panels.heads import heads_panels
from nas.published import published_beside
from nas.ranking.reference_table import reference_table
from nas.results.proposal import Proposal
from nas.schemas.panels import Panel
from nas.specs import ReferenceSpec
from nas.store import SearchRecord, Store


class Reference(Kind[ReferenceSpec]):
    """Searches that measure a list of heads."""

    spec = ReferenceSpec
    grows = ("seeds",)

    def plan(self, spec: ReferenceSpec, search_id: str, records: Records) -> Plan:
        return ListPlan(reference_trials(spec))

    def family(self, spec: ReferenceSpec, records: Records) -> Family:
        return Family(frozenset(head.key for head in spec.heads))

    def probe(self, spec: ReferenceSpec) -> ReferenceSpec:
        """Each head with one seed."""
        changes = {"name": probe_name(spec), "fidelity": short(spec.fidelity), "seeds": 1}
        return ReferenceSpec.model_validate({**dict(spec), **changes})

    def next_command(self, search: SearchRecord) -> str:
        return f"segnas heads {search.id}"

    def question(self, spec: ReferenceSpec) -> str:
        seeds = "one seed" if spec.seeds == 1 else f"{spec.seeds} seeds each"
        return f"Which of {len(spec.heads)} given heads scores highest on {self.dataset(spec)}, with {seeds}?"

    def panels(self, search: SearchRecord, store: Store) -> tuple[Panel, ...]:
        spec = self.own(search.spec)
        assert spec is not None, search.id
        published = {head.key: published_beside(head, spec.fidelity) for head in spec.heads}
        return heads_panels(reference_table(spec, store.all_trials(search.id)), published)


def reference_trials(spec: ReferenceSpec) -> Iterator[Proposal]:
    """Yield the trials of a reference search: all heads with the first seed, then with the next.

    In this order the heads of a search that was stopped can be compared.
    """
    for offset in range(spec.seeds):
        for index, head in enumerate(spec.heads):
            yield Proposal(offset * len(spec.heads) + index, head, spec.fidelity, spec.seed + offset)


KIND = Reference()
