"""Every head that a reference search measures, and a cell with every unit, through a whole trial."""

import pytest

from nas.results.measurement import Measurement
from nas.training.evaluate import evaluate
from search_spaces.dense_cell.architecture import EXTENDED_OPERATORS, Branch, DenseCell
from search_spaces.reference.heads import reference_heads
from search_spaces.text import architecture_text

ALL_UNITS = DenseCell(
    branches=tuple(Branch(input=index % 2 - 1, operator=op) for index, op in enumerate(EXTENDED_OPERATORS[81:]))
)


def costs(measurement: Measurement) -> tuple[int, int]:
    """(parameters, multiply-adds), which every new measurement has."""
    assert measurement.parameters is not None
    assert measurement.multiply_adds is not None
    return measurement.parameters, measurement.multiply_adds


@pytest.mark.parametrize("head", [*reference_heads(16), ALL_UNITS], ids=lambda head: architecture_text(head)[:30])
def test_a_trial_of_it(head, fidelity, workspace):
    short = fidelity.model_copy(update={"rungs": (4, 12)})
    measured = list(evaluate(head, short, 0, workspace=workspace, device="cpu"))
    assert [m.iteration for m in measured] == [4, 12]
    assert measured[1].train_loss < measured[0].train_loss
    assert all(count > 0 for count in costs(measured[1]))


def test_a_unit_costs_more_than_its_bare_trunk(fidelity, workspace):
    short = fidelity.model_copy(update={"rungs": (2,)})
    bare, *with_unit = (
        next(iter(evaluate(head, short, 0, workspace=workspace, device="cpu"))) for head in reference_heads(16)[4:]
    )
    parameters, multiply_adds = costs(bare)
    assert all(costs(m)[0] > parameters for m in with_unit)
    assert all(costs(m)[1] > multiply_adds for m in with_unit)
