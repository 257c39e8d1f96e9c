"""A whole search on a handful of images: what moves when, what stops it, and going on after an interruption."""

import threading
from typing import Any

import numpy as np
import pytest
import torch

from nas.results.snapshot import Snapshot
from nas.specs import AugmentSpec, AutoDeepLabSpec, BilevelSpec, HessianStop, StopSpec, SupernetSpec
from nas.training.bilevel import StepsDone, search, search_with_progress
from nas.training.bilevel.remedies import count_skips, has_grown
from nas.training.bilevel.search import _Run
from nas.training.bilevel.split import A, B, ImageStore, PartBatches, split_training_images
from search_spaces.auto_deeplab.architecture import PUBLISHED_AUTO_DEEPLAB


def make_spec(supernet=None, bilevel=None, **changes: Any):
    """5 images in part A: 2 steps of 2 an epoch."""
    small = {"layers": 2, "levels": 2, "blocks": 2, "filters": 4, "stem": 4, **(supernet or {})}
    loop = {
        "dataset": "tiny",
        "crop": (33, 33),
        "augment": AugmentSpec(scale=(0.8, 1.2)),
        "epochs": 3,
        "architecture_from_epoch": 1,
        "val_images": 2,
        **(bilevel or {}),
    }
    return AutoDeepLabSpec(name="small", supernet=SupernetSpec(**small), bilevel=BilevelSpec(**loop), **changes)


def run(spec, workspace, seed=0, **arguments: Any):
    return list(search(spec, seed, workspace=workspace, device="cpu", **arguments))


def timeless(snapshots):
    return [snapshot.model_copy(update={"device_seconds": 0.0}) for snapshot in snapshots]


class StoppedError(Exception):
    """What a killed process looks like from inside."""


def test_a_snapshot_after_every_epoch(workspace):
    snapshots = run(make_spec(), workspace)
    assert [(snapshot.epoch, snapshot.step) for snapshot in snapshots] == [(1, 2), (2, 4), (3, 6)]
    assert [snapshot.finished for snapshot in snapshots] == [False, False, True]
    first, second, _ = snapshots
    assert first.architecture_loss is None
    assert second.architecture_loss is not None
    assert len(first.alpha) == 5
    assert len(first.alpha[0]) == 8
    assert [len(ways) for ways in first.beta] == [2, 2, 2]  # the stem, then two levels
    assert second.alpha != first.alpha
    assert second.beta != first.beta
    assert 0.9 < first.alpha_entropy <= 1 + 1e-6
    assert Snapshot.model_validate_json(second.model_dump_json()) == second


def test_it_tells_how_far_it_is_between_the_snapshots(workspace):
    events = list(search_with_progress(make_spec(), 0, workspace=workspace, device="cpu", every_seconds=0))
    assert [one if isinstance(one, StepsDone) else one.epoch for one in events] == [(1, 6), 1, (3, 6), 2, (5, 6), 3]
    assert timeless([one for one in events if isinstance(one, Snapshot)]) == timeless(run(make_spec(), workspace))


def test_same_seed_same_run_and_another_seed_another(workspace):
    one, same, other = (run(make_spec(), workspace, seed)[-1] for seed in (1, 1, 2))
    assert timeless([one]) == timeless([same])
    assert one.alpha != other.alpha


def test_weights_are_trained_on_part_a_and_the_architecture_on_part_b(workspace, monkeypatch):
    read: dict[str, set[int]] = {"A": set(), "B": set()}
    load = ImageStore.load

    def noted(store: ImageStore, row: int) -> Any:
        read[threading.current_thread().name[0]].add(row)  # the loaders of a part are threads of its name
        return load(store, row)

    monkeypatch.setattr(ImageStore, "load", noted)
    snapshots = run(make_spec(), workspace, seed=4)
    part_a, part_b = split_training_images(10, 4)
    assert read["A"] == set(part_a.tolist())
    assert read["B"] <= set(part_b.tolist())
    assert len(read["B"]) >= 4
    assert snapshots[0].architecture_loss is None


def test_the_architecture_waits_for_its_epoch(workspace):
    first, second, _ = run(make_spec(bilevel={"architecture_from_epoch": 2}), workspace)
    assert first.alpha == second.alpha
    assert first.beta == second.beta


def test_every_random_choice_follows_from_the_seed(workspace):
    """Initial weights, the split, the order and the crops; each alone, since any one makes two runs differ."""
    one, other = (_Run(make_spec(), seed, workspace, torch.device("cpu")) for seed in (1, 2))
    weights, others = (run._build().model.state_dict() for run in (one, other))
    assert any(not torch.equal(weights[name], others[name]) for name in weights)
    for part in (A, B):
        first, second = one._part[part], other._part[part]
        assert not np.array_equal(first._rows, second._rows)
        assert positions(first) != positions(second)
        row = int(first._rows[0])
        assert not np.array_equal(first._draw(0, row)[0], second._draw(0, row)[0])


