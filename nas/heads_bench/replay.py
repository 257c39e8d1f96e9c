"""Measurements of a table as the trials of a simulated search."""

from __future__ import annotations

import random

from nas.heads_bench.table import HeadsTable
from nas.results.measurement import Measurement
from nas.specs import DenseCellSpace, Fidelity
from nas.strategies.listed import ListedSpace
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.document import Architecture


class Replay:
    """Gives a trial the measurements that the table has of its head.

    A training has one of the table's seeds. A simulated trial is given one of them, drawn by the search's seed and the
    head: so searches with different seeds meet different noise, and equal searches the same.

    Args:
        table: The table.
        dataset: Name of one of its data sets.

    Raises:
        ValueError: The table does not have the data set.
    """

    def __init__(self, table: HeadsTable, dataset: str) -> None:
        self._table = table
        self._setting = table.setting(dataset)
        self.fidelity = self._setting.read_fidelity()

    @property
    def table_hash(self) -> str:
        """Content hash of the table."""
        return self._table.hash

    def space(self, spec: DenseCellSpace) -> ListedSpace:
        """Return the table's cells in a space of dense cells, among which a strategy searches.

        Raises:
            ValueError: The table has no cells of the space, or the space has a limit.
        """
        heads = (head.architecture for head in self._table.heads)
        return ListedSpace.of(spec, (head for head in heads if isinstance(head, DenseCell)))

    def curve(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> tuple[Measurement, ...]:
        """Return the measurements of a trial, rung after rung.

        Args:
            architecture: A head of the table.
            fidelity: The table's fidelity on the data set.
            seed: Of the search.

        Raises:
            ValueError: The fidelity is another one, or the head is not in the table.
        """
        dataset = self._setting.dataset
        if fidelity != self.fidelity:
            raise ValueError(
                f"the table's trials on {dataset} were measured at another fidelity than the search asks for; "
                f"search at table.setting({dataset!r}).read_fidelity()"
            )
        key = architecture.key
        recorded = random.Random(f"{seed}/{key}").choice(self._setting.seeds)  # noqa: S311  a simulation, not a secret
        return tuple(self._measurement(key, recorded, rung) for rung in self._setting.rungs)

    def _measurement(self, key: str, seed: int, rung: int) -> Measurement:
        found = self._table.query(key, self._setting.dataset, seed, rung)
        return Measurement(
            iteration=rung,
            score=found.score,
            class_iou=found.class_iou,
            train_loss=0.0,
            val_loss=0.0,
            seconds=found.seconds,
            device_seconds=found.seconds,
            parameters=found.parameters,
            multiply_adds=found.multiply_adds,
        )
