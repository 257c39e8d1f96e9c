"""What a kind of search is to everything else: its plan of trials, what comes before it, its cost, its answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from nas.kinds.plans import Plan
from nas.specs.search import kind_name
from search_spaces.validation import FieldProblem, InputError

if TYPE_CHECKING:
    from nas.results.measurement import Measurement
    from nas.schemas.panels import Panel
    from nas.specs import AutoDeepLabSpec, Fidelity, JobSpec, TrainingFreeProxy
    from nas.store import SearchRecord, SnapshotRecord, Store, TrialRecord
    from search_spaces.document import Architecture

Spec = TypeVar("Spec", bound="JobSpec")


class Records(Protocol):
    """What a kind may read of the record; `nas.store.Store` has it all. Each method is described there."""

    def get_search(self, search_id: str) -> SearchRecord: ...
    def children(self, search_id: str) -> list[SearchRecord]: ...
    def all_trials(self, search_id: str) -> list[TrialRecord]: ...
    def measurements(self, search_id: str) -> dict[int, list[Measurement]]: ...
    def snapshots(self, search_id: str) -> list[SnapshotRecord]: ...
    def training_free(
        self, architecture_keys: Collection[str], fidelity_key: str, seed: int
    ) -> dict[str, dict[str, tuple[float, float]]]: ...


class Family(NamedTuple):
    """Which trials cost alike at the same fidelity: those of equal families.

    `whole_network`: the architectures bring their own backbone, so a fidelity's backbone and head cost nothing.
    """

    key: Hashable
    whole_network: bool = False


@dataclass(frozen=True)
class Candidates:
    """Architectures that shall have training-free scores: at which fidelity and seed their networks start, which
    scores.
    """

    architectures: Collection[Architecture]
    fidelity: Fidelity
    seed: int
    names: tuple[TrainingFreeProxy, ...]


@dataclass(frozen=True)
class Adoption:
    """Whose measurements a search takes over instead of running a trial: those of the searches `within`, or of all."""

    within: frozenset[str] | None = None


class Kind(ABC, Generic[Spec]):
    """One kind of search. Stateless: every method is a function of the spec and of what is recorded.

    To add a kind, write one file with a spec (`nas.specs.JobSpec` with a `kind` of its own) and a subclass of this
    class, and name an instance: in `nas/kinds/` as `KIND`, or in a package of your own under the entry point group
    `segnas.kinds`. Service, driver, forecast and page then know it.
    """

    spec: type[Spec]
    requested: ClassVar[bool] = True
    """Whether `POST /v1/searches` takes it; other kinds have a request and a route of their own."""

    @property
    def name(self) -> str:
        """What the field `kind` of its specs says."""
        return kind_name(self.spec)

    def own(self, spec: JobSpec) -> Spec | None:
        """The spec where it is one of this kind, else None."""
        return spec if isinstance(spec, self.spec) else None

    # What is run.

    @abstractmethod
    def plan(self, spec: Spec, search_id: str, records: Records) -> Plan:
        """Trials of the search: where they come from, in which order, which of them stop early.

        Asked for once the search's runs are over, if it has any.
        """

    def runs(self, spec: Spec) -> AutoDeepLabSpec | None:
        """The differentiable search that comes before the trials, a run for each of its seeds; None without one."""
        return None

    def training_free(self, spec: Spec, records: Records) -> Candidates | None:
        """What is to be scored without training before the trials; None: nothing."""
        return None

    def adoption(self, spec: Spec, records: Records) -> Adoption | None:
        """Whose measurements of the same architecture, fidelity and seed are taken over; None: nobody's."""
        return None

    # What it costs.

    @abstractmethod
    def family(self, spec: Spec, records: Records) -> Family:
        """Which searches' trials cost the same."""

    def trial_counts(self, spec: Spec) -> Mapping[str, int]:
        """Number of trials, at most, by the path of their fidelity in the spec."""
        return dict.fromkeys(spec.fidelities, spec.planned)

    def reduction(self, spec: Spec) -> float | None:
        """Of successive halving: the best 1/reduction go on at each rung. None: all go on."""
        return None

    def probe(self, spec: Spec) -> Spec | None:
        """A small search that measures what steps of this one cost; None where there is no such search."""
        return None

    # What it says.

    def method(self, spec: Spec) -> str:
        """How it searches, in a word or two for a list."""
        return self.name.replace("_", " ")

    def dataset(self, spec: Spec) -> str:
        """Name of the data set that it is about."""
        return next(iter(spec.datasets.values()))

    def panels(self, search: SearchRecord, store: Store) -> tuple[Panel, ...]:
        """Tables and charts that a page shows beside the search's trials, from what is recorded so far."""
        return ()

    def exports_snapshots(self, spec: Spec) -> bool:
        """Whether what the search finds is taken from its snapshots, not from its trials."""
        return False

    def best_snapshot(self, search: SearchRecord, records: Records) -> SnapshotRecord | None:
        """The snapshot to take away so far, of a search that exports snapshots; None where there is none."""
        return None

    def unranked(self, search: SearchRecord) -> str | None:
        """Why its scores cannot be compared with full scale, as a sentence; None where they can."""
        return None

    def named_fidelity(self, search: SearchRecord, proxy: str | None, records: Records) -> Fidelity:
        """The fidelity that another search may name by this one's id, alone or with a proxy's name.

        Raises:
            InputError: This search recommends none.
        """
        raise refused_fidelity(f"{search.id} is no calibration, but of the kind {search.kind}")


def refused_fidelity(message: str) -> InputError:
    """Why the name of a fidelity stands for none, as an error of the field `fidelity`."""
    return InputError([FieldProblem(path="fidelity", message=message)])
