"""`segnas init` writes files that work, and replaces none; `segnas doctor` ends with what it found."""

from __future__ import annotations

import json

import pytest
import yaml
from PIL import Image

from nas.cli.first_files import config_text
from nas.settings import Settings, read_settings


@pytest.fixture
def segnas(command_at, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return command_at("http://127.0.0.1:9")


def test_the_files_are_written_once(segnas, tmp_path):
    code, out, _ = segnas("init")
    assert code == 0
    assert "segnas data add scenes" in out
    config, spec = tmp_path / "home" / "config.yaml", tmp_path / "search.yaml"
    before = config.read_text(), spec.read_text()
    code, out, err = segnas("init")
    assert (code, out) == (1, "")
    assert f"{spec.name} is there already, and is left as it is: nothing was written" in err
    config.unlink()
    assert segnas("init")[0] == 1
    assert segnas("init", "--spec", tmp_path / "no" / "folder.yaml")[0] == 1
    assert not config.exists()
    assert segnas("init", "--spec", "other.yaml")[0] == 0
    assert (config.read_text(), spec.read_text()) == before


def test_a_second_search_leaves_the_configuration_as_it_is(segnas, tmp_path):
    segnas("init")
    config = tmp_path / "home" / "config.yaml"
    config.write_text("# mine\n")
    code, out, _ = segnas("init", "--spec", "other.yaml", "--json")
    assert (code, json.loads(out)["wrote"]) == (0, ["other.yaml"])
    assert config.read_text() == "# mine\n"


def test_no_spec_is_left_behind_where_the_configuration_cannot_be_written(segnas, tmp_path):
    (tmp_path / "home").write_text("a file in the way")
    assert segnas("init")[0] == 1
    assert not (tmp_path / "search.yaml").exists()


def test_the_first_spec_fits_the_images(segnas, tmp_path):
    for split, count in (("train", 3), ("val", 100)):
        for kind, mode in (("images", "RGB"), ("masks", "L")):
            folder = tmp_path / "plants" / kind / split
            folder.mkdir(parents=True)
            for index in range(count):
                picture = Image.new(mode, (210, 100))
                if mode == "L":
                    picture.paste(1, (0, 0, 100, 100))
                picture.save(folder / f"{index}.png")
    assert segnas("data", "add", "plants", tmp_path / "plants")[0] == 0
    code, out, _ = segnas("init", "plants")
    assert code == 0
    assert "data generate" not in out
    spec = yaml.safe_load((tmp_path / "search.yaml").read_text())
    assert (spec["fidelity"]["crop"], spec["fidelity"]["batch"]) == ([96, 192], 3)
    assert (spec["fidelity"]["holdout"], spec["confirm"]) == ({"share": 0.5}, {"top": 2})
    code, _, err = segnas("init", "others", "--spec", "others.yaml")
    assert code != 0
    assert "no data set 'others'; known are: plants" in err
    assert not (tmp_path / "others.yaml").exists()


def test_the_first_spec_is_accepted_by_a_service(command_at, service, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    segnas = command_at(service.url)
    segnas("init")
    code, out, err = segnas("submit", "search.yaml", "--dry-run")
    assert code == 0
    assert err == ""
    assert "search  first on scenes: gp on scenes" in out
    assert "cost  not known" in out


def test_the_first_spec_takes_a_data_set_that_is_registered(segnas, tmp_path):
    folder = tmp_path / "home" / "datasets"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("{layout: voc2012, root: /voc}")
    code, out, _ = segnas("init")
    assert code == 0
    assert "data generate" not in out
    assert "mine cannot be looked at, so that crop and batch are the usual ones" in out
    assert yaml.safe_load((tmp_path / "search.yaml").read_text())["fidelity"]["dataset"] == "mine"


def test_every_setting_stands_there_as_a_comment_with_its_default(monkeypatch, tmp_path):
    file = tmp_path / "config.yaml"
    monkeypatch.setenv("SEGNAS_HOME", str(tmp_path))
    file.write_text(config_text())
    assert read_settings() == Settings(home=tmp_path)
    lines = [line for line in config_text().splitlines() if line.startswith("#") and not line.startswith("# ")]
    assert [line[1:].partition(":")[0] for line in lines] == [name for name in Settings.model_fields if name != "home"]
    file.write_text("\n".join(line[1:] for line in lines))
    assert read_settings() == Settings(home=tmp_path)


def test_the_doctor_ends_with_what_it_found(segnas, tmp_path):
    code, out, err = segnas("doctor")
    assert (code, err) == (0, "")
    assert "note   database" in out
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "config.yaml").write_text("prot: 1")
    code, out, err = segnas("doctor", "--json")
    assert (code, err) == (1, "")
    assert json.loads(out)[-1]["level"] == "wrong"
