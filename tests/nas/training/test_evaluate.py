import contextlib
import itertools
import resource
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nas.models.networks import SegmentationNetwork
from nas.results.measurement import TrialError
from nas.specs import HeadSpec, ScheduleSpec
from nas.training.evaluate import evaluate
from nas.training.loop.batches import as_tensor
from nas.training.loop.checkpoint import checkpoint_key, load_checkpoint, save_checkpoint
from nas.training.loop.device import compute_dtype, pick_device, thread_count
from nas.training.prepare import prepare
from nas.training.trial import build_trial_network
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.reference.architecture import ReferenceHead

CPU = torch.device("cpu")


def measure(fidelity, workspace, seed=0, architecture=PUBLISHED_CELL, **options: Any):
    return list(evaluate(architecture, fidelity, seed, workspace=workspace, device="cpu", **options))


def without_times(measurements):
    return [measurement.model_dump(exclude={"seconds", "device_seconds"}) for measurement in measurements]


def test_one_measurement_a_rung_and_the_same_again(fidelity, workspace):
    first = measure(fidelity, workspace)
    assert [m.iteration for m in first] == [8, 20]
    assert 0 < first[0].seconds < first[1].seconds
    assert without_times(measure(fidelity, workspace)) == without_times(first)
    assert without_times(measure(fidelity, workspace, seed=1)) != without_times(first)


@pytest.fixture(scope="module")
def one_step(fidelity, workspace):
    """A fidelity of one step without dropout, whose training loss is that of the initial weights on the first batch."""
    head = fidelity.head.model_copy(update={"dropout": 0.0})
    fidelity = fidelity.model_copy(update={"rungs": (1,), "head": head, "class_weighting": 0.7})
    return prepare(fidelity, workspace, device="cpu")


def first_loss(prepared, weights_seed: int, order_seed: int) -> float:
    """The loss of the first step, with initial weights and a batch of these seeds, in plain torch."""
    network = build_trial_network(PUBLISHED_CELL, prepared, weights_seed)
    assert isinstance(network, SegmentationNetwork)
    order = np.random.default_rng((order_seed, 0, 0)).permutation(len(prepared.bank.train_labels))
    rows = torch.from_numpy(order[: prepared.fidelity.batch])
    features = as_tensor(prepared.bank.train_features[0])[rows].permute(0, 3, 1, 2).float()
    labels = torch.from_numpy(prepared.bank.train_labels)[rows].long()
    network.head.train()
    logits = network.classifier(network.head(features))
    frequency = np.array(prepared.class_pixels) / sum(prepared.class_pixels)
    weight = torch.tensor(np.maximum(frequency, 1e-4) ** -0.7, dtype=torch.float32)
    return F.cross_entropy(logits, labels, weight, ignore_index=255).item()


def test_the_first_loss_follows_from_the_seed(one_step, workspace):
    """The seed decides the initial weights and the order of the data, each on its own; class weights count."""
    for seed in (0, 3):
        (measured,) = measure(one_step.fidelity, workspace, seed=seed)
        assert measured.train_loss == pytest.approx(first_loss(one_step, seed, seed), rel=1e-4)
    others = {first_loss(one_step, *seeds) for seeds in ((3, 3), (3, 0), (0, 3), (0, 0))}
    assert len(others) == 4


def test_training_learns(fidelity, workspace):
    longer = fidelity.model_copy(update={"rungs": (150,), "head": HeadSpec(channels=16, dropout=0.0)})
    (measured,) = measure(longer, workspace, architecture=ReferenceHead(name="conv1x1"))
    assert measured.score > 0.55  # three classes; road and sky alone give two thirds
    assert measured.class_iou[0] > 0.7
    assert measured.class_iou[1] is None
    assert measured.val_loss < 1.0


def test_a_rung_with_its_own_schedule_is_what_a_shorter_training_gives(fidelity, workspace):
    shorter = fidelity.model_copy(update={"rungs": (8,)})
    assert without_times(measure(shorter, workspace)) == without_times(measure(fidelity, workspace)[:1])
    single = fidelity.model_copy(update={"schedule": ScheduleSpec(name="single", warmup=2)})
    assert without_times(measure(single, workspace)[:1]) != without_times(measure(shorter, workspace))


def test_going_on_after_a_rung_is_bit_identical(fidelity, workspace, tmp_path):
    whole = measure(fidelity, workspace, checkpoint=tmp_path / "whole.pt")
    path = tmp_path / "trial" / "checkpoint.pt"
    stopped = evaluate(PUBLISHED_CELL, fidelity, 0, workspace=workspace, device="cpu", checkpoint=path)
    first = next(stopped)
    assert isinstance(stopped, Generator)
    stopped.close()  # the process dies here
    torch.rand(100)
    resumed = measure(fidelity, workspace, checkpoint=path)
    assert resumed[0] == first  # measured before, yielded again, times included
    assert without_times(resumed) == without_times(whole)
    assert resumed[1].seconds > first.seconds
    key = checkpoint_key(PUBLISHED_CELL.key, fidelity.key, 0, CPU)
    states = [load_checkpoint(file, key) for file in (path, tmp_path / "whole.pt")]
    one, other = (state["loop"]["model"] for state in states if state is not None)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_finished_trial_only_repeats_its_measurements(fidelity, workspace, tmp_path):
    path = tmp_path / "checkpoint.pt"
    finished = measure(fidelity, workspace, checkpoint=path)
    changed = path.stat().st_mtime_ns
    assert measure(fidelity, workspace, checkpoint=path) == finished
    assert path.stat().st_mtime_ns == changed


