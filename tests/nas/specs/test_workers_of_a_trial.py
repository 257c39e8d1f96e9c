"""`resources.workers`: several processes for one trial."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from nas.specs import BlackBoxSpec, Fidelity, Resources


def spec(workers: int, batch: int, **resources: float) -> BlackBoxSpec:
    return BlackBoxSpec(
        name="a", fidelity=Fidelity(dataset="d", batch=batch), resources=Resources(workers=workers, **resources)
    )


def test_one_is_left_out_so_that_keys_stay():
    assert "workers" not in Resources().model_dump()
    assert Resources(workers=2).model_dump()["workers"] == 2
    assert spec(1, 8).key != spec(2, 8).key
    assert Resources.model_validate_json(Resources(workers=2).model_dump_json()) == Resources(workers=2)


@pytest.mark.parametrize("workers", [0, 65])
def test_bounds(workers):
    with pytest.raises(ValidationError):
        Resources(workers=workers)


def test_each_has_as_many_gpus():
    assert Resources(workers=4, gpus=8).gpus == 8
    for gpus in (0.5, 2, 6):
        with pytest.raises(ValidationError, match="do not divide by workers 4"):
            Resources(workers=4, gpus=gpus)


def test_each_has_an_equal_part_of_the_batch():
    assert spec(4, 8).resources.workers == 4
    with pytest.raises(ValidationError, match=r"fidelity\.batch 8 cannot be shared by 3 workers"):
        spec(3, 8)
