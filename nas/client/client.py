"""The client: one method for each call of the service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import httpx
from pydantic import RootModel

from nas.client.address import DEFAULT_URL, find_url
from nas.client.calls import Calls
from nas.client.connection import PATIENCE, Connection
from nas.client.errors import ClientError
from nas.client.events import Event
from nas.client.following import RESTART_SECONDS, follow_events, wait_until_at_rest
from nas.client.paths import checked_id, path_of
from nas.client.tables import trial_frame
from nas.client.tokens import TokenCalls
from nas.drawing.drawing import Drawing
from nas.results.orders import TrialOrder
from nas.results.status import SearchStatus, TrialStatus
from nas.schemas.calibrations import CalibrationPublic
from nas.schemas.catalogue import DatasetPublic, SpacePublic
from nas.schemas.comparisons import ComparisonPublic
from nas.schemas.confirmations import ConfirmationPublic
from nas.schemas.dry_runs import DryRunPublic
from nas.schemas.forecasts import ForecastPublic
from nas.schemas.health import HealthPublic, ServerPublic
from nas.schemas.panels import Panel
from nas.schemas.pareto import ParetoPublic
from nas.schemas.predictions import PredictionsPublic
from nas.schemas.rankings import RankingPublic
from nas.schemas.references import ReferencePublic
from nas.schemas.searches import SearchPublic
from nas.schemas.snapshots import SnapshotDetail, SnapshotPublic
from nas.schemas.tokens import AccessPublic
from nas.schemas.trials import TrialDetail, TrialPublic
from nas.settings import Settings, read_settings
from nas.specs import CalibrationSpec, ConfirmationRequest, FullScaleRequest, JobSpec

if TYPE_CHECKING:
    import pandas


class _AnyPanel(RootModel[Panel]):
    """A panel of any type, as a model."""


class Client:
    """A connection to one service.

    Args:
        url: Address of the service.
        token: Bearer token, if the service requires one.
        patience: Seconds during which a request is sent again after the connection was lost or the service was not
            ready. Every POST carries an idempotency key, so that none is carried out twice. A service that has never
            answered and refuses connections is not waited for.

    Raises:
        ClientError: The service refused a request or did not answer, or what answers is no Segnas service. Every method
            raises this error, except `alive` and `ready`.
    """

    def __init__(self, url: str = DEFAULT_URL, token: str | None = None, *, patience: float = PATIENCE) -> None:
        self._connection = Connection(url, token, patience)
        self._calls = Calls(self._connection)
        self.tokens = TokenCalls(self._connection)
        self.url = self._connection.url

    @classmethod
    def from_home(cls, settings: Settings | None = None, patience: float = PATIENCE) -> Self:
        """Connect to the service that SEGNAS_URL names, else to the service of the home folder, with SEGNAS_TOKEN.

        Args:
            settings: By default read from the environment and the home folder.
            patience: As for the class.
        """
        settings = settings or read_settings()
        token = settings.token.get_secret_value() if settings.token is not None else None
        return cls(find_url(settings), token, patience=patience)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def alive(self) -> bool:
        """Whether a service answers."""
        try:
            self._calls.send("GET", "/healthz").model(HealthPublic)
        except ClientError:
            return False
        return True

    def server(self) -> ServerPublic:
        """Whether each part of the service works, and where the Ray dashboard is."""
        return self._calls.send("GET", "/v1/readyz", accept=(httpx.codes.SERVICE_UNAVAILABLE,)).model(ServerPublic)

    def page_of(self, search: SearchPublic) -> str:
        """Return the address of a search's page: the service's public one, else below the address of this client."""
        return search.page or f"{self.url}/#/{search.id}"

    def ready(self) -> bool:
        """Whether the service, its store and its cluster answer."""
        try:
            return self.server().ready
        except ClientError:
            return False

    def create_search(self, spec: JobSpec | Mapping[str, Any], idempotency_key: str | None = None) -> SearchPublic:
        """Start a search.

        Args:
            spec: A spec or request, or its fields. In a request or a mapping, the fidelity may be the id of a
                calibration, or `ID/PROXY`.
            idempotency_key: The same key again returns the same search, and starts no other.

        Returns:
            The new search.
        """
        return self._calls.post("/v1/searches", spec, idempotency_key).model(SearchPublic)

    def forecast(self, spec: JobSpec | Mapping[str, Any]) -> ForecastPublic:
        """Check a spec and forecast its cost from the times of earlier searches; nothing is started."""
        return self._calls.post("/v1/searches", spec, None, changes=False, dry_run="true").model(ForecastPublic)

    def dry_run(self, spec: JobSpec | Mapping[str, Any]) -> DryRunPublic:
        """Check a spec and say what it would do: the forecast, the same in words, warnings; nothing is started."""
        return self._calls.post("/v1/searches", spec, None, changes=False, dry_run="true").model(DryRunPublic)

    def measure(self, spec: JobSpec | Mapping[str, Any], idempotency_key: str | None = None) -> SearchPublic:
        """Start a probe, a small search that measures what the steps of `spec` cost; `forecast` uses these times.

        Args:
            spec: As for `create_search`.
            idempotency_key: The same key again returns the same probe; it stays free for the search itself.
        """
        reply = self._calls.post("/v1/searches", spec, idempotency_key, dry_run="true", measure="true")
        return reply.model(SearchPublic)

    def search(self, search_id: str) -> SearchPublic:
        """The current state of a search."""
        return self._calls.send("GET", path_of(search_id)).model(SearchPublic)

    def searches(
        self, status: SearchStatus | None = None, tag: str | None = None, owner: str | None = None
    ) -> Iterator[SearchPublic]:
        """All searches, newest first, page by page.

        Args:
            status: Only searches of this status.
            tag: Only searches with this tag.
            owner: Only searches that a token of this name started.
        """
        return self._calls.pages("/v1/searches", SearchPublic, page=50, status=status, tag=tag, owner=owner)

    def stop(self, search_id: str) -> SearchPublic:
        """Stop a search; everything measured stays."""
        return self._calls.send("POST", path_of(search_id, "stop")).model(SearchPublic)

    def pause(self, search_id: str) -> SearchPublic:
        """Pause a search: what runs ends, everything measured stays, and nothing starts until it is resumed."""
        return self._calls.send("POST", path_of(search_id, "pause")).model(SearchPublic)

    def resume(self, search_id: str, retry_failed: bool = False) -> SearchPublic:
        """Resume a search that was stopped, has failed or is paused; one that runs already is left as it is.

        Args:
            search_id: The search.
            retry_failed: Also try the failed trials again.
        """
        params = {"retry_failed": "true"} if retry_failed else {}
        return self._calls.send("POST", path_of(search_id, "resume"), params=params).model(SearchPublic)

    def extend(self, search_id: str, trials: int | None = None, seeds: int | None = None) -> SearchPublic:
        """Give a search that is over or paused more trials or seeds, and queue it again.

        Args:
            search_id: The search.
            trials: Number of trials of a black-box search, in all.
            seeds: Number of seeds of a search of another kind, in all.
        """
        totals = {name: total for name, total in (("trials", trials), ("seeds", seeds)) if total is not None}
        return self._calls.post(path_of(search_id, "extend"), totals, None).model(SearchPublic)

    def edit(
        self, search_id: str, name: str | None = None, notes: str | None = None, tags: Sequence[str] | None = None
    ) -> SearchPublic:
        """Change the name, the notes or the tags of a search; what is None stays.

        Args:
            search_id: The search.
            name: The new name.
            notes: The new remarks; empty text removes them.
            tags: All tags, which replace those the search has.
        """
        given = {"name": name, "notes": notes, "tags": None if tags is None else list(tags)}
        changes = {field: value for field, value in given.items() if value is not None}
        return self._calls.send("PATCH", path_of(search_id), json=changes).model(SearchPublic)

    def delete(self, search_id: str) -> None:
        """Delete a search that is over or paused, with all that it has measured. There is no way back."""
        self._calls.send("DELETE", path_of(search_id))

    def trials(
        self,
        search_id: str,
        order_by: TrialOrder = "number",
        status: TrialStatus | None = None,
        scores: bool = False,
    ) -> Iterator[TrialPublic]:
        """All trials of a search, page by page.

        Args:
            search_id: The search.
            order_by: See `nas.results.orders`; `-score` is the leaderboard. What a trial does not have comes last.
            status: Only trials of this status.
            scores: Whether to ask for the score at each rung.
        """
        params = {"order_by": order_by, "status": status, "scores": "true" if scores else None}
        return self._calls.pages(path_of(search_id, "trials"), TrialPublic, page=200, **params)

    def dataframe(self, search_id: str) -> pandas.DataFrame:
        """All trials of a search as a table of pandas; `nas.client.tables` describes its columns.

        Raises:
            ValueError: pandas is not installed.
        """
        return trial_frame(self.trials(search_id, scores=True))

    def trial(self, search_id: str, number: int) -> TrialDetail:
        """One trial, with learning curve and architecture document."""
        return self._calls.send("GET", path_of(search_id, "trials", number)).model(TrialDetail)

    def panels(self, search_id: str, number: int | None = None) -> list[Panel]:
        """The charts and tables that the page of a search, or of one of its trials, shows, ready to be drawn.

        Args:
            search_id: The search.
            number: The trial; None for the panels of the search.
        """
        below = ("panels",) if number is None else ("trials", number, "panels")
        answer = self._calls.get(path_of(search_id, *below))
        return [panel.root for panel in answer.models(_AnyPanel)]

    def drawing(self, search_id: str, number: int) -> Drawing:
        """The drawing of a trial's architecture, which a notebook shows and `Drawing.save` writes to a file."""
        svg = self._calls.get(path_of(search_id, "trials", number, "drawing")).picture().decode("utf-8", "replace")
        return Drawing(title=f"trial {number} of search {search_id}", description="", svg=svg)

    def predictions(self, search_id: str, number: int) -> PredictionsPublic:
        """What a trial predicts on a few validation images, the same ones for all trials of the same crops.

        Raises:
            ClientError: None are kept of this trial (404); they are of the best trials of a search.
        """
        return self._calls.get(path_of(search_id, "trials", number, "predictions")).model(PredictionsPublic)

    def picture(
        self, search_id: str, number: int, place: int, layer: Literal["image", "mask", "prediction"] = "prediction"
    ) -> bytes:
        """One of the pictures of a trial's predictions, as a file: a JPEG of an image, a PNG of classes.

        Args:
            search_id: The search.
            number: The trial.
            place: Which of `PredictionsPublic.images`, from 0.
            layer: The image, its label map or the prediction. Pixels of the latter two are classes, 255 is ignored.
        """
        return self._calls.get(path_of(search_id, "trials", number, "predictions", place, layer)).picture()

    def best(self, search_id: str, format: Literal["segnas", "deeplab", "darts"] = "segnas") -> Any:
        """The best architecture of a search so far.

        Args:
            search_id: The search.
            format: `segnas`: an architecture document; `deeplab`: TensorFlow DeepLab's format; `darts`: the format of
                Auto-DeepLab's PyTorch re-implementations.
        """
        return self._calls.get(path_of(search_id, "best"), format=format).json()

    def pareto(self, search_id: str) -> ParetoPublic:
        """The Pareto set of a search so far: its trials, and their values of the search's objectives."""
        return self._calls.get(path_of(search_id, "pareto")).model(ParetoPublic)

    def compare(self, search_ids: Sequence[str]) -> ComparisonPublic:
        """Compare searches: curves of the best score, settings that differ, best architectures.

        Args:
            search_ids: 2 to 8 different searches.
        """
        return self._calls.get("/v1/comparison", search=list(search_ids)).model(ComparisonPublic)

    def report(self, search_id: str) -> str:
        """The report of a search, an HTML document that needs no other file."""
        return self._calls.get(path_of(search_id, "report")).html

    def snapshots(self, search_id: str, run: int | None = None) -> list[SnapshotPublic]:
        """The architectures that a differentiable search decoded after each epoch, ordered by run and epoch.

        Args:
            search_id: The search.
            run: Only this run, counted from 0.
        """
        return self._calls.get(path_of(search_id, "snapshots"), run=run).models(SnapshotPublic)

    def snapshot(self, search_id: str, run: int, epoch: int) -> SnapshotDetail:
        """One snapshot, with alpha, beta and the architecture document."""
        return self._calls.get(path_of(search_id, "snapshots", run, epoch)).model(SnapshotDetail)

    def heads(self, search_id: str) -> list[ReferencePublic]:
        """The results of a reference search, one row for each head."""
        return self._calls.get(path_of(search_id, "heads")).models(ReferencePublic)

    def full_scale(
        self, search_id: str, request: FullScaleRequest | Mapping[str, Any], idempotency_key: str | None = None
    ) -> SearchPublic:
        """Start a full-scale evaluation: measure architectures of a search again, at full scale.

        Args:
            search_id: The search whose architectures are measured.
            request: The full-scale fidelity, and the choice of architectures.
            idempotency_key: The same key again returns the same evaluation, and starts no other.

        Returns:
            The evaluation, which is a search too.
        """
        return self._calls.post(path_of(search_id, "full-scale"), request, idempotency_key).model(SearchPublic)

    def ranking(self, search_id: str, full_scale: str | None = None) -> RankingPublic:
        """How well a search's scores order its architectures by their full-scale scores.

        Args:
            search_id: The search.
            full_scale: Id of one full-scale evaluation; by default all evaluations at the fidelity of the newest.
        """
        return self._calls.get(path_of(search_id, "ranking"), full_scale=full_scale).model(RankingPublic)

    def confirm(
        self, search_id: str, request: ConfirmationRequest | Mapping[str, Any], idempotency_key: str | None = None
    ) -> SearchPublic:
        """Start a confirmation: measure a search's best again with fresh seeds, beside heads of the textbooks.

        Args:
            search_id: The search whose architectures are confirmed.
            request: Which architectures, reference heads, how many seeds; an empty mapping takes the defaults.
            idempotency_key: The same key again returns the same confirmation, and starts no other.

        Returns:
            The confirmation, which is a search too.
        """
        return self._calls.post(path_of(search_id, "confirmation"), request, idempotency_key).model(SearchPublic)

    def confirmation(self, search_id: str) -> ConfirmationPublic:
        """The answer so far of a confirmation, or of the newest confirmation of a search."""
        return self._calls.get(path_of(search_id, "confirmation")).model(ConfirmationPublic)

    def create_calibration(
        self, spec: CalibrationSpec | Mapping[str, Any], idempotency_key: str | None = None
    ) -> CalibrationPublic:
        """Start a calibration, which finds the cheapest proxy that orders architectures as full scale does.

        Args:
            spec: The calibration's spec, or its fields.
            idempotency_key: The same key again returns the same calibration, and starts no other.
        """
        return self._calls.post("/v1/calibrations", spec, idempotency_key).model(CalibrationPublic)

    def dry_run_calibration(self, spec: CalibrationSpec | Mapping[str, Any]) -> DryRunPublic:
        """Check a calibration's spec and say what it would do, as `dry_run` does; nothing is started."""
        return self._calls.post("/v1/calibrations", spec, None, changes=False, dry_run="true").model(DryRunPublic)

    def calibration(self, search_id: str) -> CalibrationPublic:
        """A calibration's answer so far."""
        return self._calls.get(f"/v1/calibrations/{checked_id(search_id)}").model(CalibrationPublic)

    def calibrations(self) -> Iterator[SearchPublic]:
        """All calibrations as searches, newest first."""
        return self._calls.pages("/v1/calibrations", SearchPublic, page=50)

    def logs(self, search_id: str, tail: int = 1000) -> str:
        """The last `tail` lines that a search's driver and trials printed."""
        return self._calls.get(path_of(search_id, "logs"), tail=tail).text

    def access(self) -> AccessPublic:
        """What this client's token may do, when it expires, and what is left of its budget."""
        return self._calls.get("/v1/access").model(AccessPublic)

    def spaces(self) -> list[SpacePublic]:
        """The search spaces of the service."""
        return self._calls.get("/v1/spaces").models(SpacePublic)

    def datasets(self) -> list[DatasetPublic]:
        """The data sets registered on the server."""
        return self._calls.get("/v1/datasets").models(DatasetPublic)

    def wait(
        self,
        search_id: str,
        timeout: float | None = None,
        poll: float = 1.0,
        patience: float = RESTART_SECONDS,
    ) -> SearchPublic:
        """Wait until a search is over or paused; a restart of the service meanwhile changes nothing.

        Args:
            search_id: The search.
            timeout: Longest wait, in seconds; None waits without limit.
            poll: Seconds between two requests.
            patience: Seconds without an answer of the service after which the wait is given up.

        Returns:
            The search, which is over or paused.

        Raises:
            TimeoutError: The search still runs; it continues.
        """
        return wait_until_at_rest(self._connection, search_id, timeout, poll, patience)

    def events(self, search_id: str, patience: float = RESTART_SECONDS) -> Iterator[Event]:
        """Follow a search live.

        A broken stream is reconnected, so that a restart of the service changes nothing. The events after a break begin
        with the changes made meanwhile, and may repeat earlier events.

        Args:
            search_id: The search.
            patience: Seconds after the last event for which a broken stream is opened again.

        Yields:
            The state of the search, then every change, and an `end` event.
        """
        return follow_events(self._connection, search_id, patience)
