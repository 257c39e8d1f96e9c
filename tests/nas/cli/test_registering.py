"""`segnas data add|list|remove` and `segnas weights ...`, and the service that runs meanwhile."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import yaml
from PIL import Image

from nas import digests
from nas.results.status import TrialStatus
from nas.settings import Settings
from nas.training.workspace import Workspace
from nas.weights.entry import WeightsEntry
from search_spaces import read_architecture


@pytest.fixture
def photos(tmp_path):
    """Eight images with masks of the values 0, 1 and 255."""
    root = tmp_path / "photos"
    for index in range(8):
        for folder in ("images", "masks"):
            (root / folder).mkdir(parents=True, exist_ok=True)
            pixels = np.array([[0, 1, 255 if index else 0]], np.uint8).repeat(2, 0)
            Image.fromarray(pixels).save(root / folder / f"{index}.png")
    return root


def one_sentence(result, code=1):
    ended, _, err = result
    assert ended == code, err
    last = err.strip().splitlines()[-1]
    assert last.startswith("segnas: ")
    return last


def test_add_list_inspect_remove(segnas, photos, tmp_path):
    code, out, _ = segnas("data", "add", "photos", photos, "--val", 0.25)
    assert code == 0
    file = tmp_path / "home/datasets/photos.yaml"
    assert f"registered as `photos` in {file}" in out
    assert "25% of the images are for validation, chosen by seed 0" in out
    assert "value 255 is ignored" in out
    assert "train: 6 images (6 read: 2x3)" in out
    with Image.open(tmp_path / "home/datasets/photos.png") as mosaic:
        assert mosaic.format == "PNG"
    written = yaml.safe_load(file.read_text())
    assert (written["root"], written["split"]["val"]) == (str(photos), 0.25)
    assert segnas("data", "list")[1] == f"photos  folder       {photos}\n"
    code, out, _ = segnas("data", "inspect", "photos")
    assert code == 0
    assert "folder, 2 classes" in out
    assert "is registered already, in" in one_sentence(segnas("data", "add", "photos", photos))
    assert yaml.safe_load(file.read_text()) == written
    assert segnas("data", "add", "photos", photos, "--replace", "--seed", 5)[0] == 0
    assert yaml.safe_load(file.read_text())["split"]["seed"] == 5
    assert segnas("data", "remove", "photos")[1] == "photos removed\n"
    assert list(file.parent.iterdir()) == []
    assert "cannot be removed: there is no file" in one_sentence(segnas("data", "remove", "photos"))


def test_the_first_search_reads_no_file_that_registering_has_read(segnas, photos, tmp_path, monkeypatch):
    later = time.time_ns() + 10**10
    monkeypatch.setattr(time, "time_ns", lambda: later)  # the files were not written just now
    monkeypatch.setattr(digests, "_in_this_process", {})
    assert segnas("data", "add", "photos", photos)[0] == 0
    monkeypatch.setattr(digests, "_in_this_process", {})
    monkeypatch.setattr(digests, "_hash", lambda path: pytest.fail(f"read {path} again"))
    settings = Settings(home=tmp_path / "home")
    assert Workspace.from_settings(settings).dataset("photos").key


@pytest.mark.parametrize(("group", "what"), [("data", "datasets"), ("weights", "weights")])
def test_a_home_that_cannot_be_read_is_no_empty_list(segnas, tmp_path, group, what):
    home = tmp_path / "home"
    home.mkdir()
    (home / what).write_text("a file")
    for options in ([], ["--json"]):
        result = segnas(group, "list", *options)
        assert (
            one_sentence(result)
            == f"segnas: there may be more: {what} of the home folder cannot be read: Not a directory"
        )
        assert result[1].strip() == ("[]" if options else "")
    (home / what).unlink()
    home.rmdir()
    home.write_text("a file")
    for command in (
        (group, "list"),
        (group, "remove", "x"),
        ("cache", "ls"),
        ("searches",),
        ("init",),
        ("token", "list"),
    ):
        assert one_sentence(segnas(*command)) == f"segnas: {home} is not a folder: set SEGNAS_HOME to one"


def test_a_cache_that_is_no_folder_is_no_empty_list(segnas, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/cache").write_text("a file")
    for command in ("ls", "verify", "prune"):
        assert "cache is no folder, so nothing can be cached there" in one_sentence(segnas("cache", command))


def test_options_reach_the_registration(segnas, photos, tmp_path):
    (tmp_path / "names.txt").write_text("ground\nroad\n")
    (photos / "s.csv").write_text("".join(f"{index},{'val' if index > 5 else 'train'}\n" for index in range(8)))
    code, _, err = segnas(
        "data", "add", "p", photos, "--classes", tmp_path / "names.txt", "--map", "255=1", "--split", "s.csv",
        "--mosaic", tmp_path / "m.png", "--images", 1,
    )  # fmt: skip
    assert code == 0, err
    written = yaml.safe_load((tmp_path / "home/datasets/p.yaml").read_text())
    assert [(item["name"], item["labels"]) for item in written["classes"]] == [("ground", [0]), ("road", [1, 255])]
    assert written["split"] == {"by": "file", "file": "s.csv", "images": "images", "masks": "masks"}
    assert (tmp_path / "m.png").exists()


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (("--val", 2), 2, "--val is the share of the images for validation, between 0 and 1, not 2.0"),
        (("--map", "255"), 2, "--map is VALUE=VALUE, such as 255=1"),
        (("--map", "255=road"), 2, "--map takes values from 0 to 255 or colours such as #ff0000, not 'road'"),
        (("--ignore", "256"), 2, "--ignore takes values"),
        (("--classes", "none.txt"), 1, "file of classes none.txt cannot be read"),
        (("--layout", "voc2012"), 1, "no folder JPEGImages"),
        (
            ("--ignore", "1", "--ignore", "255"),
            1,
            "the masks hold 1 class (labels: 0, 1, 255), but 2 to 255 are needed",
        ),
    ],
)
def test_mistakes_register_nothing(segnas, photos, tmp_path, options, code, reason):
    assert reason in one_sentence(segnas("data", "add", "photos", photos, *options), code)
    assert not (tmp_path / "home/datasets").exists()


def test_labels_that_nothing_can_learn_are_not_registered(segnas, photos, tmp_path):
    for mask in (photos / "masks").iterdir():
        Image.fromarray(np.full((2, 3), 0 if mask.stem == "0" else 1, np.uint8)).save(mask)
    code, out, err = segnas("data", "add", "photos", photos)
    assert code == 1
    assert "error: the training labels hold the class 'class 1' alone" in out
    assert "is not registered, since no network can be trained on it" in err.splitlines()[-1]
    assert not (tmp_path / "home/datasets").exists()


def test_a_configured_name_is_taken(segnas, photos, tmp_path, monkeypatch):
    monkeypatch.setenv("SEGNAS_DATASETS", '{"photos": {"layout": "voc2012", "root": "/data/voc"}}')
    assert "in config.yaml or the environment; choose" in one_sentence(segnas("data", "add", "photos", photos))
    assert "it stands in config.yaml or the env" in one_sentence(segnas("data", "remove", "photos"))
    assert segnas("data", "add", "photos", photos, "--replace")[0] == 0
    assert segnas("data", "list")[1] == f"photos  folder       {photos}\n"
    (tmp_path / "home/datasets/photos.yaml").write_text("layout: folder\n")
    assert "photos  broken: datasets/photos.yaml of the home folder: root" in segnas("data", "list")[1]


def test_weights(segnas, tmp_path):
    (tmp_path / "net.pth").write_bytes(b"")
    code, out, _ = segnas("weights", "add", "net", tmp_path / "net.pth")
    assert code == 0
    assert "registered as `net` in" in out
    assert dict(Settings(home=tmp_path / "home").registered_weights) == {"net": WeightsEntry(path=tmp_path / "net.pth")}
    assert segnas("weights", "list")[1] == f"net  {tmp_path / 'net.pth'}\n"
    assert "is registered already" in one_sentence(segnas("weights", "add", "net", tmp_path / "net.pth"))
    assert "there is no file" in one_sentence(segnas("weights", "add", "other", tmp_path / "none.pth"))
    assert segnas("weights", "remove", "net")[1] == "net removed\n"


def test_weights_with_a_preprocessing(segnas, tmp_path):
    (tmp_path / "net.pth").write_bytes(b"")
    stated = ("--mean", "103.5,116,124", "--std", "1,1,1", "--input-range", "0,255", "--input-space", "BGR")
    assert segnas("weights", "add", "net", tmp_path / "net.pth", *stated)[0] == 0
    assert Settings(home=tmp_path / "home").registered_weights["net"] == WeightsEntry(
        path=tmp_path / "net.pth", mean=(103.5, 116, 124), std=(1, 1, 1), input_range=(0, 255), input_space="BGR"
    )
    said = "mean 103.5,116,124  std 1,1,1  input_range 0,255  input_space BGR"
    assert segnas("weights", "list")[1] == f"net  {tmp_path / 'net.pth'}  {said}\n"
    for option, value, code, reason in (
        ("--std", "0,1,1", 2, "greater than 0"),
        ("--std", "1,1", 2, "std"),
        ("--mean", "a,b,c", 2, "--mean takes numbers with commas between them, such as 0.5,0.5,0.5, not 'a,b,c'"),
        ("--input-range", "1,0", 2, "input_range must be [lowest, highest]"),
    ):
        assert reason in one_sentence(segnas("weights", "add", "bad", tmp_path / "net.pth", option, value), code)
    assert not (tmp_path / "home/weights/bad.yaml").exists()


def test_a_running_service_knows_at_once(command_at, serve, photos, tmp_path):
    service = serve(Settings(home=tmp_path / "home", port=0))
    segnas = command_at(service.url)
    for file in photos.glob("*/*.png"):
        Image.open(file).resize((64, 64), Image.Resampling.NEAREST).save(file)
    spec = tmp_path / "spec.yaml"
    fidelity = {**service.spec["fidelity"], "dataset": "photos", "crop": [64, 64], "batch": 2}
    spec.write_text(yaml.safe_dump({**service.spec, "fidelity": fidelity}))
    assert "data set 'photos' is not registered here; known are: none" in one_sentence(segnas("submit", spec), 2)
    assert segnas("data", "add", "photos", photos)[0] == 0
    code, out, err = segnas("submit", spec)
    assert code == 0, err
    assert service.store.get_search(out.strip()).spec.fidelity.dataset == "photos"
    search = service.search(fidelity={**service.spec["fidelity"], "dataset": "photos"})
    service.trial(search, 0, 0.5, end=TrialStatus.COMPLETED)  # with the IoU of two classes
    trial = service.http.get(f"/v1/searches/{search}/trials/0").json()
    assert trial["class_names"] == ["class 0", "class 1"]
    assert read_architecture(trial["document"]).provenance.classes == ("class 0", "class 1")
    assert read_architecture(json.loads(segnas("export", search)[1])).provenance.classes == ("class 0", "class 1")
    (listed,) = service.http.get("/v1/datasets").json()
    assert (listed["name"], listed["layout"], listed["class_names"]) == ("photos", "folder", ["class 0", "class 1"])
    (tmp_path / "home/datasets/photos.yaml").write_text("layout: folder\n")
    assert "data set 'photos' is registered by a broken file: datasets/photos.yaml of the home" in one_sentence(
        segnas("submit", spec), 2
    )
    (listed,) = service.http.get("/v1/datasets").json()
    assert (listed["available"], listed["layout"]) == (False, "unknown")
    assert "the registration file is broken" in listed["problem"]
    assert segnas("data", "remove", "photos")[0] == 0
    assert service.http.get("/v1/datasets").json() == []
    trial = service.http.get(f"/v1/searches/{search}/trials/0").json()
    assert trial["class_names"] == []
    assert "classes" not in trial["document"]["provenance"]
    assert "is not registered here" in one_sentence(segnas("submit", spec), 2)


def test_a_data_set_is_registered_without_its_picture(segnas, photos, tmp_path, caplog):
    picture = tmp_path / "home/datasets/photos.png"
    (picture / "a folder in its place").mkdir(parents=True)
    code, out, _ = segnas("data", "add", "photos", photos, "--val", 0.25)
    assert code == 0
    assert "registered as `photos`" in out
    assert (
        f"picture of samples {picture} cannot be written (Is a directory): the data set does without it" in caplog.text
    )
    assert segnas("data", "remove", "photos")[:2] == (0, "photos removed\n")
