"""Panels from numbers that can be checked by hand; tests/api/routes/test_panels.py has those of whole searches."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from nas.panels.calibration import calibration_panels
from nas.panels.heads import heads_panels
from nas.panels.ranking import ranking_panels
from nas.panels.snapshots import snapshot_panels, stride_shares
from nas.published import published
from nas.ranking.calibration import CalibratedProxy, Calibration
from nas.ranking.candidates import Candidate
from nas.ranking.outliers import outliers
from nas.ranking.pairs import FullScore, JoinedPair
from nas.ranking.reference_table import Difference, ReferenceRow
from nas.ranking.report import Ranking, rank
from nas.ranking.search_ranking import SearchRanking
from nas.results.snapshot import Snapshot
from nas.schemas.panels import SERIES, Panel
from nas.specs import SupernetSpec, TrainingFreeProxy
from search_spaces import AutoDeepLab
from search_spaces.auto_deeplab.space import sample_cell, sample_path
from search_spaces.auto_deeplab.trellis import Trellis
from tests.builders import trial_record, uniform_beta

SUPERNET = SupernetSpec(layers=3, levels=2, blocks=1)
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
        "alpha": ((0.1,) * 6 + (0.4, 0.0), (0.3,) + (0.1,) * 7),
        "beta": uniform_beta(3, 2),
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
    row, shares, drawing, cell = sent(snapshot_panels("s0", SUPERNET, runs, {}))
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
    assert [panel["title"] for panel in shares["panels"]] == [
        "Alpha of run 3: mean over the edges of the cell",
        "Beta of run 3: share of layers at each stride",
    ]
    assert drawing["title"] == "Decoded network, run 3, epoch 2: supernet 0.4000, 60 s, stopped by skips"
    assert drawing["path"] == "/v1/searches/s0/snapshots/3/2/drawing"
    assert len(cell["lines"]) == 1


def test_alpha_and_beta_over_epochs():
    first, last = snapshot(1, 0.2), snapshot(2, 0.3, alpha=((1.0,) + (0.0,) * 7,) * 2)
    row = sent(snapshot_panels("s0", SUPERNET, {0: [first, last]}, {}))[1]
    alpha, beta = row["panels"]
    assert [line["text"] for line in alpha["lines"]][:2] == ["sep 3x3", "sep 5x5"]
    assert alpha["lines"][0]["points"] == ((1, pytest.approx(0.2)), (2, 1.0))
    assert alpha["lines"][6]["points"] == ((1, pytest.approx(0.25)), (2, 0.0))
    assert [line["mark"] for line in alpha["lines"]] == list(SERIES)
    # With two levels every node halves its path: all layers are at either stride with probability 1/2.
    assert [(line["text"], line["points"][0]) for line in beta["lines"]] == [
        ("stride 4", (1, pytest.approx(0.5))),
        ("stride 8", (1, pytest.approx(0.5))),
    ]


def test_the_share_of_layers_at_each_stride_by_hand():
    trellis = Trellis(2, 4)
    # From stride 4 always down, and from stride 8 always on to stride 16: layer 0 at stride 8, layer 1 at stride 16.
    beta = [[0.0, 1.0], [0.5, 0.5], [0.0, 0.0, 1.0]]
    assert stride_shares(trellis, beta) == [0.0, 0.5, 0.5, 0.0]
    # Undecided: layer 0 is at strides 4 and 8 alike; layer 1 at 4 with 1/4 + 1/6, at 8 with 1/4 + 1/6, at 16 with 1/6.
    shares = stride_shares(trellis, uniform_beta(2))
    assert shares == pytest.approx([(1 / 2 + 5 / 12) / 2, (1 / 2 + 5 / 12) / 2, 1 / 12, 0.0])


def test_heads_without_numbers_and_with():
    nothing = ReferenceRow("1x1", "a", None, None, None, {}, {0: "the loss is NaN"}, None, None, None)
    against = Difference("trunk", 0.0125, 0.002, 2)
    full = ReferenceRow("trunk + GCU (V=8)", "b", 1234567, 98765432, 3.0, {0: 0.5, 1: 0.6}, {}, 0.55, 0.07, against)
    row, table = sent(heads_panels([nothing, full]))
    assert table["rows"] == (
        ("1x1", "", "", "", "", "0", ""),
        ("trunk + GCU (V=8)", "1,234,567", "98.8 M", "0.5500", "0.0700", "2", "+0.0125 ± 0.0020"),
    )
    scores, differences = row["panels"]
    (head,) = scores["rows"]
    assert (head["value"], head["low"], head["high"], head["points"]) == (
        0.55,
        pytest.approx(0.48),
        pytest.approx(0.62),
        (0.5, 0.6),
    )
    assert (head["mark"], head["value_text"]) == ("best", "0.5500 ± 0.0700")
    (difference,) = differences["rows"]
    assert (difference["low"], difference["high"]) == (pytest.approx(0.0105), pytest.approx(0.0145))
    assert (difference["value_text"], differences["zero"]) == ("+0.0125 ± 0.0020", True)


def test_heads_before_any_score_are_a_table_alone():
    nothing = ReferenceRow("1x1", "a", None, None, None, {}, {}, None, None, None)
    assert [panel["type"] for panel in sent(heads_panels([nothing]))] == ["table"]


def test_a_published_score_stands_beside_ones_own():
    row = ReferenceRow("linear", "a", 1, 1, 1.0, {0: 0.4}, {}, 0.4, None, None)
    (paper,) = [one for one in published("ade20k") if one.alike is not None and one.miou == 44.3]
    *_, table, remark = sent(heads_panels([row], {"a": [paper], "b": [paper]}))
    assert table["title"] == "Published in the same setting"
    ((head, theirs, ours, source),) = table["rows"]
    assert (head, theirs, ours) == ("linear", "44.30 %", "40.00 %")
    assert source.startswith("TMLR 2024, https://arxiv.org/abs/2304.07193; ")
    assert "Papers train longer" in remark["lines"][0]


def test_heads_are_sorted_by_their_means_and_one_seed_has_no_interval():
    rows = [
        ReferenceRow(name, name, 1, 1, 1.0, {0: mean}, {}, mean, None, Difference("trunk", mean - 0.5, None, 1))
        for name, mean in (("worse", 0.4), ("better", 0.6))
    ]
    scores, differences = sent(heads_panels(rows))[0]["panels"]
    assert [(row["text"], row["mark"], row["low"]) for row in scores["rows"]] == [
        ("better", "best", None),
        ("worse", "completed", None),
    ]
    assert [row["value_text"] for row in differences["rows"]] == ["+0.1000", "-0.1000"]


def pair(trial: int, proxy: float, full: tuple[float, ...], ranks: tuple[float, float]) -> JoinedPair:
    candidate = Candidate((trial,), trial_record(trial, architecture_key=f"a{trial}"), 100, proxy, 4.0)
    return JoinedPair(candidate, FullScore(tuple(range(len(full))), full, 80.0), *ranks)


def test_a_ranking_without_an_answer_says_why():
    few = rank(PAIRS[:2], device_seconds=4.0)
    found = SearchRanking(
        few, (pair(7, 0.25, (0.5,), (1.0, 1.0)),), 2, {100: rank(PAIRS[:2])}, {}, 80.0, ("Compare with care.",)
    )
    text, row, notes = sent(ranking_panels(found))
    scatter, table = row["panels"]
    (point,) = scatter["points"]
    assert (point["x"], point["y"], point["mark"], point["low"]) == (0.25, 0.5, "best", None)
    assert point["text"] == "trial 7: 0.2500, at full scale 0.5000"
    assert table["rows"] == (("the search's order", "", "", "2", "4.0 s"), ("score at 100", "", "", "2", ""))
    assert text["lines"] == (
        "There is no correlation to report: 2 architectures have both scores; a correlation needs at least 4.",
    )
    assert notes["lines"] == ("Compare with care.",)


def test_outliers_are_named_and_seeds_are_an_interval():
    ranks = [(1.0, 1.0), (5.0, 2.0), (2.0, 3.0), (3.0, 4.0), (4.0, 5.0)]
    pairs = tuple(pair(n, 0.5 - n / 100, (0.6 - n / 50, 0.62 - n / 50), ranks[n]) for n in range(5))
    scores = [(one.candidate.score, one.full.score) for one in pairs]
    found = SearchRanking(rank(scores), pairs, 5, {100: rank(scores), 200: rank(scores)}, {}, 80.0, ())
    text, row, table, worst = sent(ranking_panels(found))
    scatter, by_rung = row["panels"]
    first, outlier, other = scatter["points"][:3]
    assert (first["mark"], first["label"]) == ("best", "#0")
    assert (outlier["mark"], outlier["label"], other["label"]) == ("failed", "#1", None)
    # Two seeds 0.02 apart have a standard deviation of 0.02 / sqrt(2).
    assert (first["y"], first["high"] - first["y"]) == (pytest.approx(0.61), pytest.approx(0.02 / 2**0.5))
    assert "± 0.0141 over 2 seeds" in first["text"]
    assert worst["rows"] == (("#1", "0.4900", "5", "0.5900", "2", "1x1"),)
    assert [(point["x"], point["low"] < point["y"] <= point["high"]) for point in by_rung["points"]] == [
        (100, True),
        (200, True),
    ]
    assert by_rung["lines"][0]["points"] == ((100, 0.0), (200, 0.0))
    assert table["type"] == "table"
    assert text["lines"][0].startswith("Spearman's rho is 1.00, with a 95 % interval from ")
    assert text["lines"][1].startswith("Taking the search's best loses nothing")


def test_an_outlier_is_at_least_two_ranks_and_a_quarter_of_the_pairs_away():
    assert outliers([(1, 2), (2, 1)]) == []
    assert outliers([(1, 3), (2, 1), (3, 2)]) == [0]
    far = [(float(n), float(n)) for n in range(1, 13)]
    assert outliers([*far[:-1], (12.0, 10.0)]) == []
    assert outliers([*far[:-1], (12.0, 9.0)]) == [11]
    assert outliers([(1.0, 20.0), (2.0, 21.0), (3.0, 25.0), (4.0, 24.0), (5.0, 23.0)]) == [2, 3, 0, 1]


def test_a_ranking_with_an_answer():
    ranking = rank(PAIRS)
    free: Mapping[TrainingFreeProxy, Ranking] = {"multiply_adds": rank(PAIRS, device_seconds=0.0123)}
    text, row = sent(ranking_panels(SearchRanking(ranking, (), 6, {}, free, None, ())))
    assert text["lines"][0].startswith("Spearman's rho is 0.94")
    # Squared rank differences sum up to 2: rho = 1 - 6 * 2 / 210.
    assert row["panels"][1]["rows"][1][:2] == ("multiply adds", "0.94")
    assert row["panels"][1]["rows"][1][3:] == ("6", "12 ms")


def test_a_calibration():
    proxies = (
        CalibratedProxy("long", False, rank(PAIRS, "all", 40.0), 0.1, True),
        CalibratedProxy("snip", True, rank((), "all"), None),
    )
    verdict, chart, table = sent(calibration_panels(Calibration(proxies, 6, 400.0, "long", "It orders well."), 0.5))
    (point,) = chart["points"]
    assert (point["x"], point["y"], point["label"], point["mark"]) == (
        40.0,
        pytest.approx(0.9429, abs=1e-4),
        "long",
        "best",
    )
    assert point["low"] < point["y"] < point["high"]
    assert (chart["x_log"], chart["x_text"]) == (True, "device-seconds for one architecture; full scale: 6.7 min")
    assert [(line["text"], line["points"]) for line in chart["lines"]] == [
        ("no order", ((40.0, 0.0), (400.0, 0.0))),
        ("0.5 asked for", ((40.0, 0.5), (400.0, 0.5))),
        ("Pareto front", ((40.0, point["y"]),)),
    ]
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
