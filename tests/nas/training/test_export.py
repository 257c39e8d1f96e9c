"""What leaves a retrained folder: `nas.load_network`, and `model.onnx` with the score that was reported."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import nas
from nas.models.pixel_network import PixelNetwork
from nas.training.export import export_retrained, export_untrained
from nas.training.loop.metrics import confusion_matrix, scores
from nas.training.loop.pixels import to_network
from nas.training.prepare import prepare
from nas.training.retrain import retrain
from nas.training.retrained import load_retrained
from nas.weights.preprocessing import IMAGENET
from search_spaces.dense_cell.architecture import AtrousSeparable, Branch, DenseCell, PyramidPooling
from search_spaces.document import Provenance, read_architecture, write_document

CELL = DenseCell(
    branches=(
        Branch(input=-1, operator=PyramidPooling(grid=(4, 4))),
        Branch(input=0, operator=AtrousSeparable(rate=(1, 6))),
    )
)


@pytest.fixture(scope="module")
def trained(fidelity, workspace, tmp_path_factory):
    """A retrained folder, what was measured, and the crops that were validated on."""
    folder = tmp_path_factory.mktemp("retrained")
    full = fidelity.model_copy(update={"label_stride": 1, "rungs": (20,)})
    document = read_architecture({**write_document(CELL), "provenance": {"search": "s0123456789ab", "trial": 7}})
    measured = retrain(document, full, workspace, folder, device="cpu", threads=1)
    source = prepare(full, workspace, device="cpu").validation_source()
    images, labels = zip(*(source.row(row) for row in range(len(source))), strict=True)
    return folder, measured[-1].score, np.stack(images), np.stack(labels)


def miou(labels, classes) -> float:
    return scores(confusion_matrix(torch.from_numpy(labels), torch.from_numpy(classes), 19)).miou


def test_the_loaded_network_predicts_images_as_they_are(trained):
    folder, score, images, labels = trained
    network = nas.load_network(str(folder))
    assert isinstance(network, PixelNetwork)
    assert network.class_names[:2] == ("road", "sidewalk")
    assert len(network.class_names) == 19
    classes = network.predict(images)
    assert (classes.shape, classes.dtype) == (labels.shape, np.uint8)
    assert miou(labels, classes) == pytest.approx(score, abs=1e-3)
    with torch.no_grad():
        expected = load_retrained(folder)(to_network(torch.from_numpy(images), network.preprocessing))
        found = network.network(to_network(torch.from_numpy(images), network.preprocessing))
    assert torch.equal(found, expected)


@pytest.mark.parametrize("wrong", [np.zeros((4, 4, 3), np.uint8), np.zeros((1, 3, 4, 4)), [1]])
def test_images_of_another_kind_are_refused(trained, wrong):
    with pytest.raises(ValueError, match=r"images are a numpy array of uint8, \(N, H, W, 3\) in RGB, not"):
        nas.load_network(trained[0]).predict(wrong)


def test_folders_that_retraining_did_not_write(trained, tmp_path):
    with pytest.raises(ValueError, match=r"no folder that retraining wrote: model\.safetensors, architecture\.json"):
        nas.load_network(tmp_path)
    with pytest.raises(ValueError, match=r"is a file; nas\.load_network takes the folder"):
        nas.load_network(trained[0] / "model.safetensors")
    with pytest.raises(ValueError, match="not int"):
        nas.load_network(3)  # type: ignore[arg-type]  # as a user might


def test_the_onnx_file_scores_what_was_reported(trained):
    onnxruntime = pytest.importorskip("onnxruntime")
    folder, score, images, labels = trained
    session = onnxruntime.InferenceSession(export_retrained(folder), providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"images": images.transpose(0, 3, 1, 2)})
    assert logits.shape == (5, 19, 64, 128)
    assert miou(labels, logits.argmax(1).astype(np.uint8)) == pytest.approx(score, abs=1e-3)
    known = session.get_modelmeta().custom_metadata_map
    assert json.loads(known["classes"])[0] == "road"
    assert (known["search"], known["trial"]) == ("s0123456789ab", "7")
    assert "part of the network" in known["preprocessing"]
    other = np.random.default_rng(0).integers(0, 256, (2, 3, 97, 80), np.uint8)
    (found,) = session.run(["logits"], {"images": other})
    with torch.no_grad():
        expected = nas.load_network(folder)(torch.from_numpy(other)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_the_onnx_file_of_normalised_images_gives_logits_at_the_stride(trained):
    onnxruntime = pytest.importorskip("onnxruntime")
    folder, _, images, _ = trained
    session = onnxruntime.InferenceSession(
        export_retrained(folder, input="normalised"), providers=["CPUExecutionProvider"]
    )
    given = to_network(torch.from_numpy(images[:2]), IMAGENET).contiguous()
    (found,) = session.run(["logits"], {"images": given.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(found, load_retrained(folder)(given).numpy(), rtol=0, atol=1e-4)


def test_a_searched_head_is_exported_to_be_timed(fidelity, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    provenance = Provenance(fidelity=fidelity.model_dump(mode="json"))
    document = read_architecture(write_document(CELL, provenance))
    export_untrained(document, tmp_path / "head.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "head.onnx", providers=["CPUExecutionProvider"])
    (features,) = session.get_inputs()
    assert (features.name, features.shape[1]) == ("features_8", 8)
    (output,) = session.run(None, {"features_8": np.zeros((1, 8, 9, 17), np.float32)})
    assert output.shape == (1, 8, 9, 17)
    assert session.get_modelmeta().custom_metadata_map["weights"] == "initial, not trained"
    with pytest.raises(ValueError, match="does not say how the architecture was searched"):
        export_untrained(read_architecture(write_document(CELL)), tmp_path / "other.onnx")
