from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from nas import digests
from nas.data.bank import FeatureBank
from nas.data.dataset import DatasetError
from nas.data.entry import DatasetEntry
from nas.models.backbones.build import build_backbone
from nas.specs.holdout import Holdout
from nas.training.loop.pixels import to_network
from nas.training.prepare import Prepared, prepare
from nas.training.workspace import Workspace
from nas.weights.entry import WeightsEntry
from nas.weights.preprocessing import IMAGENET


@pytest.fixture
def prepared(fidelity, workspace):
    return prepare(fidelity, workspace, device="cpu")


def folder_of(prepared: Prepared) -> Path:
    assert prepared.bank is not None
    return prepared.bank.folder


def test_the_bank_holds_what_the_backbone_sees(prepared):
    backbone = prepared.backbone(frozen=True)
    for source, features in (
        (prepared.training_source(), prepared.bank.train_features[0]),
        (prepared.validation_source(), prepared.bank.val_features[0]),
    ):
        image, _ = source.row(3)
        seen = backbone(to_network(torch.from_numpy(image[None]), IMAGENET))[0][0].permute(1, 2, 0)
        assert np.allclose(features[3], seen.numpy(), atol=1e-4)


def test_training_features_are_standardized(prepared):
    stored = prepared.bank.train_features[0]
    features = stored.reshape(-1, stored.shape[-1])
    varies = features.std(0) > 0
    assert varies.any()
    assert np.abs(features.mean(0)).max() < 1e-3
    assert np.abs(features.std(0)[varies] - 1).max() < 1e-3


def test_class_pixels_are_those_of_all_views(fidelity, workspace, prepared):
    def counted(labels: np.ndarray) -> tuple[int, ...]:
        return tuple(int((labels == c).sum()) for c in range(19))

    assert prepared.class_pixels == counted(prepared.bank.train_labels)
    more = prepare(fidelity.model_copy(update={"views": 2}), workspace, device="cpu")
    assert more.bank is not None
    assert len(more.bank.train_labels) == 20
    assert more.class_pixels == counted(more.bank.train_labels)
    assert more.class_pixels != prepared.class_pixels


def test_without_a_frozen_backbone_there_is_no_bank_but_the_same_numbers(fidelity, workspace, prepared):
    backbone = fidelity.backbone.model_copy(update={"frozen": False})
    trained = prepare(fidelity.model_copy(update={"backbone": backbone}), workspace, device="cpu")
    assert trained.bank is None
    assert trained.class_pixels == prepared.class_pixels
    assert trained.weights == prepared.weights
    assert trained.statistics == prepared.statistics


def test_what_decides_the_features_decides_the_bank(fidelity, workspace, prepared):
    def folder(**changes: object) -> Path:
        return folder_of(prepare(fidelity.model_copy(update=changes), workspace, device="cpu"))

    assert folder(batch=2, rungs=(5,)) == prepared.bank.folder
    others: list[dict[str, object]] = [
        {"val_images": 2},
        {"train_images": 4},
        {"precision": "bfloat16"},
        {"label_stride": 4},
        {"resize": 0.5},
        {"holdout": Holdout()},
        {"holdout": Holdout(measure_on="kept_back")},
    ]
    folders = {folder(**changes) for changes in others}
    assert len(folders | {prepared.bank.folder}) == 8


def test_the_images_that_a_search_keeps_back_are_the_last_ones(fidelity, workspace, prepared):
    def validation(holdout: Holdout) -> FeatureBank:
        bank = prepare(fidelity.model_copy(update={"holdout": holdout}), workspace, device="cpu").bank
        assert bank is not None
        return bank

    selection, kept_back = validation(Holdout(share=0.3)), validation(Holdout(share=0.3, measure_on="kept_back"))
    joined = np.concatenate([selection.val_labels, kept_back.val_labels])
    assert np.array_equal(joined, prepared.bank.val_labels)
    assert np.array_equal(selection.train_labels, prepared.bank.train_labels)
    assert np.array_equal(kept_back.train_labels, prepared.bank.train_labels)
    assert len(kept_back.val_labels) < len(selection.val_labels)
    joined = np.concatenate([selection.val_features[0], kept_back.val_features[0]])
    assert np.array_equal(joined, prepared.bank.val_features[0])


