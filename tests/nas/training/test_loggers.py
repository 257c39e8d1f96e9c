"""Loggers of a real training: TensorBoard's files and MLflow's database are read back."""

import pickle
import sys

import pytest

from nas.results.measurement import Measurement
from nas.training.callbacks import Callback, Callbacks
from nas.training.loggers import MLflowLogger, TensorBoardLogger, open_logger, scalars

DESCRIPTION = {
    "key": "abc",
    "step": 0,
    "class_names": ["road", "sky"],
    "seed": 3,
    "fidelity": {"optimizer": {"name": "sgd"}},
}


def measurement(iteration, score):
    return Measurement(
        iteration=iteration,
        score=score,
        class_iou=(score, None),
        train_loss=1.0,
        val_loss=2.0,
        seconds=1.0,
        device_seconds=1.0,
    )


def log(logger: Callback, step: int, score: float, end: str) -> None:
    """A training of one step and one rung, from `step` on."""
    logger.on_start({**DESCRIPTION, "step": step})
    logger.on_step(step + 1, {"train_loss": 0.5 / (step + 1), "learning_rate": 0.01})
    logger.on_measurement(measurement(step + 1, score))
    logger.on_end({"status": end})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_has_the_curves_of_both_parts_of_an_interrupted_training(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log(TensorBoardLogger(tmp_path), 0, 0.25, "interrupted")
    log(TensorBoardLogger(tmp_path), 1, 0.75, "finished")
    events = EventAccumulator(str(tmp_path)).Reload()
    curves = {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}
    assert curves == {
        "training/train_loss": [(1, 0.5), (2, 0.25)],
        "training/learning_rate": [(1, pytest.approx(0.01)), (2, pytest.approx(0.01))],
        "validation/miou": [(1, 0.25), (2, 0.75)],
        "validation/loss": [(1, 2.0), (2, 2.0)],
        "validation/iou/road": [(1, 0.25), (2, 0.75)],
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_mlflow_has_one_run_of_a_training_that_was_interrupted(tmp_path, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a new database takes MLflow ten seconds
    uri = (tmp_path / "runs").as_uri()
    log(MLflowLogger(uri), 0, 0.25, "interrupted")
    log(MLflowLogger(uri), 1, 0.75, "finished")
    client = MlflowClient(tracking_uri=uri)
    [run] = client.search_runs([client.get_experiment_by_name("segnas").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params == {"class_names": "['road', 'sky']", "seed": "3", "fidelity.optimizer.name": "sgd"}
    history = [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "validation/miou")]
    assert history == [(1, 0.25), (2, 0.75)]
    log(MLflowLogger(uri), 0, 0.5, "failed")
    statuses = [each.info.status for each in client.search_runs([run.info.experiment_id])]
    assert sorted(statuses) == ["FAILED", "FINISHED"]


def test_the_numbers_of_a_measurement():
    assert dict(scalars(measurement(5, 0.5), ("road", "sky"))) == {
        "validation/miou": 0.5,
        "validation/loss": 2.0,
        "validation/iou/road": 0.5,
    }


class Broken:
    calls = 0

    def on_start(self, description):
        self.calls += 1

    def on_step(self, step, values):
        self.calls += 1
        raise ConnectionError("no server\nat this address")

    def on_measurement(self, measurement):
        self.calls += 1

    def on_end(self, result):
        self.calls += 1


class Recording(Broken):
    def on_step(self, step, values):
        self.calls += 1


def test_a_callback_that_fails_costs_one_sentence_and_the_others_go_on(caplog):
    broken, recording = Broken(), Recording()
    callbacks = Callbacks([broken, recording])
    callbacks.on_start(DESCRIPTION)
    for step in range(3):
        callbacks.on_step(step, {})
    callbacks.on_measurement(measurement(3, 0.5))
    callbacks.on_end({"status": "finished"})
    assert (broken.calls, recording.calls) == (2, 6)
    assert caplog.messages == ["Broken failed and logs no more; the training continues: no server at this address"]


def test_a_logger_by_its_text(tmp_path, monkeypatch):
    assert isinstance(open_logger(f"tensorboard:{tmp_path}"), TensorBoardLogger)
    assert isinstance(open_logger("mlflow:http://localhost:5000"), MLflowLogger)
    (tmp_path / "my_logger.py").write_text("from typing import Any\n" + USERS)
    monkeypatch.syspath_prepend(tmp_path)
    made = open_logger("my_logger:Mine")
    assert type(made).__name__ == "Mine"
    sys.modules.pop("my_logger")


USERS = """
class Mine:
    def on_start(self, description: Any) -> None: ...
    def on_step(self, step: int, values: Any) -> None: ...
    def on_measurement(self, measurement: Any) -> None: ...
    def on_end(self, result: Any) -> None: ...
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tensorboard", "a logger is tensorboard:DIR, mlflow:URI or module:Class, not 'tensorboard'"),
        ("nowhere:Mine", "cannot be made: No module named 'nowhere'"),
        ("json:Mine", "cannot be made: module 'json' has no attribute 'Mine'"),
        ("json:JSONDecoder", "lacks one of on_start, on_step, on_measurement and on_end"),
    ],
)
def test_a_text_that_names_no_logger(text, says):
    with pytest.raises(ValueError, match=says):
        open_logger(text)


@pytest.mark.parametrize(("logger", "package"), [("tensorboard:x", "tensorboard"), ("mlflow:x", "mlflow-skinny")])
def test_a_missing_package_is_named(monkeypatch, logger, package):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=f"needs {package}: pip install 'segnas\\[loggers\\]'"):
        open_logger(logger)


def test_loggers_can_be_sent_to_another_process(tmp_path):
    for logger in (TensorBoardLogger(tmp_path), MLflowLogger("sqlite:///x")):
        assert type(pickle.loads(pickle.dumps(logger))) is type(logger)
