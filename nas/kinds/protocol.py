"""The protocol of a kind of search: its plan of trials, its preparation, its cost, its answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from nas.kinds.plans import Plan
from nas.specs.given import given_fields
from nas.specs.search import kind_name
from search_spaces.validation import FieldProblem, InputError

if TYPE_CHECKING:
    from nas.results.measurement import Measurement
    from nas.schemas.panels import Panel
    from nas.specs import AutoDeepLabSpec, DenseCellSpace, Fidelity, JobSpec, TrainingFreeProxy
    from nas.store import SearchRecord, SnapshotRecord, Store, TrialRecord
    from search_spaces.document import Architecture

Spec = TypeVar("Spec", bound="JobSpec")


class Records(Protocol):
    """The methods of `nas.store.Store` by which a kind may read the recorded searches; they are described there."""

    def get_search(self, search_id: str) -> SearchRecord: ...
    def children(self, search_id: str) -> list[SearchRecord]: ...
    def all_trials(self, search_id: str) -> list[TrialRecord]: ...
    def numbered_trials(self, search_id: str, numbers: Collection[int]) -> list[TrialRecord]: ...
    def trials_until(self, search_id: str, sequence: int) -> list[TrialRecord]: ...
    def measurements(self, search_id: str) -> dict[int, list[Measurement]]: ...
    def snapshots(self, search_id: str) -> list[SnapshotRecord]: ...
    def training_free(
        self, architecture_keys: Collection[str], fidelity_key: str, seed: int
    ) -> dict[str, dict[str, tuple[float, float]]]: ...


class Family(NamedTuple):
    """Trials of equal families cost the same at the same fidelity, so that forecasts may use their times.

    Attributes:
        key: What the architectures of the family have in common.
        whole_network: Whether the architectures are entire networks: a fidelity's backbone and head are then not used.
    """

    key: Hashable
    whole_network: bool = False


@dataclass(frozen=True)
class Candidates:
    """Architectures to score without training.

    Attributes:
        architectures: The architectures.
        fidelity: The fidelity at which the networks are built and get their batches.
        seed: Seed of the initial weights and of the batches.
        names: The scores to compute.
    """

    architectures: Collection[Architecture]
    fidelity: Fidelity
    seed: int
    names: tuple[TrainingFreeProxy, ...]


@dataclass(frozen=True)
class Adoption:
    """Searches whose measurements are adopted instead of running a trial: those `within`, or all with None."""

    within: frozenset[str] | None = None


class Repeat(NamedTuple):
    """How to ask for the same search again, on another service.

    Attributes:
        file: Name of the file with the request.
        content: The request, without what has its default.
        command: The command that starts the search from that file.
    """

    file: str
    content: Mapping[str, Any]
    command: str


class FollowUp(NamedTuple):
    """What the search that follows another one will measure, as far as that is known before.

    Attributes:
        trials: Their number, at most.
        fidelity: The one of the search, at whose times they are forecast; none of them is stopped early.
        text: What they are, in words.
    """

    trials: int
    fidelity: Fidelity
    text: str


class Origin(NamedTuple):
    """What a trial was derived from: `text` ends where the name of the search, or of its trial, follows."""

    text: str
    search: str
    number: int | None = None


class CellSearch(NamedTuple):
    """What a search for cells does with its trials, as far as its worth depends on it.

    Attributes:
        space: The cells that may be proposed.
        fidelity: How they are measured.
        trials: How many are measured at most.
        keep: Share of them that early stopping lets go on from a rung.
    """

    space: DenseCellSpace
    fidelity: Fidelity
    trials: int
    keep: float


class Kind(ABC, Generic[Spec]):
    """One kind of search. It has no state: every method is a function of the spec and of the recorded searches.

    To add a kind, write one file with a spec (`nas.specs.JobSpec` with a `kind` of its own) and a subclass of this
    class, and name an instance: in `nas/kinds/` as `KIND`, or in a package of your own under the entry point group
    `segnas.kinds`. Service, driver, forecast and page then know it.
    """

    spec: type[Spec]
    requested: ClassVar[bool] = True
    """Whether `POST /v1/searches` accepts specs of this kind; other kinds have a request and a route of their own."""

    grows: ClassVar[tuple[str, ...]] = ()
    """Numbers in the spec that may grow after the search has ended, such as `trials`.

    A larger number only adds trials to the plan: those of the smaller one keep their numbers and content.
    """

    @property
    def name(self) -> str:
        """The value of the field `kind` in specs of this kind."""
        return kind_name(self.spec)

    def own(self, spec: JobSpec) -> Spec | None:
        """Return the spec if it is of this kind, else None."""
        return spec if isinstance(spec, self.spec) else None

    best_is_answer: ClassVar[bool] = True
    """Whether the best trial is what the search was made to find; otherwise the answer is in its panels alone."""

    # Runs and trials.

    @abstractmethod
    def plan(self, spec: Spec, search_id: str, records: Records) -> Plan:
        """Make the plan of the search's trials, after the end of its runs if it has any.

        Raises:
            InputError: The spec names a recorded search that is gone.
        """

    def runs(self, spec: Spec) -> AutoDeepLabSpec | None:
        """Return the differentiable search to run before the trials, a run for each of its seeds; None without one."""
        return None

    def training_free(self, spec: Spec, records: Records) -> Candidates | None:
        """Choose the architectures to score without training before the trials; None without any."""
        return None

    def adoption(self, spec: Spec, records: Records) -> Adoption | None:
        """Choose where measurements of the same architecture, fidelity and seed are adopted from; None: nowhere."""
        return None

    def check(self, spec: Spec, records: Records) -> None:
        """Check what a spec says about recorded searches, before it becomes a search itself.

        Raises:
            InputError: It names a search that does not exist or does not fit.
        """
        return

    def read_besides(self, spec: Spec, records: Records) -> tuple[str, ...]:
        """List the searches that a new one reads at its creation besides those which its spec names as `origins`.

        What they have measured by then is found again in `SearchRecord.origins`, whatever is measured since.
        """
        return ()

    def infeasible(self, spec: Spec, classes: int) -> tuple[FieldProblem, ...]:
        """Find what no architecture of the search can keep, each with the path of its field.

        Args:
            spec: The search, before it is stored.
            classes: Of its data set; 1 where that is not known.
        """
        return ()

    def follow_up(self, search: SearchRecord, records: Records) -> JobSpec | None:
        """Make the spec of the search that is queued when this one is completed; None without one.

        Args:
            search: The search, whose trials are over.
            records: Read access to the recorded searches.

        Raises:
            InputError: What the spec says about it does not fit what was measured.
        """
        return None

    def levels(self, spec: Spec, records: Records) -> int | None:
        """Count the strides (4, 8, ...) on which the paths of the searched networks lie; None for heads."""
        return None

    # Cost.

    def expected_follow_up(self, spec: Spec) -> FollowUp | None:
        """Tell how much the search that follows this one will measure; None where none follows."""
        return None

    @abstractmethod
    def family(self, spec: Spec, records: Records) -> Family:
        """Return the family of searches whose trials cost the same at the same fidelity."""

    def trial_counts(self, spec: Spec) -> Mapping[str, int]:
        """Count the trials at most, by the path of their fidelity in the spec."""
        return dict.fromkeys(spec.fidelities, spec.planned)

    def reduction(self, spec: Spec) -> float | None:
        """Return the factor of successive halving: the best 1/reduction continue at each rung. None: all continue."""
        return None

    def warnings(self, spec: Spec) -> tuple[FieldProblem, ...]:
        """Find what is odd about a spec that is allowed, each with the path of its field."""
        return ()

    def probe(self, spec: Spec) -> Spec | None:
        """Make a small search that measures the time of a step in this one; None where there is no such search."""
        return None

    def cell_search(self, spec: Spec) -> CellSearch | None:
        """Describe a search that proposes cells of a space; None for searches that do something else."""
        return None

    # Answers.

    def method(self, spec: Spec) -> str:
        """Name the method of the search in a word or two, for lists."""
        return self.name.replace("_", " ")

    def dataset(self, spec: Spec) -> str:
        """Name the data set that lists show for the search."""
        return next(iter(spec.datasets.values()))

    def next_command(self, search: SearchRecord) -> str:
        """Write the command of `segnas` that shows or takes away what the search has found."""
        return f"segnas export {search.id} -o best.json"

    def question(self, spec: Spec) -> str:
        """Ask in one sentence what the search was made to find out."""
        return f"Which architecture scores highest on the data set {self.dataset(spec)}?"

    def repeat(self, spec: Spec) -> Repeat:
        """Write the request of the same search."""
        return Repeat("search.yaml", given_fields(spec), "segnas submit search.yaml --watch")

    def panels(self, search: SearchRecord, store: Store) -> tuple[Panel, ...]:
        """Make the tables and charts that a page shows beside the search's trials, from the results recorded so far."""
        return ()

    def slow_panels(self, search: SearchRecord, store: Store) -> Mapping[str, Callable[[], tuple[Panel, ...]]]:
        """Name the further panels that take longer to make than a reader wants to wait, each with what makes it.

        The service makes them beside its answers, and shows the last ones meanwhile.
        """
        return {}

    def origins(self, search: SearchRecord, number: int) -> tuple[Origin, ...]:
        """Say what a trial of the search was derived from, by its number."""
        return tuple(Origin("its search began with what is known from", origin) for origin in search.spec.origins)

    def trials_again(self, spec: Spec, number: int) -> tuple[int, ...]:
        """Return the trials of this search that measure a trial of the parent search again."""
        return ()

    def exports_snapshots(self, spec: Spec) -> bool:
        """Whether the best architecture comes from the snapshots of the search, not from its trials."""
        return False

    def confirmed_by(self, search: SearchRecord, children: Mapping[str, str]) -> str | None:
        """Name the confirmation that decides which trial of the search is the best; None: the leaderboard decides.

        Args:
            search: The search.
            children: Of each kind the id of the newest search that belongs to it.
        """
        return children.get("confirmation")

    def best_snapshot(self, search: SearchRecord, records: Records) -> SnapshotRecord | None:
        """Choose the best snapshot so far of a search that exports snapshots; None where there is none."""
        return None

    def unranked(self, search: SearchRecord) -> str | None:
        """Explain in a sentence why scores of the search cannot be ranked against full scale; None where they can."""
        return None

    def named_fidelity(self, search: SearchRecord, proxy: str | None, records: Records) -> Fidelity:
        """Find the fidelity that another search names by the id of this one, alone or with the name of a proxy.

        Args:
            search: The named search.
            proxy: Name of one of its proxies; None for the fidelity that the search recommends.
            records: Read access to the recorded searches.

        Raises:
            InputError: The search has no such proxy, or recommends no fidelity.
        """
        raise refused_fidelity(f"{search.id} is no calibration, but of the kind {search.kind}")


def refused_fidelity(message: str) -> InputError:
    """Make the error for a name that stands for no fidelity: a problem of the field `fidelity`."""
    return InputError([FieldProblem(path="fidelity", message=message)])
