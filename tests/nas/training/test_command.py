"""`python -m nas.training`, called in this process."""

import json
from pathlib import Path

import pytest
import yaml

from nas.data.entry import DatasetEntry
from nas.training.__main__ import _dataset, main, read_fidelity
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.document import write_document


@pytest.fixture
def arguments(tmp_path, tiny_root, workspace, fidelity):
    cell, asked = tmp_path / "cell.json", tmp_path / "fidelity.json"
    cell.write_text(json.dumps(write_document(PUBLISHED_CELL)))
    asked.write_text(fidelity.model_copy(update={"rungs": (2, 4)}).model_dump_json())
    places = ["--dataset", f"any=cityscapes:{tiny_root}", "--cache", str(workspace.cache), "--device", "cpu"]
    return [str(cell), "--fidelity", str(asked), *places]


def test_evaluate_prints_a_measurement_a_rung(arguments, capsys):
    assert main(["evaluate", *arguments, "--seed", "1", "--threads", "1"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["iteration"] for line in lines] == [2, 4]
    assert all(0 <= line["score"] <= 1 for line in lines)


def test_evaluate_with_a_checkpoint(arguments, tmp_path, capsys):
    assert main(["evaluate", *arguments, "--checkpoint", str(tmp_path / "trial.pt")]) == 0
    first = capsys.readouterr().out
    assert main(["evaluate", *arguments, "--checkpoint", str(tmp_path / "trial.pt")]) == 0
    assert capsys.readouterr().out == first


def test_retrain_leaves_its_files(arguments, tmp_path, capsys):
    assert main(["retrain", *arguments, "--output", str(tmp_path / "out")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_retrain_scores_entire_images_and_logs(arguments, tmp_path, capsys):
    options = ["--evaluate", "sliding", "--scales", "0.5,1", "--flip", "--log", f"tensorboard:{tmp_path / 'curves'}"]
    assert main(["retrain", *arguments, "--output", str(tmp_path / "out"), *options]) == 0
    assert "entire images: 5 / 5" in capsys.readouterr().err
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["measured_on"] == "5 validation images, middle crop of 64x128"
    assert metrics["full_images"]["measured_on"].endswith("scales 0.5, 1; with mirror images")
    assert metrics["score"] == metrics["rungs"][-1]["score"]
    assert 0 < metrics["full_images"]["score"] < 1
    assert list((tmp_path / "curves").glob("events.*"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--scales", "1"], "--scales and --flip go with --evaluate sliding or whole"),
        (["--evaluate", "half"], "--evaluate is crop, sliding or whole, not 'half'"),
        (["--evaluate", "whole", "--scales", "1,big"], "--scales are numbers with commas between them"),
        (["--evaluate", "whole", "--scales", "99"], "scales"),
        (["--log", "tensorboard"], "a logger is tensorboard:DIR"),
        (["--augment", "nowhere.json"], "nowhere.json"),
        (["--processes", "3", "--device", "cpu"], "batch 4 cannot be shared by 3 processes"),
        (["--weights", "mine=x.pt"], "gives mine, but the fidelity trains the backbone itself: set its backbone.w"),
    ],
)
def test_wrong_options_of_retraining_are_a_sentence(arguments, tmp_path, capsys, options, says):
    assert main(["retrain", *arguments, "--output", str(tmp_path / "out"), *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert says in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--dataset", "broken"], "NAME=LAYOUT:ROOT"),
        (["--dataset", "x=kitti:/data"], "cityscapes"),
        (["--dataset", "x=cityscapes"], "NAME=LAYOUT:ROOT"),
        (["--dataset", "x=folder:/data"], "x=FILE.YAML of `segnas data add`"),
        (["--dataset", "x=nowhere.yaml"], "nowhere.yaml cannot be read"),
        (["--weights", "broken"], "NAME=PATH"),
        (["--device", "tpu"], "device"),
    ],
)
def test_wrong_input_is_a_sentence(arguments, capsys, change, says):
    assert main(["evaluate", *arguments, *change]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert says in error


def test_replay_compares_with_the_document(arguments, tmp_path, capsys):
    assert main(["retrain", *arguments, "--threads", "1", "--output", str(tmp_path / "out")]) == 0
    file = tmp_path / "out" / "architecture.json"
    place = arguments[arguments.index("--dataset") : arguments.index("--dataset") + 2]
    cache = arguments[arguments.index("--cache") : arguments.index("--cache") + 2]
    capsys.readouterr()
    assert main(["replay", str(file), *place, *cache]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["equal"], line["differences"]) for line in lines] == [(True, [])] * len(lines)
    changed = json.loads(file.read_text())
    changed["provenance"]["scores"][0]["score"] = 0.0
    file.write_text(json.dumps(changed))
    assert main(["replay", str(file), *place, *cache]) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[0])["equal"] is False
    del changed["provenance"]["fidelity"]
    file.write_text(json.dumps(changed))
    assert main(["replay", str(file), *place, *cache]) == 2
    assert "provenance.fidelity is missing" in capsys.readouterr().err


def test_a_registration_file_is_a_data_set(tmp_path):
    (tmp_path / "mine.yaml").write_text("layout: voc2012\nroot: /data/voc\n")
    assert _dataset(f"x={tmp_path / 'mine.yaml'}") == ("x", DatasetEntry(layout="voc2012", root=Path("/data/voc")))


def test_missing_files_are_named(arguments, capsys):
    assert main(["evaluate", "nowhere.json", *arguments[1:]]) == 2
    assert "nowhere.json" in capsys.readouterr().err
    assert main(["evaluate", arguments[0], "--fidelity", "lost.json", *arguments[3:]]) == 2
    assert "lost.json" in capsys.readouterr().err


def test_an_architecture_that_cannot_be_measured_is_exit_code_1(arguments, tmp_path, fidelity, capsys):
    wild = fidelity.model_dump(mode="json") | {"rungs": [200], "optimizer": {"name": "sgd", "learning_rate": 10}}
    wild["optimizer"] |= {"weight_decay": 1.0, "momentum": 0.99}
    path = tmp_path / "wild.json"
    path.write_text(json.dumps(wild))
    assert main(["evaluate", arguments[0], "--fidelity", str(path), *arguments[3:]]) == 1
    assert "loss is not finite" in capsys.readouterr().err


def test_a_fidelity_in_json_yaml_or_a_search_spec(tmp_path, fidelity):
    data = fidelity.model_dump(mode="json")
    for name, text in (
        ("a.json", json.dumps(data)),
        ("b.yaml", yaml.safe_dump(data)),
        ("c.yaml", yaml.safe_dump({"name": "search", "trials": 3, "fidelity": data})),
    ):
        (tmp_path / name).write_text(text)
        assert read_fidelity(tmp_path / name) == fidelity
    for text, says in (("{rungs: [5, 3], dataset: x}", "rungs"), ("a: [", "neither JSON nor YAML"), ("3", "mapping")):
        (tmp_path / "wrong.yaml").write_text(text)
        with pytest.raises(ValueError, match=says):
            read_fidelity(tmp_path / "wrong.yaml")
