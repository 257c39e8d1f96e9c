"""A field has one name from the table to the answer: what is missing in between is written here, nothing else is."""

from __future__ import annotations

from dataclasses import fields

import pytest
from pydantic import BaseModel

from nas.results.measurement import Measurement
from nas.results.snapshot import Snapshot
from nas.schemas.searches import CostPublic, SearchPublic, StagePublic
from nas.schemas.snapshots import SnapshotPublic
from nas.schemas.trials import MeasurementPublic, TrialPublic
from nas.store.figures import SearchCost
from nas.store.records import SearchRecord, SnapshotRecord, Stage, TrialRecord
from nas.store.tables import Base, MeasurementRow, SearchRow, SnapshotRow, TrialRow
from nas.store.trials import MEASURED


def columns(table: type[Base]) -> set[str]:
    return set(table.__table__.c.keys())


def of_record(record: type) -> set[str]:
    return {field.name for field in fields(record)}


def of_model(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


@pytest.mark.parametrize(
    ("inner", "outer", "lost", "added"),
    [
        # The architecture lies in a table of its own.
        pytest.param(
            columns(TrialRow),
            of_record(TrialRecord),
            {"search_id", "sequence"},
            {"architecture_json", "held_iteration", "held_score"},
            id="row, record: trial",
        ),
        pytest.param(
            of_record(TrialRecord),
            of_model(TrialPublic),
            {
                "architecture_json",
                "unjudged_iteration",
                "unjudged_score",
                "held_iteration",
                "held_score",
            },  # in `standing`
            # `scores` are asked for separately; texts, standing, place and duration follow from the record.
            {"architecture", "text", "short_text", "standing", "duration", "scores", "latency_text", "placed"},
            id="record, answer: trial",
        ),
        # Who looks after a search, and which of two is newer, is asked in SQL only; `kind` is the spec's.
        pytest.param(
            columns(SearchRow),
            of_record(SearchRecord),
            {"parent_id", "lease_owner", "lease_beat", "progress_mark", "reached", "kind", "place"},
            {"parent"},
            id="row, record: search",
        ),
        pytest.param(
            of_record(SearchRecord),
            of_model(SearchPublic),
            {"software", "idempotency_key", "request_key", "hold_seconds", "setbacks", "origins"},
            {"kind", "name", "method", "dataset", "planned", "trials", "best", "exportable", "cost", "dashboard"}
            | {"actions", "extendable", "objectives", "next_command", "page", "confirmation", "leaderboard_first"},
            id="record, answer: search",
        ),
        pytest.param(of_record(Stage), of_model(StagePublic), set(), set(), id="record, answer: stage"),
        pytest.param(of_record(SearchCost), of_model(CostPublic), set(), {"duration"}, id="record, answer: cost"),
        pytest.param(
            columns(MeasurementRow),
            of_model(Measurement),
            {"search_id", "number", "attempt", "created_at", "environment_key"},
            {"environment"},  # it lies in a table of its own
            id="row, record: measurement",
        ),
        pytest.param(
            of_model(Measurement),
            of_model(MeasurementPublic),
            {"parameters", "multiply_adds", "latency"},  # the same at every rung: the trial has them
            set(),
            id="record, answer: measurement",
        ),
        pytest.param(
            columns(SnapshotRow),
            of_record(SnapshotRecord),
            {"search_id", "epoch", "payload"},
            {"snapshot"},
            id="row, record: snapshot",
        ),
        pytest.param(
            of_model(Snapshot),
            of_model(SnapshotPublic),
            {"alpha", "beta"},
            {"run", "architecture_key", "text", "trial", "score", "created_at"},
            id="record, answer: snapshot",
        ),
    ],
)
def test_names_stay_the_same(inner: set[str], outer: set[str], lost: set[str], added: set[str]):
    assert inner - outer == lost
    assert outer - inner == added


def test_what_a_trial_has_from_its_deepest_measurement():
    assert set(MEASURED) == {
        "score",
        "iteration",
        "seconds",
        "device_seconds",
        "parameters",
        "multiply_adds",
        "latency",
    }
