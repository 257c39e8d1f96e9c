"""Differentiable searches (Auto-DeepLab): long runs, one for each seed, whose snapshots decode to networks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from nas.kinds.confirmed import confirmation_links
from nas.kinds.confirming import confirmation_at_end, expected_confirmation
from nas.kinds.plans import ListPlan, Plan
from nas.kinds.probing import probe_name, short
from nas.kinds.protocol import Family, FollowUp, Kind, Origin, Records
from nas.panels.snapshots import snapshot_panels
from nas.results.proposal import Proposal
from nas.schemas.panels import Panel
from nas.specs import AutoDeepLabSpec, ConfirmationSpec
from nas.specs.auto_deeplab_space import network_family
from nas.specs.crops import crop_misfit
from nas.store import SearchRecord, SnapshotRecord, Store
from search_spaces.validation import FieldProblem


class AutoDeepLab(Kind[AutoDeepLabSpec]):
    """Differentiable searches: their runs come first, then trials measure the networks that the runs decoded to."""

    spec = AutoDeepLabSpec
    grows = ("seeds",)

    def plan(self, spec: AutoDeepLabSpec, search_id: str, records: Records) -> Plan:
        measured = {trial.number for trial in records.all_trials(search_id)}
        return ListPlan(scored_snapshots(spec, records.snapshots(search_id), measured))

    def runs(self, spec: AutoDeepLabSpec) -> AutoDeepLabSpec:
        return spec

    def infeasible(self, spec: AutoDeepLabSpec, classes: int) -> tuple[FieldProblem, ...]:
        """A crop on which not every network that a run may decode to can be measured."""
        deepest = spec.supernet.deepest
        needed = None if spec.scoring is None else crop_misfit(spec.scoring.crop, deepest)
        if spec.scoring is None or needed is None:
            return ()
        message = (
            f"crop {list(spec.scoring.crop)} does not fit networks of the supernet, whose paths go down to stride "
            f"{deepest}: {needed}; change the crop or lower supernet.levels"
        )
        return (FieldProblem(path="scoring.crop", message=message),)

    def follow_up(self, search: SearchRecord, records: Records) -> ConfirmationSpec | None:
        """The confirmation of its best networks, where the search is confirmed at its end."""
        spec = self.own(search.spec)
        assert spec is not None, search.id
        return confirmation_at_end(search, spec.confirming, records)

    def expected_follow_up(self, spec: AutoDeepLabSpec) -> FollowUp | None:
        if spec.scoring is None:
            return None
        return expected_confirmation(spec.confirming, spec.scoring, spec.planned, heads=False)

    def family(self, spec: AutoDeepLabSpec, records: Records) -> Family:
        return Family(network_family(spec.supernet.layers, spec.supernet.blocks), whole_network=True)

    def levels(self, spec: AutoDeepLabSpec, records: Records) -> int:
        return spec.supernet.levels

    def probe(self, spec: AutoDeepLabSpec) -> AutoDeepLabSpec:
        """One run with an epoch for the weights alone, then one with alpha and beta; its network is measured."""
        first = min(spec.bilevel.architecture_from_epoch, 1)
        bilevel = spec.bilevel.model_copy(update={"epochs": first + 1, "architecture_from_epoch": first})
        scoring = None if spec.scoring is None else short(spec.scoring)
        changes = {"bilevel": bilevel, "scoring": scoring, "seeds": 1, "score_every": first + 1, "confirm": False}
        return AutoDeepLabSpec.model_validate({**dict(spec), **changes, "name": probe_name(spec)})

    def question(self, spec: AutoDeepLabSpec) -> str:
        runs = "one run" if spec.seeds == 1 else f"{spec.seeds} runs"
        return f"Which network does Auto-DeepLab's differentiable search find on {self.dataset(spec)}, in {runs}?"

    def panels(self, search: SearchRecord, store: Store) -> tuple[Panel, ...]:
        spec = self.own(search.spec)
        assert spec is not None, search.id
        runs = {
            run: [record.snapshot for record in records]
            for run, records in groupby(store.snapshots(search.id), key=lambda record: record.run)
        }
        trials = {trial.architecture_key: trial for trial in store.all_trials(search.id)}
        shown = snapshot_panels(search.id, spec.supernet, runs, trials)
        return (*confirmation_links(search, store), *shown)

    def origins(self, search: SearchRecord, number: int) -> tuple[Origin, ...]:
        spec = self.own(search.spec)
        assert spec is not None, search.id
        run = number // len(spec.scored_epochs)
        return (Origin(f"its network was decoded from run {run} of", search.id),)

    def exports_snapshots(self, spec: AutoDeepLabSpec) -> bool:
        return spec.scoring is None

    def best_snapshot(self, search: SearchRecord, records: Records) -> SnapshotRecord | None:
        """The last snapshot of the run whose supernet scores highest, where no decoded network is measured."""
        spec = self.own(search.spec)
        assert spec is not None, search.id
        if not self.exports_snapshots(spec):
            return None
        last = {record.run: record for record in records.snapshots(search.id)}
        return max(last.values(), key=lambda record: record.snapshot.supernet_miou, default=None)

    def unranked(self, search: SearchRecord) -> str | None:
        spec = self.own(search.spec)
        assert spec is not None, search.id
        if spec.scoring is not None:
            return None
        return (
            f"the differentiable search {search.id} measures no networks (it has no `scoring` fidelity), so there is "
            "nothing to compare with full scale"
        )


def scored_snapshots(
    spec: AutoDeepLabSpec, recorded: Sequence[SnapshotRecord], measured: Collection[int] = ()
) -> Iterator[Proposal]:
    """Yield a trial for the decoded network of every run at every scored epoch, each network once.

    A trial's number is the place of its snapshot among all that could be measured (run by run, epoch by epoch), so
    the numbers may have gaps. Of equal networks the first one has the trial, unless another has one on record: a run
    that failed may be continued after trials were measured, and then comes first with the network of another.

    Args:
        spec: The search.
        recorded: Its snapshots, by run and epoch.
        measured: The numbers of the trials on record.
    """
    if spec.scoring is None:
        return
    epochs = spec.scored_epochs
    numbered = {}
    for record in recorded:
        snapshot = record.snapshot
        if snapshot.epoch in epochs or snapshot.finished:
            place = sum(epoch < snapshot.epoch for epoch in epochs)
            numbered[record.run * len(epochs) + place] = snapshot.architecture
    seen = {numbered[number].key for number in measured}
    for number, architecture in numbered.items():
        if number in measured or architecture.key not in seen:
            seen.add(architecture.key)
            yield Proposal(number, architecture, spec.scoring, spec.seed)


KIND = AutoDeepLab()
