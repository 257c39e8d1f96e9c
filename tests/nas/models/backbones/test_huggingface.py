"""Small random networks that transformers itself saves and loads stand in for published ones."""

import json
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nas.models.backbones.base import Level
from nas.models.backbones.huggingface import HuggingFaceBackbone

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.slow  # the import alone takes seconds

PYRAMID: dict[str, Any] = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 2, 1]}
VIT: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2}
CONFIGS: dict[str, dict[str, Any]] = {
    "convnextv2": PYRAMID,
    "dinov2": {**VIT, "patch_size": 14, "image_size": 70},
    "dinov3_vit": {**VIT, "patch_size": 16, "image_size": 64, "intermediate_size": 32},
    "swin": {"embed_dim": 8, "depths": [1, 1, 1, 1], "num_heads": [1, 2, 4, 8], "window_size": 4},
    "segformer": {**PYRAMID, "num_attention_heads": [1, 2, 4, 8], "depths": [1, 1, 1, 1]},
}
PYRAMIDS = {"convnextv2": (8, 16, 24, 32), "segformer": (8, 16, 24, 32), "swin": (8, 16, 32, 64)}


def config(kind):
    return {"model_type": kind, **CONFIGS[kind]}


def saved(kind, folder, *, whole=None, shard="50GB"):
    """Save a network as its authors would: the entire model (with a classifier where `whole`), not a backbone."""
    torch.manual_seed(0)
    settings = transformers.CONFIG_MAPPING[kind].from_dict(config(kind))
    model = (whole or transformers.AutoModel).from_config(settings).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder, max_shard_size=shard)
    return model


