"""Panels from numbers that can be checked by hand; tests/api/routes/test_panels.py has those of whole searches."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from nas.panels.calibration import calibration_panels
from nas.panels.heads import heads_panels
from nas.panels.ranking import ranking_panels
from nas.panels.snapshots import snapshot_panels
from nas.ranking.calibration import CalibratedProxy, Calibration
from nas.ranking.candidates import Candidate
from nas.ranking.pairs import FullScore, JoinedPair
from nas.ranking.reference_table import Difference, ReferenceRow
from nas.ranking.report import Ranking, rank
from nas.ranking.search_ranking import SearchRanking
from nas.results.snapshot import Snapshot
from nas.schemas.panels import Panel
from nas.specs import TrainingFreeProxy
from search_spaces import AutoDeepLab
from search_spaces.auto_deeplab.space import sample_cell, sample_path
from tests.builders import trial_record

PAIRS = [(0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5), (0.5, 0.7), (0.6, 0.6)]


def sent(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    return [panel.model_dump() for panel in panels]


def snapshot(epoch: int, miou: float, **changes: object) -> Snapshot:
    draws = random.Random(epoch)
    network = AutoDeepLab(blocks=sample_cell(1, draws), path=sample_path(3, draws, levels=2))
    fields: dict[str, object] = {
        "epoch": epoch,
        "step": epoch,
        "architecture": network,
        "path": network.path,
        "alpha": ((1.0,),),
        "beta": ((1.0,),),
        "alpha_entropy": 0.75,
        "beta_entropy": 0.5,
        "supernet_miou": miou,
        "train_loss": 1.0,
        "architecture_loss": None,
        "device_seconds": 30.0 * epoch,
        "finished": False,
    }
    return Snapshot.model_validate(fields | changes)


def test_without_scores_the_best_run_is_that_of_the_best_supernet():
    runs = {0: [snapshot(1, 0.9), snapshot(2, 0.3)], 3: [snapshot(1, 0.2), snapshot(2, 0.4, stopped_by="skips")]}
    row, drawing, cell = sent(snapshot_panels("s0", runs, {}))
    supernets, entropies = row["panels"]
    assert [(line["text"], line["mark"], line["points"]) for line in supernets["lines"]] == [
        ("run 0", "completed", ((1, 0.9), (2, 0.3))),
        ("run 3", "best", ((1, 0.2), (2, 0.4))),
    ]
    assert [(line["text"], line["mark"], line["points"][0]) for line in entropies["lines"]] == [
        ("alpha, run 0", "completed", (1, 0.75)),
        ("beta, run 0", "running", (1, 0.5)),
        ("alpha, run 3", "best", (1, 0.75)),
        ("beta, run 3", "running", (1, 0.5)),
    ]
    assert drawing["title"] == "Decoded network, run 3, epoch 2: supernet 0.4000, 60 s, stopped by skips"
    assert drawing["path"] == "/v1/searches/s0/snapshots/3/2/drawing"
    assert len(cell["lines"]) == 1


def test_heads_without_numbers_and_with():
    nothing = ReferenceRow("1x1", "a", None, None, None, {}, {0: "the loss is NaN"}, None, None, None)
    against = Difference("trunk", 0.0125, 0.002, 2)
    full = ReferenceRow("trunk + GCU (V=8)", "b", 1234567, 98765432, 3.0, {0: 0.5, 1: 0.6}, {}, 0.55, 0.07, against)
    (table,) = sent(heads_panels([nothing, full]))
    assert table["rows"] == (
        ("1x1", "", "", "", "", "0", ""),
        ("trunk + GCU (V=8)", "1,234,567", "98.8 M", "0.5500", "0.0700", "2", "+0.0125 ± 0.0020"),
    )


def test_a_ranking_without_an_answer_says_why():
    few = rank(PAIRS[:2], device_seconds=4.0)
    candidate = Candidate((7, 9), trial_record(7, architecture_key="a"), 100, 0.25, 4.0)
    pair = JoinedPair(candidate, FullScore((0,), (0.5,), 80.0), 1.0, 1.0)
    found = SearchRanking(few, (pair,), 2, {100: rank(PAIRS[:2])}, {}, 80.0, ("Compare with care.",))
    row, notes = sent(ranking_panels(found))
    scatter, table = row["panels"]
    (point,) = scatter["points"]
    assert (point["x"], point["y"], point["mark"]) == (0.25, 0.5, "best")
    assert point["text"] == "trial 7: 0.2500, at full scale 0.5000"
    assert table["rows"] == (("the search's order", "", "", "2", "4.0 s"), ("score at 100", "", "", "2", ""))
    assert notes["lines"] == ("2 architectures have both scores; a correlation needs at least 4", "Compare with care.")


def test_a_ranking_with_an_answer():
    ranking = rank(PAIRS)
    free: Mapping[TrainingFreeProxy, Ranking] = {"multiply_adds": rank(PAIRS, device_seconds=0.0123)}
    (row,) = sent(ranking_panels(SearchRanking(ranking, (), 6, {}, free, None, ())))
    # Squared rank differences sum up to 2: rho = 1 - 6 * 2 / 210.
    assert row["panels"][1]["rows"][1][:2] == ("multiply adds", "0.94")
    assert row["panels"][1]["rows"][1][3:] == ("6", "12 ms")


def test_a_calibration():
    proxies = (
        CalibratedProxy("long", False, rank(PAIRS, "all", 40.0), 0.1, True),
        CalibratedProxy("snip", True, rank((), "all"), None),
    )
    table, verdict = sent(calibration_panels(Calibration(proxies, 6, 400.0, "long", "It orders well.")))
    assert [column["text"] for column in table["columns"]] == [
        "Proxy",
        "rho",
        "95 %",
        "n",
        "Cost",
        "Of full scale",
        "Pareto",
    ]
    assert (table["rows"][0][0], table["rows"][0][1], table["rows"][0][3:]) == (
        "long",
        "0.94",
        ("6", "40 s", "10.0%", "yes"),
    )
    assert table["rows"][1] == ("snip", "", "", "0", "", "", "")
    assert verdict["lines"] == ("It orders well.",)
