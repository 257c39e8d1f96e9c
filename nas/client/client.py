"""The client: one method for each call of the service."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import httpx
from pydantic import BaseModel

from nas.client.address import DEFAULT_URL, find_url
from nas.client.errors import ClientError, refusal, transport_errors
from nas.client.events import Event, read_events
from nas.client.tables import trial_frame
from nas.results.status import SearchStatus, TrialStatus
from nas.schemas.base import PagePublic
from nas.schemas.calibrations import CalibrationPublic
from nas.schemas.catalogue import DatasetPublic, SpacePublic
from nas.schemas.forecasts import ForecastPublic
from nas.schemas.health import HealthPublic, ServerPublic
from nas.schemas.rankings import RankingPublic
from nas.schemas.references import ReferencePublic
from nas.schemas.searches import SearchPublic
from nas.schemas.snapshots import SnapshotDetail, SnapshotPublic
from nas.schemas.trials import TrialDetail, TrialPublic
from nas.settings import Settings, read_settings
from nas.specs import CalibrationSpec, FullScaleRequest, JobSpec

if TYPE_CHECKING:
    import pandas

READ_SECONDS = 60.0
"""Timeout of a request other than a live stream."""

STREAM_SECONDS = 45.0
"""Silence after which a live stream counts as broken: three heartbeats of the service."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
GIVE_UP_SECONDS = 120.0
"""Time since the last event after which a broken stream is no longer reconnected."""


