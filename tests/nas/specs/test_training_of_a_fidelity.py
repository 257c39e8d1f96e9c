"""Optimiser, schedule, loss and moving average: how a fidelity trains."""

import pytest

from nas.specs import BackboneSpec, Fidelity, LossSpec, OptimizerSpec, ScheduleSpec


def test_defaults_are_left_out_so_that_older_fidelities_keep_their_keys():
    fidelity = Fidelity(dataset="scenes", backbone=BackboneSpec())
    dumped = fidelity.model_dump(mode="json")
    assert not {"loss", "ema"} & dumped.keys()
    assert "clip_norm" not in dumped["optimizer"]
    assert "decay" not in dumped["schedule"]
    assert fidelity.key == "d90ded9460e8a1d539e0090b4c7d84220b86d38ff57124d7557a5139ceecb68f"


@pytest.mark.parametrize(
    "change",
    [
        {"loss": {"dice": 1}},
        {"loss": {"name": "focal"}},
        {"ema": 0.999},
        {"optimizer": {"name": "adamw"}},
        {"optimizer": {"clip_norm": 1}},
        {"schedule": {"decay": "cosine"}},
    ],
)
def test_every_field_changes_the_key_and_survives_a_dump(change):
    fidelity = Fidelity.model_validate({"dataset": "scenes", **change})
    assert fidelity.key != Fidelity(dataset="scenes").key
    assert Fidelity.model_validate(fidelity.model_dump(mode="json")) == fidelity


@pytest.mark.parametrize(
    ("model", "fields", "says"),
    [
        (LossSpec, {"gamma": 3}, "gamma belongs to the loss focal, not to cross_entropy"),
        (LossSpec, {"dice": -1}, "greater than or equal to 0"),
        (ScheduleSpec, {"decay": "cosine", "power": 2}, "power belongs to the decay poly, not to cosine"),
        (OptimizerSpec, {"clip_norm": 0}, "greater than 0"),
        (OptimizerSpec, {"name": "lamb"}, "adamw"),
    ],
)
def test_what_is_refused(model, fields, says):
    with pytest.raises(ValueError, match=says):
        model.model_validate(fields)


@pytest.mark.parametrize("decay", [0, 1])
def test_a_decay_that_forgets_or_keeps_everything_is_refused(decay):
    with pytest.raises(ValueError, match="ema"):
        Fidelity(dataset="scenes", ema=decay)
