import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from nas.data.dataset import IGNORE
from nas.models.networks import SegmentationNetwork
from nas.results.measurement import Measurement
from nas.training.full_image import FullImageSpec
from nas.training.loop.augmentation import read_augmentation
from nas.training.loop.pixels import to_network
from nas.training.pictures import predict
from nas.training.prepare import prepare
from nas.training.retrain import retrain
from nas.training.retrained import load_retrained
from nas.weights.preprocessing import IMAGENET
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.document import read_architecture, write_document


@pytest.fixture
def document():
    return read_architecture({**write_document(PUBLISHED_CELL), "provenance": {"search": "s0123456789ab", "trial": 7}})


@pytest.fixture(scope="module")
def short(fidelity):
    return fidelity.model_copy(update={"rungs": (5, 9)})


def test_what_cannot_be_written_costs_the_picture_or_names_the_way_back(document, short, workspace, tmp_path, caplog):
    def trained() -> tuple[Measurement, ...]:
        return retrain(document, short, workspace, tmp_path, device="cpu")

    (tmp_path / "predictions.png").mkdir()
    expected = trained()
    assert "predictions.png cannot be written (Is a directory): the network is saved without it" in caplog.text
    assert load_retrained(tmp_path) is not None
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors").mkdir()
    wrong = r"^the trained network \(mIoU 0\.\d{4}\) cannot be written to .*Is a directory.*: make room there"
    with pytest.raises(OSError, match=wrong):
        trained()
    (tmp_path / "model.safetensors").rmdir()
    again = trained()  # from the checkpoint: nothing is trained
    assert [m.score for m in again] == [m.score for m in expected]
    assert load_retrained(tmp_path) is not None


def unfrozen(fidelity):
    return fidelity.model_copy(update={"backbone": fidelity.backbone.model_copy(update={"frozen": False})})


@pytest.mark.parametrize("trained", [False, True], ids=["frozen", "trained"])
def test_what_is_left_behind(document, short, workspace, tmp_path, trained):
    fidelity = unfrozen(short) if trained else short
    stages = {}
    measured = retrain(
        document,
        fidelity,
        workspace,
        tmp_path,
        seed=3,
        device="cpu",
        progress=lambda s, d, t: stages.update({s: (d, t)}),
    )
    assert [m.iteration for m in measured] == [5, 9]
    assert stages["training"] == (9, 9)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "architecture.json",
        "metrics.json",
        "model.safetensors",
        "predictions.png",
    ]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["score"] == measured[-1].score
    assert metrics["seed"] == 3
    assert set(metrics["rungs"][0]["class_iou"]) >= {"road", "sky", "car"}
    assert metrics["cost"]["seconds"] == measured[-1].seconds
    assert metrics["software"]["torch"] == torch.__version__
    backbone, rest = (
        metrics["parameters"]["backbone"],
        metrics["parameters"]["head"] + metrics["parameters"]["classifier"],
    )
    assert metrics["trained_parameters"] == (backbone + rest if trained else rest)
    written = read_architecture(tmp_path / "architecture.json")
    assert written.architecture == PUBLISHED_CELL
    assert (written.provenance.search, written.provenance.trial, written.provenance.seed) == ("s0123456789ab", 7, 3)
    assert [score.score for score in written.provenance.scores] == [m.score for m in measured]
    assert written.provenance.classes == tuple(metrics["rungs"][0]["class_iou"])
    with Image.open(tmp_path / "predictions.png") as picture:
        assert picture.size[0] > 3 * 128
        assert picture.size[1] > 4 * 64


def test_the_loaded_network_scores_what_was_measured(document, short, workspace, tmp_path):
    fidelity = short.model_copy(update={"label_stride": 1})
    measured = retrain(document, fidelity, workspace, tmp_path, device="cpu")
    network = load_retrained(tmp_path)
    assert not network.training
    prepared = prepare(fidelity, workspace, device="cpu")
    hits = np.zeros(19)
    union = np.zeros(19)
    for row in range(5):
        image, label = prepared.validation_source().row(row)
        guess = predict(network, image[None], torch.device("cpu"))[0]
        counted = label != IGNORE
        for c in range(19):
            hits[c] += ((label == c) & (guess == c) & counted).sum()
            union[c] += (((label == c) | (guess == c)) & counted).sum()
    for c, iou in enumerate(measured[-1].class_iou):
        assert (iou or 0.0) == pytest.approx(hits[c] / max(union[c], 1), abs=1e-3)


def test_a_trained_backbone_is_saved_as_trained(document, short, workspace, tmp_path):
    slow = short.model_copy(update={"head": short.head.model_copy(update={"bn_momentum": 0.0003})})
    fidelity = unfrozen(slow)
    retrain(document, fidelity, workspace, tmp_path, device="cpu")
    before = prepare(fidelity, workspace, device="cpu").backbone(frozen=False)
    network = load_retrained(tmp_path)
    assert isinstance(network, SegmentationNetwork)
    after, first = network.backbone, "body.features.0.0.weight"
    assert not torch.equal(before.get_parameter(first), after.get_parameter(first))
    images = to_network(torch.zeros(1, 64, 128, 3, dtype=torch.uint8), IMAGENET)
    assert after(images)[0].shape == (1, 8, 8, 16)
    assert {layer.momentum for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)} == {0.0003}


