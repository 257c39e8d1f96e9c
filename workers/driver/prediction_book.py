"""The driver's record of predictions: an aid, whose loss costs no trial, in bounded space."""

from __future__ import annotations

from nas.aids import remark_once
from nas.results.predictions import Predictions
from nas.store import Store, StoreError

KEPT_TRIALS = 250
"""How many trials of a search, the best ones, keep their predictions at least. Up to as many newer ones have some too,
so that a search's take 500 times some 20 kB as a rule, and never more than 500 times 90 kB."""


class PredictionBook:
    """Records what the trials of one search predict.

    Args:
        store: The database.
        search_id: The search.
    """

    def __init__(self, store: Store, search_id: str) -> None:
        self._store = store
        self._search_id = search_id
        self._recorded: set[int] | None = None

    def record(self, number: int, attempt: int, predictions: Predictions) -> None:
        """Record what a trial predicts at a rung; where that fails, the search goes on without it, with one warning."""
        try:
            if self._recorded is None:
                self._recorded = self._store.predicted_trials(self._search_id)
            if self._store.record_predictions(self._search_id, number, attempt, predictions):
                self._recorded.add(number)
            if len(self._recorded) > 2 * KEPT_TRIALS:
                best = self._store.list_trials(self._search_id, "-score", limit=KEPT_TRIALS).items
                self._recorded = self._store.keep_predictions(self._search_id, [trial.number for trial in best])
        except StoreError as error:
            sentence = f"predictions cannot be recorded ({error}): the search goes on without them"
            remark_once("record of predictions", str(error), sentence)
