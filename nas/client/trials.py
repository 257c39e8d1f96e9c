"""Calls about the trials of a search: read, draw and tabulate them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import RootModel

from nas.client.calls import ServiceCalls
from nas.client.paths import path_of
from nas.client.tables import trial_frame
from nas.drawing.drawing import Drawing
from nas.results.orders import TrialOrder
from nas.results.status import TrialStatus
from nas.schemas.panels import Panel
from nas.schemas.predictions import PredictionsPublic
from nas.schemas.trials import TrialDetail, TrialPublic

if TYPE_CHECKING:
    import pandas


class _AnyPanel(RootModel[Panel]):
    """A panel of any type, as a model."""


class TrialMethods(ServiceCalls):
    """The methods of `Client` about trials."""

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

    def panels(self, search_id: str, number: int | None = None) -> list[Panel]:
        """The charts and tables that the page of a search, or of one of its trials, shows, ready to be drawn.

        Args:
            search_id: The search.
            number: The trial; None for the panels of the search.
        """
        below = ("panels",) if number is None else ("trials", number, "panels")
        answer = self._calls.get(path_of(search_id, *below))
        return [panel.root for panel in answer.models(_AnyPanel)]