def test_a_strangers_checkpoint_is_not_used(fidelity, workspace, tmp_path):
    path = tmp_path / "checkpoint.pt"
    measure(fidelity, workspace, seed=1, checkpoint=path)
    assert without_times(measure(fidelity, workspace, checkpoint=path)) == without_times(measure(fidelity, workspace))


def test_a_broken_checkpoint_is_not_used(fidelity, workspace, tmp_path, caplog):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"half a file")
    assert len(measure(fidelity, workspace, checkpoint=path)) == 2
    assert "cannot be read" in caplog.text


def test_a_checkpoint_knows_whose_it_is(tmp_path):
    path, key = tmp_path / "checkpoint.pt", checkpoint_key("a", "f", 0, CPU)
    assert load_checkpoint(path, key) is None
    save_checkpoint(path, key, {"step": 3})
    assert load_checkpoint(path, key) == {"step": 3}
    others = [("b", "f", 0), ("a", "g", 0), ("a", "f", 1)]
    assert all(load_checkpoint(path, checkpoint_key(*other, CPU)) is None for other in others)
    assert load_checkpoint(path, checkpoint_key("a", "f", 0, torch.device("cuda", 0))) is None


@pytest.mark.parametrize("name", ["conv1x1", "aspp", "ppm"])
def test_reference_heads_train_as_well(fidelity, workspace, name):
    assert len(measure(fidelity, workspace, architecture=ReferenceHead(name=name))) == 2


def test_labels_at_every_pixel(fidelity, workspace):
    measured = measure(fidelity.model_copy(update={"label_stride": 1, "rungs": (4,)}), workspace)
    assert measured[0].iteration == 4


def test_bfloat16_on_a_cpu(fidelity, workspace):
    low = fidelity.model_copy(update={"precision": "bfloat16", "rungs": (6,)})
    assert without_times(measure(low, workspace)) == without_times(measure(low, workspace))


def test_the_backbone_trained_with_the_head(fidelity, workspace):
    backbone = fidelity.backbone.model_copy(update={"frozen": False})
    whole = fidelity.model_copy(update={"backbone": backbone, "rungs": (3, 5)})
    first = measure(whole, workspace)
    assert [m.iteration for m in first] == [3, 5]
    assert without_times(measure(whole, workspace)) == without_times(first)


def test_device_seconds_are_the_share_held(fidelity, workspace):
    measured = measure(fidelity.model_copy(update={"rungs": (3,)}), workspace, devices=0.25)[0]
    assert measured.device_seconds == pytest.approx(measured.seconds / 4)


@contextlib.contextmanager
def memory_limit(extra: int) -> Iterator[None]:
    """Let this process have at most that many more bytes of address space: a refusal, not the machine's killer."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + extra, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def test_out_of_memory_ends_the_trial(fidelity, workspace):
    # One activation takes 4096 x 256 x 8 x 16 x 4 B = 0.5 GiB, and there are dozens.
    huge = fidelity.model_copy(update={"batch": 4096, "head": HeadSpec(channels=256), "rungs": (1,)})
    prepare(huge, workspace, device="cpu")
    with memory_limit(2**30), pytest.raises(TrialError, match="out of memory while training"):
        measure(huge, workspace)


def test_threads_are_set_while_it_runs(fidelity, workspace):
    before = torch.get_num_threads()
    short = fidelity.model_copy(update={"rungs": (1,)})
    running = evaluate(PUBLISHED_CELL, short, 0, workspace=workspace, device="cpu", threads=2)
    next(running)
    assert torch.get_num_threads() == 2
    assert isinstance(running, Generator)
    running.close()
    assert torch.get_num_threads() == before
    with thread_count(None):
        assert torch.get_num_threads() == before


@pytest.mark.parametrize("device", ["tpu", "cuda:99", "meta"])
def test_devices_that_are_not_there(device):
    with pytest.raises(ValueError, match="device"):
        pick_device(device)


def test_precision_follows_the_fidelity(fidelity):
    assert compute_dtype(fidelity, CPU) is torch.float32
    assert compute_dtype(fidelity.model_copy(update={"precision": "bfloat16"}), CPU) is torch.bfloat16


def test_unknown_names_list_the_known_ones(fidelity, workspace):
    with pytest.raises(ValueError, match=r"'moon' is not registered; known: tiny"):
        next(iter(measure(fidelity.model_copy(update={"dataset": "moon"}), workspace)))
    backbone = fidelity.backbone.model_copy(update={"weights": "imagenet"})
    with pytest.raises(ValueError, match=r"'imagenet' are not registered; known: none"):
        measure(fidelity.model_copy(update={"backbone": backbone}), workspace)


def test_measurements_arrive_as_they_are_made(fidelity, workspace):
    running = evaluate(PUBLISHED_CELL, fidelity, 0, workspace=workspace, device="cpu")
    assert [m.iteration for m in itertools.islice(running, 1)] == [8]
    assert isinstance(running, Generator)
    running.close()
