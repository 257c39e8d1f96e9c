"""The same key is the same measurement: whoever measures, however the architecture is written, to the last bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from nas.results.measurement import Measurement
from nas.results.proposal import Proposal
from nas.results.software import SCORES_REVISION, deciding_versions, software_versions
from nas.specs import NetworkSpec
from nas.store.trials import new_trial
from nas.training.environment import environment_of
from nas.training.evaluate import evaluate
from nas.training.prepare import prepare
from nas.training.replay import replay
from nas.training.retrain import retrain
from search_spaces import Provenance, Score, read_architecture, write_document
from search_spaces.auto_deeplab.architecture import AutoDeepLab, Block, Edge
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.document import Architecture, architecture_to_dict, canonical
from search_spaces.reference.architecture import ReferenceHead

SMALL = NetworkSpec(filters=2, stem_channels=4, aspp_channels=8, low_level_channels=4, decoder_channels=8, dropout=0.1)


def swapped() -> AutoDeepLab:
    """A network whose blocks and edges are in another than the canonical order."""
    first = Block(edges=(Edge(input=1, operator="sep_3x3"), Edge(input=0, operator="max_pool_3x3")))
    second = Block(edges=(Edge(input=1, operator="skip"), Edge(input=0, operator="sep_3x3")))
    return AutoDeepLab(blocks=(first, second), path=(0, 1))


def measure(architecture: Architecture, fidelity, workspace, **options: Any) -> list[Measurement]:
    return list(evaluate(architecture, fidelity, 3, workspace=workspace, device="cpu", **options))


def scores(measurements: list[Measurement]) -> list[tuple[float, ...]]:
    return [(point.score, point.train_loss, point.val_loss) for point in measurements]


@pytest.mark.parametrize(
    "architecture", [PUBLISHED_CELL, swapped(), ReferenceHead(name="aspp"), ReferenceHead(name="trunk", width=8)]
)
def test_the_services_way_and_the_trainers_way_score_the_same(architecture, fidelity, workspace):
    """The service measures what its record of the trial holds; the trainer reads a document as somebody wrote it."""
    short = fidelity.model_copy(update={"rungs": (6,), "network": SMALL})
    recorded = new_trial(Proposal(0, architecture, short, 3), now=0.0)
    document = read_architecture(write_document(architecture))
    if not isinstance(architecture, ReferenceHead):
        assert architecture_to_dict(document.architecture) != recorded.architecture_json
    assert document.architecture.key == recorded.architecture_key
    by_service = measure(recorded.architecture, short, workspace)
    by_trainer = measure(document.architecture, short, workspace)
    assert scores(by_service) == scores(by_trainer)
    assert by_service[0].environment == by_trainer[0].environment


def test_a_measurement_names_its_environment(fidelity, workspace):
    short = fidelity.model_copy(update={"rungs": (3,)})
    (one,) = measure(ReferenceHead(name="conv1x1"), short, workspace, threads=1)
    (two,) = measure(ReferenceHead(name="conv1x1"), short, workspace, threads=2)
    assert one.environment is not None
    assert two.environment is not None
    assert (one.environment.device, one.environment.threads, one.environment.processes) == ("cpu", 1, 1)
    assert two.environment == one.environment.model_copy(update={"threads": 2})
    assert one.environment.key != two.environment.key
    assert one.environment.software == deciding_versions()


def test_the_inputs_are_the_data_and_the_features(fidelity, workspace):
    def inputs(**changes: object) -> str:
        prepared = prepare(fidelity.model_copy(update=changes), workspace, device="cpu")
        return environment_of(prepared, torch.device("cpu")).inputs

    assert inputs() == inputs(batch=2)
    assert len({inputs(), inputs(resize=0.5), inputs(crop=(64, 64)), inputs(precision="bfloat16")}) == 4


def test_what_decides_scores_is_part_of_the_software():
    deciding = deciding_versions()
    assert deciding["segnas scores"] == str(SCORES_REVISION)
    assert deciding["torch"] == software_versions()["torch"]
    assert "ray" not in deciding


def test_a_training_that_goes_on_in_another_environment_is_of_neither(fidelity, workspace, tmp_path):
    path, cell = tmp_path / "checkpoint.pt", ReferenceHead(name="conv1x1")
    begun = evaluate(cell, fidelity, 3, workspace=workspace, device="cpu", checkpoint=path, threads=1)
    first = next(begun)
    begun.close()  # type: ignore[attr-defined]  # the process dies here
    again = measure(cell, fidelity, workspace, checkpoint=path, threads=2)
    assert again[0] == first
    assert first.environment is not None
    assert again[1].environment is None


@pytest.fixture
def document(fidelity, workspace):
    """A document as the service exports it: canonical, with provenance."""
    curve = measure(PUBLISHED_CELL, fidelity, workspace, threads=1)
    provenance = Provenance(
        seed=3,
        fidelity=fidelity.model_dump(mode="json"),
        scores=tuple(Score(iteration=point.iteration, score=point.score) for point in curve),
        environment=curve[-1].environment,
    )
    return read_architecture(write_document(canonical(PUBLISHED_CELL), provenance))


def test_a_replay_is_equal_to_the_last_bit(document, fidelity, workspace):
    replayed = list(replay(document, fidelity, workspace))
    assert [(again.equal, again.differences) for again in replayed] == [(True, ())] * 2
    assert [again.recorded for again in replayed] == [score.score for score in document.provenance.scores]


def test_rungs_that_a_trial_never_reached_are_not_replayed(document, fidelity, workspace):
    first, _ = document.provenance.scores
    early = document.provenance.model_copy(update={"scores": (first,)})
    (again,) = replay(document.model_copy(update={"provenance": early}), fidelity, workspace)
    assert (again.recorded, again.equal) == (first.score, True)


def test_a_replay_elsewhere_says_what_differs(document, fidelity, workspace):
    recorded = document.provenance.environment
    old = recorded.model_copy(update={"software": {**recorded.software, "torch": "1.0"}, "model": "another"})
    provenance = document.provenance.model_copy(update={"environment": old})
    elsewhere = document.model_copy(update={"provenance": provenance})
    again = next(iter(replay(elsewhere, fidelity, workspace)))
    assert again.differences == (
        f"model was another, here it is {recorded.model}",
        f"torch was 1.0, here it is {recorded.software['torch']}",
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed": None}, r"provenance\.seed is missing"),
        ({"environment": None}, r"provenance\.environment is missing"),
        ({"scores": ()}, r"provenance\.scores is missing"),
    ],
)
def test_what_cannot_be_replayed_is_said(document, fidelity, workspace, changes, says):
    provenance = document.provenance.model_copy(update=changes)
    with pytest.raises(ValueError, match=says):
        next(iter(replay(document.model_copy(update={"provenance": provenance}), fidelity, workspace)))


def test_a_measurement_of_several_processes_is_not_replayed_by_one(document, fidelity, workspace):
    several = document.provenance.environment.model_copy(update={"processes": 2})
    provenance = document.provenance.model_copy(update={"environment": several})
    with pytest.raises(ValueError, match=r"resources\.workers 2"):
        next(iter(replay(document.model_copy(update={"provenance": provenance}), fidelity, workspace)))


def test_a_retrained_document_is_canonical_and_can_be_replayed(fidelity, workspace, tmp_path):
    short = fidelity.model_copy(update={"rungs": (5,)})
    written = read_architecture(write_document(PUBLISHED_CELL))
    (measured,) = retrain(written, short, workspace, tmp_path, seed=3, device="cpu", threads=1)
    left = read_architecture(tmp_path / "architecture.json")
    assert architecture_to_dict(left.architecture) == architecture_to_dict(PUBLISHED_CELL.canonical())
    assert left.provenance.environment == measured.environment
    (again,) = replay(left, short, workspace)
    assert again.equal
