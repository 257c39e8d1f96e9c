"""Registration files: read anew at each use, above the configuration, and each broken one alone is broken."""

from __future__ import annotations

import pickle

import pytest

from nas.data.entry import DatasetEntry
from nas.data.folder.description import FolderClass, FolderDataset, RatioSplit
from nas.data.registrations import (
    DATASETS,
    WEIGHTS,
    registered_datasets,
    registered_weights,
    registration_path,
    write_registration,
)
from nas.settings import Settings, read_settings
from nas.specs import BackboneSpec
from nas.training.workspace import Workspace
from nas.weights.entry import WeightsEntry
from workers.cluster.environment import environment

VOC = DatasetEntry(layout="voc2012", root="/data/voc")


def mine(tmp_path) -> FolderDataset:
    classes = tuple(FolderClass(name=f"é {c}", labels=(c,), colour="#0a0b0c") for c in range(2))
    return FolderDataset(root=tmp_path, split=RatioSplit(images="i", masks="m"), classes=classes, ignore=(255,))


def test_what_is_written_is_read(tmp_path):
    for name, registration in (("mine", mine(tmp_path)), ("voc", VOC)):
        write_registration(registration_path(tmp_path, DATASETS, name), registration)
    assert dict(registered_datasets(tmp_path, {})) == {"mine": mine(tmp_path), "voc": VOC}


def test_registrations_stand_above_the_configuration_and_may_go(tmp_path):
    settings = Settings(home=tmp_path, datasets={"a": VOC, "b": VOC}, weights={"w": tmp_path / "old"})
    path = registration_path(settings.folder, DATASETS, "b")
    write_registration(path, mine(tmp_path))
    write_registration(registration_path(settings.folder, WEIGHTS, "w"), WeightsEntry(path=tmp_path / "new"))
    assert dict(settings.registered_datasets) == {"a": VOC, "b": mine(tmp_path)}
    assert dict(settings.registered_weights) == {"w": WeightsEntry(path=tmp_path / "new")}
    assert Workspace.from_settings(settings).datasets["b"] == mine(tmp_path)
    path.unlink()
    assert dict(settings.registered_datasets) == {"a": VOC, "b": VOC}


def test_a_folder_may_stand_in_the_configuration(tmp_path, monkeypatch):
    """Drivers are given the configuration's data sets as JSON in a variable of their environment."""
    settings = Settings(home=tmp_path, datasets={"mine": mine(tmp_path)})
    monkeypatch.setenv("SEGNAS_DATASETS", environment(settings, tmp_path, "marker")["SEGNAS_DATASETS"])
    assert Settings(home=tmp_path).datasets == {"mine": mine(tmp_path)}
    monkeypatch.setenv("SEGNAS_DATASETS", '{"mine": {"layout": "folder"}}')
    with pytest.raises(ValueError, match=r"configuration: datasets\.mine.*root: this field is required"):
        read_settings(home=tmp_path)


def test_a_broken_file_breaks_its_own_name_only(tmp_path):
    (tmp_path / DATASETS).mkdir()
    for name, text in {
        "broken.yaml": "layout: folder\nroot: [",
        "wrong.yaml": "layout: voc2012\nroof: /x\n",
        "odd.yaml": "layout: coco\nroot: /x\n",
        "good.yaml": "layout: ade20k\nroot: /x\n",
        ".good.yaml.123.part": "half",
        "Not A Name.yaml": "x",
    }.items():
        (tmp_path / DATASETS / name).write_text(text)
    found = pickle.loads(pickle.dumps(registered_datasets(tmp_path, {})))
    assert list(found) == ["broken", "good", "odd", "wrong"]
    assert found["good"].layout == "ade20k"
    for name, reason in {
        "broken": r"datasets/broken.yaml of the home folder is not YAML, line 2",
        "wrong": r"datasets/wrong.yaml of the home folder: root: this field is required; roof: unknown field",
        "odd": r"layout: 'coco' is not known here; use one of",
    }.items():
        assert name in found
        with pytest.raises(ValueError, match=reason):
            found[name]
    with pytest.raises(KeyError):
        found["other"]


def test_registrations_that_cannot_be_read_are_no_empty_list(tmp_path):
    (tmp_path / DATASETS).write_text("a file")
    found = pickle.loads(pickle.dumps(registered_datasets(tmp_path, {"a": VOC})))
    assert (dict(found), found.unread) == ({"a": VOC}, "datasets of the home folder cannot be read: Not a directory")
    (tmp_path / DATASETS).unlink()
    assert registered_datasets(tmp_path, {}).unread is None


def test_a_workspace_says_what_is_wrong(tmp_path):
    settings = Settings(home=tmp_path)
    write_registration(registration_path(settings.folder, DATASETS, "gone"), mine(tmp_path / "gone"))
    write_registration(registration_path(settings.folder, WEIGHTS, "w"), WeightsEntry(path=tmp_path / "none.pth"))
    (tmp_path / DATASETS / "broken.yaml").write_text("layout: voc2012")
    workspace = Workspace.from_settings(settings)
    for name, reason in {
        "gone": "root folder .*gone of the folder data set does not exist on this machine",
        "broken": "datasets/broken.yaml of the home folder: root: this field is required",
        "other": "data set 'other' is not registered; known: broken, gone",
    }.items():
        with pytest.raises(ValueError, match=reason):
            workspace.dataset(name)
    with pytest.raises(ValueError, match=r"weights 'w': there is no file .*none.pth on this machine"):
        workspace.backbone_source(BackboneSpec(weights="w"))


def test_names_that_no_spec_could_use(tmp_path):
    for name in ("", "Mine", "a b", "../a", ".a", "a" * 64):
        with pytest.raises(ValueError, match="cannot be a name"):
            registration_path(tmp_path, DATASETS, name)


def test_weights_by_name(tmp_path):
    entry = WeightsEntry(path=tmp_path)
    assert dict(registered_weights(tmp_path, {"a": entry})) == {"a": entry}