def positions(batches: PartBatches) -> list[int]:
    """Where in its part each image of the first two steps stands: the order alone, whatever the part holds."""
    rows = batches._rows.tolist()
    return [rows.index(row) for _, row in batches._draws(0) + batches._draws(1)]


@pytest.mark.parametrize(("stop_after", "second_order"), [(1, False), (4, False), (3, True)])
def test_it_goes_on_bit_identically_from_any_step(workspace, tmp_path, stop_after, second_order):
    spec = make_spec(bilevel={"second_order": second_order, "class_weighting": 0.5})
    whole = run(spec, workspace)
    path = tmp_path / "state.pt"

    def stop(done, total) -> None:
        assert total == 6
        if done == stop_after:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(spec, workspace, checkpoint=path, checkpoint_seconds=0, on_step=stop)
    steps = []
    rest = run(spec, workspace, checkpoint=path, on_step=lambda done, total: steps.append(done))
    assert steps == list(range(stop_after + 1, 7))
    assert timeless(rest) == timeless(whole)
    assert run(spec, workspace, checkpoint=path) == rest


def test_a_checkpoint_of_another_spec_is_refused(workspace, tmp_path):
    path = tmp_path / "state.pt"
    run(make_spec(bilevel={"epochs": 2}), workspace, checkpoint=path)
    for spec, seed in ((make_spec(), 0), (make_spec(bilevel={"epochs": 2}), 1)):
        with pytest.raises(ValueError, match="another spec, seed or data set"):
            search(spec, seed, workspace=workspace, device="cpu", checkpoint=path)


def test_an_unknown_data_set_is_refused_at_the_call(workspace):
    with pytest.raises(ValueError, match="not registered"):
        search(make_spec(bilevel={"dataset": "elsewhere"}), 0, workspace=workspace)


def test_skips_stop_the_run(workspace):
    spec = make_spec({"operators": ("skip", "none")}, stop=StopSpec(max_skips=3))
    last = run(spec, workspace)[-1]
    assert (last.epoch, last.stopped_by, last.finished) == (2, "skips", True)


def test_curvature_is_measured_and_changes_nothing(workspace):
    plain = run(make_spec(), workspace)
    watched = run(make_spec(stop=StopSpec(hessian=HessianStop(window=5, iterations=2))), workspace)
    assert watched[0].hessian_eigenvalue is None
    assert watched[1].hessian_eigenvalue is not None
    assert [snapshot.alpha for snapshot in watched] == [snapshot.alpha for snapshot in plain]


def test_remedies_by_hand():
    assert count_skips(PUBLISHED_AUTO_DEEPLAB) == 0
    assert not has_grown([1.0] * 9, 5, 1.33)
    assert not has_grown([1.0] * 5 + [1.3] * 5, 5, 1.33)
    assert has_grown([1.0] * 5 + [1.4] * 5, 5, 1.33)


def test_auxiliary_skip_and_partial_channels_run(workspace):
    spec = make_spec({"auxiliary_skip": True, "partial_channels": 2, "activation_checkpointing": True})
    assert run(spec, workspace)[-1].finished


def test_one_image_and_a_map_of_one_cell_train(workspace):
    """Batch 1 with a 1x1 map, where batch norm as torch has it refuses; the spec keeps users away from it."""
    from nas.models.supernet import build_supernet

    net = build_supernet(SupernetSpec(layers=2, levels=3, filters=4, stem=4, blocks=1), 3).train()
    logits = net(torch.randn(1, 3, 16, 16))
    logits.sum().backward()
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"acceleration": "compile"}, "acceleration 'compile' does not work yet"),
        ({"acceleration": "graph"}, "acceleration 'graph' does not work yet"),
        ({"precision": "bfloat16"}, "9 times slower on a CPU: set it to float32"),
    ],
)
def test_options_that_do_not_pay_are_refused(workspace, option, sentence):
    with pytest.raises(ValueError, match=sentence):
        search(make_spec(bilevel=option), 0, workspace=workspace, device="cpu")


def test_a_run_with_native_kernels_goes_on_bit_identically(workspace, tmp_path, native_supernet):
    assert native_supernet is not None
    spec, checkpoint = make_spec(), tmp_path / "state"

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(spec, workspace, checkpoint=checkpoint, checkpoint_seconds=0.0, on_step=stop)
    assert timeless(run(spec, workspace, checkpoint=checkpoint)) == timeless(run(spec, workspace))