@pytest.mark.parametrize(("kind", "channels"), PYRAMIDS.items())
def test_pyramids_have_levels_of_strides_4_to_32(kind, channels):
    backbone = HuggingFaceBackbone(config(kind), 32, (4, 8, 16, 32)).eval()
    assert backbone.levels == tuple(map(Level, (4, 8, 16, 32), channels))
    with torch.inference_mode():
        maps = backbone(torch.randn(2, 3, 128, 160))
    assert [tuple(m.shape) for m in maps] == [(2, c, 128 // s, 160 // s) for s, c in backbone.levels]
    assert HuggingFaceBackbone(config(kind), 16).levels == (Level(16, channels[2]),)
    with pytest.raises(ValueError, match=rf"{kind} has no feature map of stride 14; its maps have the strides 4, 8"):
        HuggingFaceBackbone(config(kind), 14)
    with pytest.raises(ValueError, match=f"{kind} is no vision transformer"):
        HuggingFaceBackbone(config(kind), 32, None, (1, 2))


@pytest.mark.parametrize(("kind", "patch"), [("dinov2", 14), ("dinov3_vit", 16)])
def test_transformers_have_maps_of_their_blocks(kind, patch):
    backbone = HuggingFaceBackbone(config(kind), patch, None, (1, 3)).eval()
    assert backbone.levels == (Level(patch, 16),) * 2
    assert max(int(name.split(".layer.")[1].split(".")[0]) for name in backbone.state_dict() if ".layer." in name) == 2
    with torch.inference_mode():  # not the size that its position embeddings were made for
        maps = backbone(torch.randn(2, 3, 3 * patch, 7 * patch))
    assert [tuple(m.shape) for m in maps] == [(2, 16, 3, 7)] * 2
    with pytest.raises(ValueError, match=rf"each side must be a multiple of {patch}"):
        backbone(torch.randn(1, 3, 3 * patch + 1, 7 * patch))
    with pytest.raises(ValueError, match=r"has 4 blocks, so depths \[2, 5\]"):
        HuggingFaceBackbone(config(kind), patch, None, (2, 5))


def test_a_patch_is_the_only_stride_of_a_transformer():
    with pytest.raises(ValueError, match="no feature map of stride 16; its maps have the strides 14"):
        HuggingFaceBackbone(config("dinov2"), 16)
    with pytest.raises(ValueError, match="patches of 14 pixels; ask for output_stride 14"):
        HuggingFaceBackbone(config("dinov2"), 16, None, (1,))


def test_maps_of_a_transformer_are_its_normalised_hidden_states(tmp_path):
    model = saved("dinov2", tmp_path)
    backbone = HuggingFaceBackbone(config("dinov2"), 14, None, (2, 4)).eval()
    backbone.load_folder(tmp_path)
    x = torch.randn(2, 3, 42, 56)
    with torch.inference_mode():
        states = model(x, output_hidden_states=True).hidden_states
        for features, depth in zip(backbone(x), (2, 4), strict=True):
            patches = model.layernorm(states[depth])[:, 1:]  # without the class token
            assert torch.allclose(features, patches.transpose(1, 2).reshape(2, 16, 3, 4), atol=1e-5)


@pytest.mark.parametrize("kind", ["segformer", "convnextv2", "swin"])
def test_levels_of_a_pyramid_are_the_models_stages(kind, tmp_path):
    model = saved(kind, tmp_path)
    backbone = HuggingFaceBackbone(config(kind), 32, (4, 32)).eval()
    backbone.load_folder(tmp_path)
    x = torch.randn(1, 3, 128, 128)
    with torch.inference_mode():
        output = model(x, output_hidden_states=True)
        fine, coarse = backbone(x)
    if kind == "swin":  # the model tells its last stage before downsampling only
        assert torch.allclose(coarse, _normed(output.reshaped_hidden_states[-1]), atol=1e-4)
        return
    stages = output.hidden_states[-4:]
    for features, stage in ((fine, stages[0]), (coarse, stages[3])):
        expected = stage if kind == "segformer" else _normed(stage)
        assert torch.allclose(features, expected, atol=1e-3)


def _normed(stage: Tensor) -> Tensor:
    """The layer norm over channels that transformers adds to each map: published files do not have it."""
    return nn.functional.layer_norm(stage.permute(0, 2, 3, 1), stage.shape[1:2]).permute(0, 3, 1, 2)


def test_a_folder_with_classifier_in_several_files(tmp_path):
    """Parts beside the backbone are left out; shards are joined."""
    whole = transformers.AutoModelForImageClassification
    model = saved("dinov2", tmp_path, whole=whole, shard="10KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    backbone = HuggingFaceBackbone(config("dinov2"), 14)
    backbone.load_folder(tmp_path)
    for name, value in model.dinov2.state_dict().items():
        assert torch.equal(backbone.network.state_dict()[name], value), name


def test_a_folder_that_does_not_fit_is_refused_and_changes_nothing(tmp_path, capsys):
    saved("dinov2", tmp_path / "a")
    capsys.readouterr()
    deeper = HuggingFaceBackbone({**config("dinov2"), "num_hidden_layers": 6}, 14)
    before = {name: value.clone() for name, value in deeper.state_dict().items()}
    with pytest.raises(ValueError, match=r"encoder.layer.4.* and \d+ more missing"):
        deeper.load_folder(tmp_path / "a")
    with pytest.raises(ValueError, match=r"encoder\.layer\.2\..* unknown"):
        HuggingFaceBackbone({**config("dinov2"), "num_hidden_layers": 2}, 14).load_folder(tmp_path / "a")
    HuggingFaceBackbone(config("dinov2"), 14, None, (1, 2)).load_folder(tmp_path / "a")  # later blocks are not wanted
    with pytest.raises(ValueError, match="cannot be loaded into dinov2"):
        HuggingFaceBackbone({**config("dinov2"), "hidden_size": 32}, 14).load_folder(tmp_path / "a")
    assert all(torch.equal(before[name], value) for name, value in deeper.state_dict().items())
    with pytest.raises(ValueError, match="cannot be loaded into dinov2"):
        deeper.load_folder(tmp_path)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"model_type": "bert"}, "has no backbone of model_type 'bert'"),
        ({}, "has no backbone of model_type 'None'"),
        ({"model_type": "dinov2", "hidden_size": "many"}, "cannot build dinov2 from this config.json"),
    ],
)
def test_configurations_of_no_backbone(content, message):
    with pytest.raises(ValueError, match=message):
        HuggingFaceBackbone(json.loads(json.dumps(content)), 16)