class Client:
    """A connection to one service.

    Args:
        url: Address of the service.
        token: Bearer token, if the service requires one.

    Raises:
        ClientError: The service refused a request or did not answer. Every method raises this error, except `alive` and
            `ready`.
    """

    def __init__(self, url: str = DEFAULT_URL, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            self._http = httpx.Client(base_url=self.url, headers=headers, timeout=READ_SECONDS)
        except httpx.InvalidURL as error:
            raise ClientError(f"{url!r} is not an address: {error}") from None

    @classmethod
    def from_home(cls, settings: Settings | None = None) -> Self:
        """Connect to the service that SEGNAS_URL names, else to the service of the home folder, with SEGNAS_TOKEN.

        Args:
            settings: By default read from the environment and the home folder.
        """
        settings = settings or read_settings()
        token = settings.token.get_secret_value() if settings.token is not None else None
        return cls(find_url(settings), token)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def alive(self) -> bool:
        """Whether a service answers."""
        try:
            HealthPublic.model_validate(self._get("/healthz"))
        except ClientError:
            return False
        return True

    def server(self) -> ServerPublic:
        """Whether each part of the service works, and where the Ray dashboard is."""
        reply = self._send("GET", "/v1/readyz", accept=(httpx.codes.SERVICE_UNAVAILABLE,))
        return ServerPublic.model_validate(reply.json())

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
        return SearchPublic.model_validate(self._post("/v1/searches", spec, idempotency_key))

    def forecast(self, spec: JobSpec | Mapping[str, Any]) -> ForecastPublic:
        """Check a spec and forecast its cost from the times of earlier searches; nothing is started."""
        return ForecastPublic.model_validate(self._post("/v1/searches", spec, None, dry_run=True))

    def measure(self, spec: JobSpec | Mapping[str, Any]) -> SearchPublic:
        """Start a probe, a small search that measures what the steps of `spec` cost; `forecast` uses these times."""
        return SearchPublic.model_validate(self._post("/v1/searches", spec, None, dry_run=True, measure=True))

    def search(self, search_id: str) -> SearchPublic:
        """The current state of a search."""
        return SearchPublic.model_validate(self._get(f"/v1/searches/{search_id}"))

    def searches(self, status: SearchStatus | None = None, tag: str | None = None) -> Iterator[SearchPublic]:
        """All searches, newest first, page by page.

        Args:
            status: Only searches of this status.
            tag: Only searches with this tag.
        """
        for item in self._pages("/v1/searches", {"status": status, "tag": tag}, page=50):
            yield SearchPublic.model_validate(item)

    def stop(self, search_id: str) -> SearchPublic:
        """Stop a search; everything measured stays."""
        return SearchPublic.model_validate(self._send("POST", f"/v1/searches/{search_id}/stop").json())

    def pause(self, search_id: str) -> SearchPublic:
        """Pause a search: what runs ends, everything measured stays, and nothing starts until it is resumed."""
        return SearchPublic.model_validate(self._send("POST", f"/v1/searches/{search_id}/pause").json())

    def resume(self, search_id: str, retry_failed: bool = False) -> SearchPublic:
        """Resume a search that was stopped, has failed or is paused; one that runs already is left as it is.

        Args:
            search_id: The search.
            retry_failed: Also try the failed trials again.
        """
        params = {"retry_failed": "true"} if retry_failed else {}
        return SearchPublic.model_validate(self._send("POST", f"/v1/searches/{search_id}/resume", params=params).json())

    def extend(self, search_id: str, trials: int | None = None, seeds: int | None = None) -> SearchPublic:
        """Give a search that is over or paused more trials or seeds, and queue it again.

        Args:
            search_id: The search.
            trials: Number of trials of a black-box search, in all.
            seeds: Number of seeds of a search of another kind, in all.
        """
        totals = {name: total for name, total in (("trials", trials), ("seeds", seeds)) if total is not None}
        return SearchPublic.model_validate(self._post(f"/v1/searches/{search_id}/extend", totals, None))

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
        return SearchPublic.model_validate(self._send("PATCH", f"/v1/searches/{search_id}", json=changes).json())

    def delete(self, search_id: str) -> None:
        """Delete a search that is over or paused, with all that it has measured. There is no way back."""
        self._send("DELETE", f"/v1/searches/{search_id}")

    def trials(
        self,
        search_id: str,
        order_by: Literal["number", "-number", "score", "-score"] = "number",
        status: TrialStatus | None = None,
        scores: bool = False,
    ) -> Iterator[TrialPublic]:
        """All trials of a search, page by page.

        Args:
            search_id: The search.
            order_by: A leading minus reverses the order. By score, trials without a score come last.
            status: Only trials of this status.
            scores: Whether to ask for the score at each rung.
        """
        params = {"order_by": order_by, "status": status, "scores": "true" if scores else None}
        for item in self._pages(f"/v1/searches/{search_id}/trials", params, page=200):
            yield TrialPublic.model_validate(item)

    def dataframe(self, search_id: str) -> pandas.DataFrame:
        """All trials of a search as a table of pandas; `nas.client.tables` describes its columns.

        Raises:
            ValueError: pandas is not installed.
        """
        return trial_frame(self.trials(search_id, scores=True))

    def trial(self, search_id: str, number: int) -> TrialDetail:
        """One trial, with learning curve and architecture document."""
        return TrialDetail.model_validate(self._get(f"/v1/searches/{search_id}/trials/{number}"))

    def best(self, search_id: str, format: Literal["segnas", "deeplab", "darts"] = "segnas") -> Any:
        """The best architecture of a search so far.

        Args:
            search_id: The search.
            format: `segnas`: an architecture document; `deeplab`: TensorFlow DeepLab's format; `darts`: the format of
                Auto-DeepLab's PyTorch re-implementations.
        """
        return self._get(f"/v1/searches/{search_id}/best", format=format)

    def snapshots(self, search_id: str, run: int | None = None) -> list[SnapshotPublic]:
        """The architectures that a differentiable search decoded after each epoch, ordered by run and epoch.

        Args:
            search_id: The search.
            run: Only this run, counted from 0.
        """
        items = self._get(f"/v1/searches/{search_id}/snapshots", run=run)
        return [SnapshotPublic.model_validate(item) for item in items]

    def snapshot(self, search_id: str, run: int, epoch: int) -> SnapshotDetail:
        """One snapshot, with alpha, beta and the architecture document."""
        return SnapshotDetail.model_validate(self._get(f"/v1/searches/{search_id}/snapshots/{run}/{epoch}"))

    def heads(self, search_id: str) -> list[ReferencePublic]:
        """The results of a reference search, one row for each head."""
        return [ReferencePublic.model_validate(item) for item in self._get(f"/v1/searches/{search_id}/heads")]

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
        return SearchPublic.model_validate(self._post(f"/v1/searches/{search_id}/full-scale", request, idempotency_key))

    def ranking(self, search_id: str, full_scale: str | None = None) -> RankingPublic:
        """How well a search's scores order its architectures by their full-scale scores.

        Args:
            search_id: The search.
            full_scale: Id of one full-scale evaluation; by default all evaluations at the fidelity of the newest.
        """
        return RankingPublic.model_validate(self._get(f"/v1/searches/{search_id}/ranking", full_scale=full_scale))

    def create_calibration(
        self, spec: CalibrationSpec | Mapping[str, Any], idempotency_key: str | None = None
    ) -> CalibrationPublic:
        """Start a calibration, which finds the cheapest proxy that orders architectures as full scale does.

        Args:
            spec: The calibration's spec, or its fields.
            idempotency_key: The same key again returns the same calibration, and starts no other.
        """
        return CalibrationPublic.model_validate(self._post("/v1/calibrations", spec, idempotency_key))

    def calibration(self, search_id: str) -> CalibrationPublic:
        """A calibration's answer so far."""
        return CalibrationPublic.model_validate(self._get(f"/v1/calibrations/{search_id}"))

    def calibrations(self) -> Iterator[SearchPublic]:
        """All calibrations as searches, newest first."""
        for item in self._pages("/v1/calibrations", {}, page=50):
            yield SearchPublic.model_validate(item)

    def logs(self, search_id: str, tail: int = 1000) -> str:
        """The last `tail` lines that a search's driver and trials printed."""
        return self._send("GET", f"/v1/searches/{search_id}/logs", params={"tail": tail}).text

    def spaces(self) -> list[SpacePublic]:
        """The search spaces of the service."""
        return [SpacePublic.model_validate(item) for item in self._get("/v1/spaces")]

    def datasets(self) -> list[DatasetPublic]:
        """The data sets registered on the server."""
        return [DatasetPublic.model_validate(item) for item in self._get("/v1/datasets")]

    def wait(self, search_id: str, timeout: float | None = None, poll: float = 1.0) -> SearchPublic:
        """Wait until a search is over.

        Args:
            search_id: The search.
            timeout: Longest wait, in seconds; None waits without limit.
            poll: Seconds between two requests.

        Returns:
            The finished search, of any terminal status.

        Raises:
            TimeoutError: The search is not over; it continues.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            search = self.search(search_id)
            if search.status.terminal:
                return search
            if deadline is not None and time.monotonic() + poll > deadline:
                raise TimeoutError(f"search {search_id} is still {search.status} after {timeout:g} s")
            time.sleep(poll)

    def events(self, search_id: str) -> Iterator[Event]:
        """Follow a search live.

        A broken stream is reconnected. The events after a break begin with the changes made meanwhile, and may repeat
        earlier events.

        Yields:
            The state of the search, then every change, and an `end` event.
        """
        last: str | None = None
        pause = FIRST_PAUSE
        last_event = float("-inf")
        while True:
            try:
                for event in self._stream(search_id, last):
                    last = event.id or last
                    pause, last_event = FIRST_PAUSE, time.monotonic()
                    yield event
                    if event.name == "end":
                        return
            except ClientError as error:
                refused = error.status is not None and error.status < httpx.codes.INTERNAL_SERVER_ERROR
                if refused or time.monotonic() - last_event > GIVE_UP_SECONDS:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _stream(self, search_id: str, last: str | None) -> Iterator[Event]:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        path = f"/v1/searches/{search_id}/events"
        opened = self._http.stream("GET", path, headers=headers, timeout=STREAM_SECONDS)
        with transport_errors(self.url), opened as reply:
            if reply.is_error:
                reply.read()
                raise refusal(reply)
            yield from read_events(reply.iter_lines())

    def _pages(self, path: str, params: Mapping[str, Any], page: int) -> Iterator[Any]:
        cursor: str | None = None
        while True:
            body = PagePublic[Any].model_validate(self._get(path, **params, limit=page, cursor=cursor))
            yield from body.items
            cursor = body.next_cursor
            if cursor is None:
                return

    def _post(self, path: str, body: BaseModel | Mapping[str, Any], key: str | None, **params: bool) -> Any:
        content = body.model_dump(mode="json") if isinstance(body, BaseModel) else dict(body)
        headers = {} if key is None else {"Idempotency-Key": key}
        return self._send("POST", path, json=content, headers=headers, params=params).json()

    def _get(self, path: str, **params: Any) -> Any:
        query = {name: str(value) for name, value in params.items() if value is not None}
        return self._send("GET", path, params=query).json()

    def _send(self, method: str, path: str, accept: tuple[int, ...] = (), **request: Any) -> httpx.Response:
        with transport_errors(self.url):
            reply = self._http.request(method, path, **request)
        if reply.is_error and reply.status_code not in accept:
            raise refusal(reply)
        return reply
