import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from nas.data.dataset import Item, LabelTable, SegmentationDataset, Split
from nas.models.backbones.build import build_backbone, load_backbone_weights
from nas.training.backbone import warmup
from nas.training.backbone.source import BackboneSource
from nas.training.backbone.warmup import warm_backbone, warm_up_for
from nas.training.loop.images import ImageStream
from nas.training.prepare import prepare
from nas.training.progress import silent
from nas.training.workspace import Workspace

CPU = torch.device("cpu")


@pytest.fixture
def dataset(workspace):
    return workspace.dataset("tiny")


def weights_of(source: BackboneSource) -> Path:
    assert source.weights is not None
    return source.weights


def test_the_backbone_is_trained_once_and_found_again(fidelity, dataset, tmp_path):
    calls = []
    warm_up = warm_up_for(fidelity, dataset)
    path = weights_of(warm_backbone(warm_up, tmp_path, CPU, lambda *at: calls.append(at)))
    assert path == tmp_path / "backbones" / f"{warm_up.key}.safetensors"
    assert calls[-1] == ("warm-up", 12, 12)
    changed = path.stat().st_mtime_ns
    assert warm_backbone(warm_up, tmp_path, CPU, lambda *_: pytest.fail("trained twice")).weights == path
    assert path.stat().st_mtime_ns == changed
    load_backbone_weights(build_backbone(fidelity.backbone), path)
    report = json.loads(path.with_suffix(".json").read_text())
    assert report["iterations"] == 12
    assert report["images"] == 10
    assert 0 < report["loss"] < 3


def test_the_same_weights_whatever_the_process_did_before(fidelity, dataset, tmp_path):
    warm_up = warm_up_for(fidelity, dataset)
    torch.manual_seed(1)
    one = load_file(weights_of(warm_backbone(warm_up, tmp_path / "a", CPU, silent)))
    torch.manual_seed(2)
    other = load_file(weights_of(warm_backbone(warm_up, tmp_path / "b", CPU, silent)))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_decides_the_weights_decides_the_key(fidelity, dataset):
    def key(**changes: object) -> str:
        return warm_up_for(fidelity.model_copy(update=changes), dataset).key

    backbone = fidelity.backbone
    same: list[dict[str, object]] = [
        {"batch": 8},
        {"rungs": (5,)},
        {"backbone": backbone.model_copy(update={"frozen": False})},
    ]
    other: list[dict[str, object]] = [
        {"train_images": 3},
        {"crop": (32, 64)},
        {"backbone": backbone.model_copy(update={"warmup_iterations": 13})},
        {"backbone": backbone.model_copy(update={"width": 0.5})},
    ]
    assert {key(**changes) for changes in same} == {key()}
    assert len({key(**changes) for changes in other} | {key()}) == 5


def test_a_warm_up_crop_makes_crops_share_a_backbone(fidelity, dataset):
    backbone = fidelity.backbone.model_copy(update={"warmup_crop": (64, 64)})
    keys = {
        warm_up_for(fidelity.model_copy(update={"backbone": backbone, "crop": crop}), dataset).key
        for crop in ((64, 128), (32, 64))
    }
    assert len(keys) == 1


def test_scenes_are_warmed_up_on_their_appearance(fidelity, dataset):
    items = dataset.split("train").items[:2]
    scenes = SegmentationDataset(
        name_of_layout="cityscapes",
        root=dataset.root,
        class_names=dataset.class_names,
        palette=dataset.palette,
        splits=dataset.splits,
        appearance=Split("warmup", items, LabelTable.identity(30)),
        appearance_names=tuple(f"look {i}" for i in range(30)),
    )
    warm_up = warm_up_for(fidelity, scenes)
    assert (warm_up.stream.split.name, warm_up.stream.images, warm_up.classes) == ("warmup", 2, 30)
    assert warm_up_for(fidelity, dataset).stream.split.name == "train"


def test_the_loss_falls(fidelity, dataset, tmp_path):
    def loss(iterations) -> float:
        backbone = fidelity.backbone.model_copy(update={"warmup_iterations": iterations})
        warm_up = warm_up_for(fidelity.model_copy(update={"backbone": backbone}), dataset)
        path = weights_of(warm_backbone(warm_up, tmp_path, CPU, silent))
        return json.loads(path.with_suffix(".json").read_text())["loss"]

    assert loss(40) < 0.7 * loss(1)


PREPARER = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
import torch
from nas.data.entry import DatasetEntry
from nas.specs import Fidelity
from nas.training.loop.images import ImageStream
from nas.training.prepare import prepare
from nas.training.workspace import Workspace
root, cache, fidelity = Path(sys.argv[1]), Path(sys.argv[2]), Fidelity.model_validate_json(sys.argv[3])
torch.set_num_threads(1)
workspace = Workspace({{"tiny": DatasetEntry(layout="cityscapes", root=root)}}, {{}}, cache, cache)
print("ready", flush=True)
stages = set()
prepare(fidelity, workspace, device="cpu", progress=lambda stage, done, total: stages.add(stage))
print(*sorted(stages), flush=True)
"""


def test_two_processes_prepare_once(fidelity, workspace, tiny_root, tmp_path):
    command = [sys.executable, "-c", PREPARER.format(path=sys.path), str(tiny_root), str(tmp_path)]
    other = subprocess.Popen([*command, fidelity.model_dump_json()], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    stages = set()
    here = Workspace(workspace.datasets, {}, tmp_path, tmp_path)
    prepare(fidelity, here, device="cpu", progress=lambda stage, done, total: stages.add(stage))
    there = other.communicate()[0].split()
    assert other.returncode == 0
    # Each stage was done by one of the two, which one is chance; the files of the data set were read by each.
    made = [stage for stage in (*stages, *there) if stage != "files"]
    assert sorted(made) == ["features", "labels", "warm-up"]
    assert len(list((tmp_path / "backbones").glob("*.safetensors"))) == 1
    assert len(list((tmp_path / "banks").glob("*/report.json"))) == 1


def test_classes_are_weighted_by_all_label_maps(fidelity, tmp_path):
    """Class 1 is in the last of 66 label maps alone, on all of its cells; class 2 is in none."""
    items = [Item(tmp_path / "no image", tmp_path / f"{index}.png") for index in range(66)]
    for index, item in enumerate(items):
        Image.new("L", (16, 16), index // 65).save(item.label)
    split = Split("train", tuple(items), LabelTable.identity(3))
    stream = ImageStream(split, 66, (16, 16), fidelity.augment, 8, 0)
    weights = warmup._weights(warmup.WarmUp(fidelity.backbone, "data", stream, 3))
    assert weights.tolist() == pytest.approx([(65 / 66) ** -0.5, (1 / 66) ** -0.5, 100.0])
