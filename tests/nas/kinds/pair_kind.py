"""A kind of search in one file, as a package of a user's own would bring it: two heads against each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from nas.kinds.plans import ListPlan, Plan
from nas.kinds.protocol import Family, Kind, Records
from nas.results.proposal import Proposal
from nas.schemas.panels import ColumnPublic, Panel, TablePanel
from nas.specs import Fidelity, JobSpec
from nas.store import SearchRecord, Store
from search_spaces import ReferenceHead

HEADS = (ReferenceHead(name="conv1x1"), ReferenceHead(name="aspp", rates=(1, 2)))


class PairSpec(JobSpec):
    """A 1x1 convolution against a small ASPP."""

    kind: Literal["pair"] = "pair"
    fidelity: Fidelity

    @property
    def planned(self) -> int:
        return len(HEADS)

    @property
    def fidelities(self) -> Mapping[str, Fidelity]:
        return {"fidelity": self.fidelity}


class PairKind(Kind[PairSpec]):
    """Says which of the two heads scores higher."""

    spec = PairSpec

    def plan(self, spec: PairSpec, search_id: str, records: Records) -> Plan:
        return ListPlan(Proposal(number, head, spec.fidelity, spec.seed) for number, head in enumerate(HEADS))

    def family(self, spec: PairSpec, records: Records) -> Family:
        return Family("pair")

    def panels(self, search: SearchRecord, store: Store) -> tuple[Panel, ...]:
        best = store.best_trial(search.id)
        rows = () if best is None else ((best.text, f"{best.score:.4f}"),)
        columns = (ColumnPublic(text="Winner"), ColumnPublic(text="mIoU", numeric=True))
        return (TablePanel(title="Two heads", columns=columns, rows=rows),)


KIND = PairKind()
