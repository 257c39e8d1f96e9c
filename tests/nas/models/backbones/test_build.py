import importlib.util

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from nas.models.backbones.build import build_backbone, load_backbone_weights, receptive_field
from nas.models.backbones.mobilenet_v2 import MobileNetV2
from nas.models.backbones.resnet import ResNet
from nas.specs import BackboneSpec


def backbone(width=0.25, blocks=None):
    return build_backbone(BackboneSpec(width=width, blocks=blocks, output_stride=8))


def published(width_last=1280):
    """A whole checkpoint as torchvision writes it: 19 stages and a classifier."""
    return backbone().state_dict() | {
        "features.18.0.weight": torch.zeros(width_last, 80, 1, 1),
        "features.18.1.running_mean": torch.zeros(width_last),
        "classifier.1.weight": torch.zeros(1000, width_last),
        "classifier.1.bias": torch.zeros(1000),
    }


@pytest.fixture
def checkpoint(tmp_path):
    state = published()
    torch.save(state, tmp_path / "mobilenet_v2.pth")
    return state, tmp_path / "mobilenet_v2.pth"


def test_builds_by_name():
    assert isinstance(backbone(), MobileNetV2)
    with torch.device("meta"):
        model = build_backbone(BackboneSpec(name="resnet101", output_stride=8))
    assert isinstance(model, ResNet)
    assert isinstance(model.layer3, nn.Sequential)
    assert len(model.layer3) == 23


def test_a_whole_checkpoint_loads(checkpoint):
    state, path = checkpoint
    model = backbone()
    load_backbone_weights(model, path)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, state[name])


def test_stages_that_were_cut_off_are_left_out(checkpoint):
    state, path = checkpoint
    model = backbone(blocks=5)
    load_backbone_weights(model, path)
    assert torch.equal(model.features[4].conv[2].weight, state["features.4.conv.2.weight"])


def test_safetensors_and_its_own_state_dict(tmp_path):
    source, target = backbone(blocks=5), backbone(blocks=5)
    save_file(source.state_dict(), tmp_path / "own.safetensors")
    load_backbone_weights(target, tmp_path / "own.safetensors")
    assert torch.equal(source.features[0][0].weight, target.features[0][0].weight)


def test_old_files_without_batch_counters_load(checkpoint):
    state, path = checkpoint
    torch.save({key: value for key, value in state.items() if "num_batches" not in key}, path)
    load_backbone_weights(backbone(), path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda state: state.pop("features.3.conv.2.weight"), r"features\.3\.conv\.2\.weight missing"),
        (lambda state: state.update({"features.19.0.weight": torch.zeros(1)}), r"features\.19\.0\.weight unknown"),
        (lambda state: state.update({"fc.weight": torch.zeros(1)}), r"fc\.weight unknown"),
        (
            lambda state: state.update({"features.0.0.weight": torch.zeros(8, 1, 3, 3)}),
            r"features\.0\.0\.weight \(8, 1, 3, 3\) for \(8, 3, 3, 3\) of another shape",
        ),
    ],
)
def test_any_other_difference_is_an_error_and_changes_nothing(checkpoint, spoil, message):
    state, path = checkpoint
    spoil(state)
    torch.save(state, path)
    model = backbone()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ValueError, match=message) as caught:
        load_backbone_weights(model, path)
    assert str(path) in str(caught.value)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_many_wrong_keys_are_counted(checkpoint):
    _, path = checkpoint
    with pytest.raises(ValueError, match=r"and \d+ more"):
        load_backbone_weights(backbone(width=0.5), path)


def test_resnet_leaves_out_its_classifier_only(tmp_path):
    model = ResNet("resnet50")
    state = model.state_dict() | {"fc.weight": torch.zeros(2, 2048), "fc.bias": torch.zeros(2)}
    torch.save(state, tmp_path / "r50.pth")
    load_backbone_weights(model, tmp_path / "r50.pth")
    torch.save(state | {"classifier.1.bias": torch.zeros(1)}, tmp_path / "r50.pth")
    with pytest.raises(ValueError, match=r"classifier\.1\.bias unknown"):
        load_backbone_weights(model, tmp_path / "r50.pth")


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("code from a checkpoint",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (Evil(), "no checkpoint of tensors"),
        ([torch.zeros(1)], "no state dict"),
        ({"epoch": 3}, "no state dict"),
    ],
)
def test_files_that_are_no_state_dict(tmp_path, capsys, content, message):
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=message):
        load_backbone_weights(backbone(), tmp_path / "x.pth")
    assert "code from a checkpoint" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["missing.pth", "missing.safetensors"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(ValueError, match=rf"{name} cannot be read"):
        load_backbone_weights(backbone(), tmp_path / name)


@pytest.mark.parametrize("name", ["broken.pth", "broken.safetensors"])
def test_a_broken_file_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"not a checkpoint at all")
    with pytest.raises(ValueError, match=rf"{name} are no checkpoint"):
        load_backbone_weights(backbone(), tmp_path / name)


def test_receptive_fields_of_whole_networks():
    """1 + sum of 2 * stride over the 3x3 (and 6 for the 7x7): 491 for MobileNet-v2, 427 for ResNet-50."""
    assert receptive_field(BackboneSpec(output_stride=32)) == 491
    assert receptive_field(BackboneSpec(name="resnet50", output_stride=32)) == 427


@pytest.mark.skipif(importlib.util.find_spec("timm") is not None, reason="timm is installed here")
def test_timm_names_need_timm():
    with pytest.raises(ValueError, match=r"pip install segnas\[timm\]"):
        build_backbone(BackboneSpec(name="timm:resnet18"))


@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed here")
def test_timm_backbone():
    model = build_backbone(BackboneSpec(name="timm:resnet18", output_stride=16))
    assert model(torch.randn(1, 3, 64, 96))[0].shape == (1, model.levels[0].channels, 4, 6)
    with pytest.raises(ValueError, match="timm cannot build no_such_network"):
        build_backbone(BackboneSpec(name="timm:no_such_network"))