def test_killed_in_the_middle_and_started_again_ends_with_the_same_weights(
    document, fidelity, tiny_root, workspace, tmp_path
):
    long = unfrozen(fidelity).model_copy(update={"rungs": (4, 24)})
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    measured = retrain(document, long, workspace, whole, device="cpu", threads=1)

    (tmp_path / "cell.json").write_text(json.dumps(write_document(PUBLISHED_CELL)))
    (tmp_path / "fidelity.json").write_text(long.model_dump_json())
    command = [
        *(sys.executable, "-m", "nas.training", "retrain", str(tmp_path / "cell.json")),
        *("--fidelity", str(tmp_path / "fidelity.json"), "--dataset", f"tiny=cityscapes:{tiny_root}"),
        *("--cache", str(workspace.cache), "--output", str(torn), "--device", "cpu", "--threads", "1"),
        *("--checkpoint-seconds", "0"),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    victim = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while steps_done(torn / "checkpoint.pt") < 6 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert 6 <= steps_done(torn / "checkpoint.pt") < 24
    assert not (torn / "model.safetensors").exists()

    resumed = retrain(document, long, workspace, torn, device="cpu", threads=1)
    assert (torn / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert [m.score for m in resumed] == [m.score for m in measured]
    assert not (torn / "checkpoint.pt").exists()


def steps_done(checkpoint):
    if not checkpoint.exists():
        return 0
    return torch.load(checkpoint, weights_only=True)["state"]["loop"]["step"]


def test_augmentation_by_a_file(document, short, workspace, tmp_path, monkeypatch):
    pipeline = tmp_path / "pipeline.json"
    monkeypatch.setenv("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations

    albumentations.save(albumentations.Compose([albumentations.Affine(rotate=(-30, 30), p=1)]), str(pipeline))
    augmentation = read_augmentation(pipeline, short.crop)
    with pytest.raises(ValueError, match=r"set backbone\.frozen to false"):
        retrain(document, short, workspace, tmp_path / "frozen", device="cpu", augmentation=augmentation)

    fidelity = unfrozen(short)
    plain = retrain(document, fidelity, workspace, tmp_path / "plain", device="cpu")
    with pytest.raises(KeyboardInterrupt):
        retrain(
            document,
            fidelity,
            workspace,
            tmp_path / "torn",
            device="cpu",
            progress=interrupt_after(6),
            checkpoint_seconds=0,
            augmentation=augmentation,
        )
    steps = []
    for folder in ("whole", "torn"):
        augmented = retrain(
            document,
            fidelity,
            workspace,
            tmp_path / folder,
            device="cpu",
            progress=lambda stage, done, total: steps.append(done),
            augmentation=augmentation,
        )
        assert augmented[-1].train_loss != plain[-1].train_loss
    assert steps[-1] == 9
    assert min(steps[steps.index(9) + 1 :]) > 6
    one, other = (tmp_path / folder / "model.safetensors" for folder in ("whole", "torn"))
    assert one.read_bytes() == other.read_bytes()
    metrics = json.loads((tmp_path / "whole" / "metrics.json").read_text())
    assert metrics["augmentation"]["key"] == augmentation.key
    assert read_architecture(tmp_path / "whole" / "architecture.json").provenance.augmentation == augmentation.key


def interrupt_after(steps):
    def report(stage: str, done: int, total: int) -> None:
        if stage == "training" and done >= steps:
            raise KeyboardInterrupt

    return report


def test_the_average_of_the_weights_is_saved(document, short, workspace, tmp_path):
    """The network in the folder scores what was measured, and is not the network of the last step."""
    averaged = short.model_copy(update={"ema": 0.8, "label_stride": 1})
    measured = retrain(document, averaged, workspace, tmp_path / "averaged", device="cpu", evaluation=FullImageSpec())
    metrics = json.loads((tmp_path / "averaged" / "metrics.json").read_text())
    assert metrics["full_images"]["score"] == pytest.approx(measured[-1].score, abs=1e-4)  # the crop is the image
    retrain(document, averaged.model_copy(update={"ema": None}), workspace, tmp_path / "last", device="cpu")
    one, other = (load_retrained(tmp_path / folder).state_dict() for folder in ("averaged", "last"))
    assert not torch.equal(one["classifier.weight"], other["classifier.weight"])


def test_a_folder_that_is_not_a_retrained_network(document, short, workspace, tmp_path):
    with pytest.raises(ValueError, match=r"architecture\.json"):
        load_retrained(tmp_path)
    (tmp_path / "architecture.json").write_text(json.dumps(write_document(PUBLISHED_CELL)))
    with pytest.raises(ValueError, match=r"no provenance\.fidelity"):
        load_retrained(tmp_path)
    retrain(document, short.model_copy(update={"rungs": (1,)}), workspace, tmp_path, device="cpu")
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        load_retrained(tmp_path)
