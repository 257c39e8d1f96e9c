"""Full-scale evaluations: measure architectures of another search again at a more careful fidelity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nas.kinds.plans import ListPlan, Plan
from nas.kinds.protocol import Adoption, Candidates, Family, Kind, Origin, Records, Repeat
from nas.results.proposal import Proposal
from nas.schemas.panels import Panel
from nas.specs import Explicit, FullScaleRequest, FullScaleSpec
from nas.specs.given import given_fields
from nas.store import SearchRecord, Store
from search_spaces.document import Architecture


class FullScale(Kind[FullScaleSpec]):
    """Searches that measure chosen trials of their parent at another fidelity."""

    spec = FullScaleSpec
    requested = False
    grows = ("seeds",)

    def plan(self, spec: FullScaleSpec, search_id: str, records: Records) -> Plan:
        return ListPlan(full_scale_trials(spec, _chosen(spec, records)))

    def training_free(self, spec: FullScaleSpec, records: Records) -> Candidates:
        """The chosen architectures, at the fidelity and seed at which their search measured them."""
        parent = records.get_search(spec.of)
        recorded = {trial.number: trial for trial in records.all_trials(spec.of)}
        fidelity = parent.spec.fidelity_of(recorded[spec.trials[0]].fidelity_key)
        return Candidates(_chosen(spec, records), fidelity, parent.spec.seed, spec.training_free)

    def adoption(self, spec: FullScaleSpec, records: Records) -> Adoption:
        """Measurements of the parent search and of its other full-scale evaluations.

        The data set behind a name may change between two searches. It is assumed not to have changed between these.
        """
        return Adoption(frozenset({spec.of, *(sibling.id for sibling in records.children(spec.of))}))

    def family(self, spec: FullScaleSpec, records: Records) -> Family:
        """The family of the search whose architectures are measured."""
        from nas.kinds.registry import kind_of  # the registry knows every kind, this one too

        parent = records.get_search(spec.of).spec
        return kind_of(parent).family(parent, records)

    def levels(self, spec: FullScaleSpec, records: Records) -> int | None:
        from nas.kinds.registry import kind_of  # the registry knows every kind, this one too

        parent = records.get_search(spec.of).spec
        return kind_of(parent).levels(parent, records)

    def next_command(self, search: SearchRecord) -> str:
        return f"segnas rank {search.parent} --full-scale {search.id}"

    def question(self, spec: FullScaleSpec) -> str:
        return (
            f"Does search {spec.of} order its architectures as full scale does? {len(spec.trials)} of them are "
            f"measured again on {self.dataset(spec)}."
        )

    def repeat(self, spec: FullScaleSpec) -> Repeat:
        """The request names the trials themselves, so that a search with the same trials has the same evaluation."""
        shared = {name: getattr(spec, name) for name in FullScaleRequest.model_fields if name != "choose"}
        request = FullScaleRequest(choose=Explicit(trials=spec.trials), **shared)
        command = f"segnas full-scale {spec.of} --fidelity full_scale.yaml --watch"
        return Repeat("full_scale.yaml", given_fields(request), command)

    def panels(self, search: SearchRecord, store: Store) -> tuple[Panel, ...]:
        """The ranking of the parent search by this evaluation alone."""
        from nas.panels.ranking import ranking_panels  # numpy and scipy: not at the service's start
        from nas.ranking.from_store import search_ranking

        spec = self.own(search.spec)
        assert spec is not None, search.id
        result, _ = search_ranking(store.get_search(spec.of), [(search.id, spec)], store)
        return ranking_panels(result)

    def origins(self, search: SearchRecord, number: int) -> tuple[Origin, ...]:
        spec = self.own(search.spec)
        assert spec is not None, search.id
        return (Origin("it measures again", spec.of, spec.trials[number % len(spec.trials)]),)

    def trials_again(self, spec: FullScaleSpec, number: int) -> tuple[int, ...]:
        chosen = len(spec.trials)
        return tuple(own for own in range(chosen * spec.seeds) if spec.trials[own % chosen] == number)

    def unranked(self, search: SearchRecord) -> str:
        spec = self.own(search.spec)
        assert spec is not None, search.id
        return (
            f"{search.id} is a full-scale evaluation itself; ask its search, {spec.of} "
            f"(/v1/searches/{spec.of}/ranking?full_scale={search.id} ranks this one alone)"
        )


def evaluations_of(search_id: str, records: Records) -> list[tuple[str, FullScaleSpec]]:
    """List the id and the spec of each full-scale evaluation of a search, the oldest first."""
    children = ((child.id, KIND.own(child.spec)) for child in records.children(search_id))
    return [(child_id, spec) for child_id, spec in children if spec is not None]


def newest_alike(evaluations: Sequence[tuple[str, FullScaleSpec]]) -> list[tuple[str, FullScaleSpec]]:
    """Choose the full-scale evaluations at the fidelity and by the objective of the newest one, which can be joined."""
    newest = evaluations[-1][1]
    return [
        (child_id, spec)
        for child_id, spec in evaluations
        if spec.fidelity.key == newest.fidelity.key and spec.goals.text == newest.goals.text
    ]


def full_scale_trials(spec: FullScaleSpec, architectures: Sequence[Architecture]) -> Iterator[Proposal]:
    """Yield the trials of a full-scale evaluation: all chosen architectures with the first seed, then with the next."""
    for offset in range(spec.seeds):
        for index, architecture in enumerate(architectures):
            number = offset * len(architectures) + index
            yield Proposal(number, architecture, spec.fidelity, spec.seed + offset)


def _chosen(spec: FullScaleSpec, records: Records) -> list[Architecture]:
    # Architectures of the chosen trials of the parent search, in the order of the choice.
    recorded = {trial.number: trial for trial in records.all_trials(spec.of)}
    return [recorded[number].architecture for number in spec.trials]


KIND = FullScale()
