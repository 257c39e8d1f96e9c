import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from nas.cli.app import app
from nas.published import DATASETS, published, published_beside
from nas.specs import Fidelity
from search_spaces import PUBLISHED_CELL, DenseCell, ReferenceHead


def test_every_number_has_a_source_and_a_place_in_it():
    scores = published()
    assert {score.dataset for score in scores} == set(DATASETS)
    for score in scores:
        assert score.source.url.startswith("https://")
        assert score.source.title
        assert score.source.venue
        assert score.where
        assert 20 < score.miou < 90  # percent, not a share


def test_no_number_stands_twice():
    rows = [(s.dataset, s.method, s.backbone, s.split, s.extra, s.miou) for s in published()]
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize(
    ("dataset", "method", "backbone", "split", "miou"),
    [
        ("cityscapes", "DPC", "Xception", "val", 80.85),
        ("cityscapes", "DPC", "Xception-71", "test", 82.7),
        ("cityscapes", "Auto-DeepLab-S", "none (F = 20)", "val", 79.74),
        ("cityscapes", "GloRe, 1 unit", "ResNet-50", "val", 78.25),
        ("ade20k", "GCU", "ResNet-101", "val", 44.81),
        ("ade20k", "PSPNet", "ResNet-50", "val", 42.78),
        ("ade20k", "SegFormer-B0", "MiT-B0", "val", 37.4),
        ("ade20k", "linear on frozen DINOv2", "ViT-S/14", "val", 44.3),
        ("pascal_context", "SGR", "ResNet-101", "val", 50.8),
        ("voc2012", "DPC", "Xception", "test", 87.9),
    ],
)
def test_some_numbers_everybody_quotes(dataset, method, backbone, split, miou):
    found = [s.miou for s in published(dataset) if (s.method, s.backbone, s.split) == (method, backbone, split)]
    assert found == [miou]


def test_one_data_set_ordered():
    scores = published("cityscapes")
    assert {score.dataset for score in scores} == {"cityscapes"}
    assert [(s.split, -s.miou) for s in scores] == sorted((s.split, -s.miou) for s in scores)


def test_unknown_data_sets_list_the_known():
    with pytest.raises(
        ValueError, match="no published scores on 'camvid' are shipped; known: cityscapes, voc2012, ade20k"
    ):
        published("camvid")


def test_no_torch():
    code = "import sys, nas.published; nas.published.published(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_command_prints_json_and_a_table():
    runner = CliRunner()
    rows = json.loads(runner.invoke(app, ["published", "--dataset", "ade20k", "--json"]).stdout)
    assert {row["dataset"] for row in rows} == {"ade20k"}
    gcu = {"miou": 44.81, "pixel_accuracy": 81.19, "method": "GCU"}
    assert sum(gcu.items() <= row.items() for row in rows) == 1
    printed = runner.invoke(app, ["published"]).stdout
    for dataset in DATASETS:
        assert f"{dataset}: published mIoU in percent" in printed
    assert "Auto-DeepLab-L" in printed


DINO = {"name": "hf:facebook/dinov2-small", "output_stride": 14}
FROZEN = Fidelity.model_validate({"dataset": "ade20k", "backbone": DINO, "crop": (518, 518)})
RESNET = {"name": "resnet50", "weights": None, "frozen": False, "output_stride": 32, "levels": (4, 8, 16, 32)}
PYRAMID = Fidelity.model_validate({"dataset": "ade20k", "backbone": RESNET, "crop": (513, 513)})


def miou_beside(head: ReferenceHead | DenseCell, fidelity: Fidelity) -> list[float]:
    return [score.miou for score in published_beside(head, fidelity)]


def test_a_published_score_stands_beside_the_same_setting():
    assert miou_beside(ReferenceHead(name="linear"), FROZEN) == [44.3]
    assert miou_beside(ReferenceHead(name="upernet", channels=512), PYRAMID) == [40.44]
    assert miou_beside(ReferenceHead(name="fpn", channels=128), PYRAMID) == [37.49]
    cityscapes = PYRAMID.model_copy(update={"dataset": "cityscapes"})
    assert miou_beside(ReferenceHead(name="fpn", channels=128), cityscapes) == [74.52]


def test_transformers_by_their_names():
    def on(backbone: str) -> Fidelity:
        return PYRAMID.model_copy(update={"backbone": PYRAMID.backbone.model_copy(update={"name": backbone})})

    assert miou_beside(ReferenceHead(name="segformer", channels=256), on("hf:nvidia/mit-b0")) == [37.4]
    assert miou_beside(ReferenceHead(name="segformer", channels=256), on("hf:nvidia/mit-b4")) == [], "there it is 768"
    assert miou_beside(ReferenceHead(name="segformer", channels=768), on("hf:nvidia/mit-b4")) == [50.3]
    swin = "hf:microsoft/swin-tiny-patch4-window7-224"
    assert miou_beside(ReferenceHead(name="upernet", channels=512), on(swin)) == [44.51]


def test_only_what_can_be_measured_again_is_alike():
    scores = [score for score in published() if score.alike is not None]
    assert len(scores) == 15
    assert {(score.split, score.multi_scale) for score in scores} == {("val", False)}


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset": "scenes"},
        {"val_images": 100},
        {"resize": 0.5},
        {"label_stride": 2},
        {"backbone": FROZEN.backbone.model_copy(update={"frozen": False})},
        {"backbone": FROZEN.backbone.model_copy(update={"name": "hf:facebook/dinov2-base-of-ours"})},
    ],
)
def test_another_setting_has_none_beside_it(changes):
    assert miou_beside(ReferenceHead(name="linear"), FROZEN.model_copy(update=changes)) == []


def test_another_head_has_none_beside_it():
    assert miou_beside(ReferenceHead(name="upernet"), PYRAMID) == [], "256 filters, where the paper has 512"
    assert miou_beside(ReferenceHead(name="conv1x1"), FROZEN) == []
    assert miou_beside(PUBLISHED_CELL, FROZEN) == []
    coarse = PYRAMID.model_copy(update={"backbone": PYRAMID.backbone.model_copy(update={"levels": (8, 16, 32)})})
    assert miou_beside(ReferenceHead(name="fpn", channels=128), coarse) == []
