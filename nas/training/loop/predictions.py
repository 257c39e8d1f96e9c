"""Keeps what a validation pass predicts for a few images, from the logits that are computed for the scores anyway."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nas.aids import remark_once
from nas.data.examples import halved, places
from nas.models.layers.resampling import upsample
from nas.training.loop.distributed import Peers

MOST_LOGITS = 1_300_000
"""How many logits are computed for one picture, where the labels are coarser than it: some milliseconds on a CPU."""


class PredictionKeeper:
    """Keeps the predicted classes of some validation images at the size of their pictures; it changes no score.

    Where several processes train the model, each sees its share of the images; all of them must have a keeper.

    Args:
        key: Of the examples.
        rows: The images, as rows of the validation images.
        size: Height and width of the pictures.
        order: The rows of the validation images in the order in which this process sees them.
        peers: The processes that train the model together.
    """

    def __init__(
        self, key: str, rows: Sequence[int], size: tuple[int, int], order: Sequence[int], peers: Peers | None = None
    ) -> None:
        self.key = key
        self._rows = tuple(rows)
        self._size = size
        self._peers = peers
        position = {row: place for place, row in enumerate(order)}
        self._wanted = sorted((position[row], row) for row in rows if row in position)
        self._seen = 0
        self._maps: dict[int, Tensor] = {}

    def begin(self) -> None:
        """Forget what an earlier pass has left."""
        self._seen = 0
        self._maps = {}

    def see(self, logits: Tensor, predicted: Tensor) -> None:
        """Take one batch of the pass; what cannot be kept costs the picture and one warning.

        Args:
            logits: `(n, classes, h, w)`, as the model gave them.
            predicted: Their classes at the labels' resolution, `(n, H, W)`.
        """
        first, self._seen = self._seen, self._seen + len(logits)
        for place, row in self._wanted:
            if first <= place < self._seen:
                index = place - first
                try:
                    self._maps[row] = self._map(logits[index : index + 1], predicted[index])
                except RuntimeError as error:  # such as no memory for a larger map
                    sentence = f"predictions cannot be kept to look at ({str(error).splitlines()[0]})"
                    remark_once("predictions", str(error), f"{sentence}: the trial goes on without them")

    def maps(self) -> Tensor | None:
        """Collect the maps of all processes after a pass; all processes call this together.

        Returns:
            Classes, uint8 on the CPU, `(images, height, width)` in the order of the rows, halved in size where the
            pictures would take too long; None where one is missing.
        """
        mine = {row: classes.cpu() for row, classes in self._maps.items()}
        found = [mine] if self._peers is None else self._peers.gathered(mine)
        maps = {row: classes for part in found for row, classes in part.items()}
        if any(row not in maps for row in self._rows):
            return None
        return torch.stack([maps[row] for row in self._rows])

    def _map(self, logits: Tensor, predicted: Tensor) -> Tensor:
        """The scored pixels themselves where there are enough of them, else the classes between them."""
        there, size = tuple(predicted.shape), self._size
        while smaller(there, size) and logits.shape[1] * size[0] * size[1] > MOST_LOGITS:
            size = halved(size)
        if smaller(there, self._size):
            # On a CPU `max` over the first axis is many times faster than `argmax`.
            between = upsample(logits, size)[0].max(0).indices if smaller(there, size) else predicted
            return between.to(torch.uint8)
        rows, columns = (
            torch.from_numpy(places(side, cells)).to(predicted.device) for side, cells in zip(there, size, strict=True)
        )
        return predicted[rows][:, columns].to(torch.uint8)


def smaller(one: tuple[int, ...], other: tuple[int, int]) -> bool:
    """Whether a map has fewer cells than another along one of its sides."""
    return one[0] < other[0] or one[1] < other[1]
