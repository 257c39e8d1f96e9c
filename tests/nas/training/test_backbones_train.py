"""Backbones with weights and preprocessing of their own, from the registration to the loaded result."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from nas.data.dataset import IGNORE
from nas.models.backbones.build import build_backbone
from nas.specs import BackboneSpec
from nas.training.loop.pixels import to_network
from nas.training.pictures import predict
from nas.training.prepare import prepare
from nas.training.retrain import retrain
from nas.training.retrained import load_retrained
from nas.training.workspace import Workspace
from nas.weights.entry import WeightsEntry
from nas.weights.packages import EFFICIENTNET_LITE
from nas.weights.preprocessing import IMAGENET, Preprocessing
from search_spaces.document import Provenance, read_architecture, write_document
from search_spaces.reference.architecture import ReferenceHead

HALF = Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
HEAD = read_architecture(write_document(ReferenceHead(name="conv1x1"), Provenance()))
VIT = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "patch_size": 14, "image_size": 70}
MIT = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "num_attention_heads": [1, 2, 4, 8]}


def with_weights(workspace, tmp_path, **weights: object):
    entries = {name: WeightsEntry.model_validate(entry) for name, entry in weights.items()}
    return Workspace(workspace.datasets, entries, tmp_path / "cache", tmp_path / "artifacts")


def with_backbone(fidelity, backbone, **changes: object):
    return fidelity.model_copy(update={"backbone": backbone, "rungs": (3,), **changes})


def saved(kind, config, folder):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    transformers.AutoModel.from_config(transformers.CONFIG_MAPPING[kind].from_dict(config)).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": HALF.mean, "image_std": HALF.std}))
    return folder


def assert_loaded_as_measured(output, prepared, measured):
    """The loaded network predicts what the last measurement counted, and knows its preprocessing."""
    network = load_retrained(output)
    assert network.preprocessing == prepared.preprocessing
    assert json.loads((output / "metrics.json").read_text())["preprocessing"] == json.loads(
        prepared.preprocessing.model_dump_json()
    )
    hits, union = np.zeros(19), np.zeros(19)
    for row in range(len(prepared.validation_source())):
        image, label = prepared.validation_source().row(row)
        guess, counted = predict(network, image[None], torch.device("cpu"))[0], label != IGNORE
        for c in range(19):
            hits[c] += ((label == c) & (guess == c) & counted).sum()
            union[c] += (((label == c) | (guess == c)) & counted).sum()
    for c, iou in enumerate(measured.class_iou):
        assert (iou or 0.0) == pytest.approx(hits[c] / max(union[c], 1), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "trained"])
def test_efficientnet_lite_needs_no_registration_and_no_warm_up(fidelity, workspace, tmp_path, frozen):
    backbone = BackboneSpec(name="efficientnet_lite0", output_stride=32, levels=(8, 16), frozen=frozen)
    asked = with_backbone(fidelity, backbone, label_stride=1)
    here, stages = with_weights(workspace, tmp_path), []
    (measured,) = retrain(HEAD, asked, here, tmp_path / "out", device="cpu", progress=lambda *at: stages.append(at[0]))
    assert "warm-up" not in stages
    prepared = prepare(asked, here, device="cpu")
    assert prepared.preprocessing == EFFICIENTNET_LITE
    assert prepared.validation_source().padding == (127, 127, 127)
    assert_loaded_as_measured(tmp_path / "out", prepared, measured)


@pytest.mark.slow
def test_a_vision_transformer_of_a_registered_folder(fidelity, workspace, tmp_path):
    here = with_weights(workspace, tmp_path, vit=saved("dinov2", VIT, tmp_path / "vit"))
    backbone = BackboneSpec(name="hf:vit", output_stride=14, depths=(2, 3))
    asked = with_backbone(fidelity, backbone, label_stride=1, crop=(70, 126))
    (measured,) = retrain(HEAD, asked, here, tmp_path / "out", device="cpu")
    prepared = prepare(asked, here, device="cpu")
    assert prepared.bank is not None
    assert [level.shape for level in prepared.bank.train_features] == [(10, 5, 9, 16)] * 2
    assert prepared.preprocessing == HALF
    (tmp_path / "vit/model.safetensors").unlink()  # the result stands alone
    (tmp_path / "vit/config.json").unlink()
    assert_loaded_as_measured(tmp_path / "out", prepared, measured)


@pytest.mark.slow
def test_segformers_encoder_is_trained_with_the_head(fidelity, workspace, tmp_path):
    here = with_weights(workspace, tmp_path, mit=saved("segformer", MIT, tmp_path / "mit"))
    backbone = BackboneSpec(name="hf:mit", output_stride=32, levels=(4, 8, 16, 32), frozen=False)
    asked = with_backbone(fidelity, backbone, label_stride=1)
    (measured,) = retrain(HEAD, asked, here, tmp_path / "out", device="cpu")
    prepared = prepare(asked, here, device="cpu")
    before, after = prepared.backbone(frozen=False).state_dict(), load_file(tmp_path / "out/model.safetensors")
    name = "body.network.stages.0.patch_embeddings.proj.weight"
    assert not torch.equal(before[name], after[f"backbone.{name}"])
    assert_loaded_as_measured(tmp_path / "out", prepared, measured)


@pytest.mark.slow
def test_a_network_of_transformers_without_weights_is_warmed_up(fidelity, workspace, tmp_path):
    here = with_weights(workspace, tmp_path, vit=saved("dinov2", VIT, tmp_path / "vit"))
    backbone = BackboneSpec(name="hf:vit", output_stride=14, depths=(1, 2), weights=None, warmup_iterations=2)
    asked = with_backbone(fidelity, backbone, label_stride=1, crop=(70, 126))
    prepared = prepare(asked, here, device="cpu")
    assert prepared.preprocessing == IMAGENET
    assert prepared.weights is not None
    assert prepared.weights.parent == tmp_path / "cache/backbones"
    assert prepare(asked, here, device="cpu").weights == prepared.weights


def test_features_are_those_of_the_registered_preprocessing(fidelity, workspace, tmp_path):
    torch.manual_seed(0)
    backbone = fidelity.backbone.model_copy(update={"weights": "w"})
    asked = fidelity.model_copy(update={"backbone": backbone})
    path = tmp_path / "w.safetensors"
    save_file(build_backbone(backbone).state_dict(), path)
    plain = prepare(asked, with_weights(workspace, tmp_path, w=path), device="cpu")
    half = prepare(asked, with_weights(workspace, tmp_path, w={"path": path, **HALF.model_dump()}), device="cpu")
    same = prepare(asked, with_weights(workspace, tmp_path, w={"path": path, "mean": IMAGENET.mean}), device="cpu")
    assert same.bank is not None
    assert plain.bank is not None
    assert half.bank is not None
    assert same.bank.folder == plain.bank.folder != half.bank.folder
    image, _ = half.training_source().row(0)
    with torch.inference_mode():
        expected = half.backbone(frozen=True)(to_network(torch.from_numpy(image[None]), HALF))[0][0]
    assert np.allclose(half.bank.train_features[0][0], expected.permute(1, 2, 0), atol=1e-4)
    assert not np.allclose(half.bank.train_features[0][0], plain.bank.train_features[0][0], atol=1e-2)
