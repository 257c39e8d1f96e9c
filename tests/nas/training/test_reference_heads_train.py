"""Every head that a reference search measures, and a cell with every unit, through a whole trial."""

import pytest

from nas.training.evaluate import evaluate
from search_spaces.dense_cell.architecture import EXTENDED_OPERATORS, Branch, DenseCell
from search_spaces.reference.heads import reference_heads
from search_spaces.text import architecture_text

ALL_UNITS = DenseCell(
    branches=tuple(Branch(input=index % 2 - 1, operator=op) for index, op in enumerate(EXTENDED_OPERATORS[81:]))
)


@pytest.mark.parametrize("head", [*reference_heads(16), ALL_UNITS], ids=lambda head: architecture_text(head)[:30])
def test_a_trial_of_it(head, fidelity, workspace):
    short = fidelity.model_copy(update={"rungs": (4, 12)})
    measured = list(evaluate(head, short, 0, workspace=workspace, device="cpu"))
    assert [m.iteration for m in measured] == [4, 12]
    assert measured[1].train_loss < measured[0].train_loss
    assert measured[1].parameters > 0
    assert measured[1].multiply_adds > 0


def test_a_unit_costs_more_than_its_bare_trunk(fidelity, workspace):
    short = fidelity.model_copy(update={"rungs": (2,)})
    bare, *with_unit = (
        next(iter(evaluate(head, short, 0, workspace=workspace, device="cpu"))) for head in reference_heads(16)[4:]
    )
    assert all(m.parameters > bare.parameters for m in with_unit)
    assert all(m.multiply_adds > bare.multiply_adds for m in with_unit)