def test_bfloat16_halves_the_features(fidelity, workspace, prepared):
    low = prepare(fidelity.model_copy(update={"precision": "bfloat16"}), workspace, device="cpu")
    assert low.bank is not None
    assert low.bank.train_features[0].nbytes * 2 == prepared.bank.train_features[0].nbytes


def test_given_weights_are_used_instead_of_a_warm_up(fidelity, workspace, tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "given.safetensors"
    save_file(build_backbone(fidelity.backbone).state_dict(), path)
    given = Workspace(workspace.datasets, {"given": WeightsEntry(path=path)}, tmp_path / "cache", tmp_path)
    backbone = fidelity.backbone.model_copy(update={"weights": "given"})
    stages = set()
    with_weights = fidelity.model_copy(update={"backbone": backbone})
    prepared = prepare(with_weights, given, device="cpu", progress=lambda *at: stages.add(at[0]))
    assert prepared.weights == path
    assert stages - {"files"} == {"labels", "features"}, "files that were written long ago have been read already"
    before = folder_of(prepared)
    torch.manual_seed(1)
    save_file(build_backbone(fidelity.backbone).state_dict(), path)
    assert folder_of(prepare(with_weights, given, device="cpu")) != before


def test_the_files_of_a_data_set_are_read_with_progress(fidelity, workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "_in_this_process", {})
    reports = []
    elsewhere = replace(workspace, cache=tmp_path)
    prepare(fidelity, elsewhere, device="cpu", progress=lambda *at: reports.append(at))
    files = [at for at in reports if at[0] == "files"]
    dataset = elsewhere.dataset("tiny")
    count = 2 * sum(map(len, (*dataset.splits.values(), dataset.appearance or ())))
    assert files == [("files", done + 1, count) for done in range(count)]
    assert reports[: len(files)] == files, "before anything else"


def test_a_preparation_that_is_there_reports_nothing(fidelity, workspace, prepared):
    prepare(fidelity, workspace, device="cpu", progress=lambda *_: pytest.fail("did it again"))


def test_heads_need_a_crop_that_fits_the_backbone(fidelity, workspace):
    """Specs know it before; a fidelity that comes from elsewhere is read here first."""
    odd = fidelity.model_copy(update={"crop": (66, 128)})
    with pytest.raises(ValueError, match=r"crop \[66, 128\] does not fit output stride 8"):
        prepare(odd, workspace, device="cpu")
    assert prepare(odd, workspace, whole_network=True, device="cpu").source is None


def test_missing_weights_and_data_are_named(fidelity, tmp_path, workspace):
    gone = Workspace({"tiny": DatasetEntry(layout="cityscapes", root=tmp_path / "nowhere")}, {}, tmp_path, tmp_path)
    with pytest.raises(DatasetError, match="nowhere"):
        prepare(fidelity, gone, device="cpu")
    lost = Workspace(workspace.datasets, {"lost": WeightsEntry(path=tmp_path / "lost.pth")}, tmp_path, tmp_path)
    backbone = fidelity.backbone.model_copy(update={"weights": "lost"})
    with pytest.raises(ValueError, match=r"lost\.pth"):
        prepare(fidelity.model_copy(update={"backbone": backbone}), lost, device="cpu")


def test_a_workspace_comes_from_the_settings(tmp_path, monkeypatch):
    from nas.settings import Settings

    monkeypatch.setenv("SEGNAS_HOME", str(tmp_path))
    monkeypatch.setenv("SEGNAS_WEIGHTS", '{"given": "/data/given.pth"}')
    workspace = Workspace.from_settings(Settings())
    assert workspace.cache == tmp_path.resolve() / "cache"
    assert [str(entry.path) for entry in workspace.weights.values()] == ["/data/given.pth"]
