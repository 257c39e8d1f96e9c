import json
import logging

import pytest
import torch
from safetensors.torch import save_file

from nas.models.backbones.build import build_backbone, load_backbone_weights
from nas.specs import BackboneSpec

SPEC = BackboneSpec(width=0.25, blocks=5, output_stride=8)


def built(seed=0):
    torch.manual_seed(seed)
    return build_backbone(SPEC)


def assert_loaded(path):
    target = built(1)
    load_backbone_weights(target, path)
    for name, value in built(0).state_dict().items():
        assert torch.equal(target.state_dict()[name], value), name


def prefixed(prefix, others=None):
    return {prefix + name: value for name, value in built().state_dict().items()} | (others or {})


HEAD = {"decode_head.weight": torch.zeros(2)}


@pytest.mark.parametrize(
    "prefix", ["module.", "backbone.", "encoder.", "model.", "module.backbone.", "net.features_of."]
)
@pytest.mark.parametrize("others", [{}, HEAD], ids=["alone", "with a head"])
def test_prefixes_are_found_and_said(prefix, others, tmp_path, caplog):
    caplog.set_level(logging.INFO, "nas")
    torch.save(prefixed(prefix, others), tmp_path / "x.pth")
    assert_loaded(tmp_path / "x.pth")
    assert f"found under {prefix!r}; {len(others)} tensors of other parts are left out" in caplog.text


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3, "optimizer": {"lr": 0.1}},
        lambda state: {"model": state, "args": {"seed": 1}},
        lambda state: {"teacher": state, "student": built(2).state_dict()},
        lambda state: {"epoch": 1, "model": {"state_dict": state, "best": 0.5}},
    ],
)
def test_wrapped_weights_are_found_and_said(wrap, tmp_path, caplog):
    caplog.set_level(logging.INFO, "nas")
    torch.save(wrap(built().state_dict()), tmp_path / "x.pth")
    assert_loaded(tmp_path / "x.pth")
    assert "are read from" in caplog.text
    torch.save(wrap(prefixed("module.")), tmp_path / "x.pth")
    assert_loaded(tmp_path / "x.pth")


def test_under_a_prefix_loading_is_as_strict(tmp_path):
    state = prefixed("backbone.", HEAD)
    del state["backbone.features.3.conv.2.weight"]
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"under 'backbone\.' does not fit.*features\.3\.conv\.2\.weight missing"):
        load_backbone_weights(built(), tmp_path / "x.pth")
    torch.save(prefixed("backbone.", {"backbone.other.weight": torch.zeros(1)}), tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"other\.weight unknown"):
        load_backbone_weights(built(), tmp_path / "x.pth")


def test_half_precision_is_widened(tmp_path):
    save_file({name: value.half() for name, value in built().state_dict().items()}, tmp_path / "x.safetensors")
    target = built(1)
    load_backbone_weights(target, tmp_path / "x.safetensors")
    weight = target.features[0][0].weight
    assert weight.dtype is torch.float32
    assert torch.equal(weight, built().features[0][0].weight.half().float())


def test_a_network_in_several_files(tmp_path):
    state = built().state_dict()
    names = sorted(state)
    for number, part in enumerate((names[::2], names[1::2])):
        save_file({name: state[name] for name in part}, tmp_path / f"part{number}.safetensors")
    places = {name: f"part{index % 2}.safetensors" for index, name in enumerate(names)}
    index = tmp_path / "model.safetensors.index.json"
    with pytest.raises(ValueError, match=r"has no model\.safetensors\.index\.json"):
        load_backbone_weights(built(), tmp_path)
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    assert_loaded(tmp_path)
    index.write_text(json.dumps({"weight_map": {**places, "more": "part0.safetensors"}}))
    with pytest.raises(ValueError, match="more should be in the files"):
        load_backbone_weights(built(), tmp_path)


class Trainer:
    """What careless scripts pickle whole."""


def test_a_pickled_object_is_refused_in_one_sentence(tmp_path):
    torch.save({"state_dict": built().state_dict(), "trainer": Trainer()}, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"hold a [\w.]*Trainer, and reading it could execute code; save") as caught:
        load_backbone_weights(built(), tmp_path / "x.pth")
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
