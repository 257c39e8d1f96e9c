"""Calls about searches: start, find, change, follow and delete them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nas.client.calls import ServiceCalls
from nas.client.events import Event
from nas.client.following import follow_events, wait_until_at_rest
from nas.client.outage import RESTART_SECONDS
from nas.client.paths import path_of
from nas.results.status import SearchStatus
from nas.schemas.dry_runs import DryRunPublic
from nas.schemas.forecasts import ForecastPublic
from nas.schemas.searches import SearchPublic
from nas.specs import JobSpec


class SearchMethods(ServiceCalls):
    """The methods of `Client` about searches as a whole."""

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

    def ask_worth(self, spec: JobSpec | Mapping[str, Any]) -> SearchPublic:
        """Start the probe that finds out what a search is worth, or find the one of whoever asked the same before.

        Once it is completed, `dry_run` has the answer as `worth`.

        Args:
            spec: As for `create_search`.
        """
        return self._calls.post("/v1/searches", spec, None, dry_run="true", worth="true").model(SearchPublic)

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

    def page_of(self, search: SearchPublic) -> str:
        """Return the address of a search's page: the service's public one, else below the address of this client."""
        return search.page or f"{self.url}/#/{search.id}"

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
            patience: Seconds for which a broken stream is opened again, from when the service was last heard of.

        Yields:
            The state of the search, then every change, and an `end` event.
        """
        return follow_events(self._connection, search_id, patience)

    def logs(self, search_id: str, tail: int = 1000) -> str:
        """The last `tail` lines that a search's driver and trials printed."""
        return self._calls.get(path_of(search_id, "logs"), tail=tail).text

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
            retry_failed: Also try the failed trials and differentiable runs again.
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
