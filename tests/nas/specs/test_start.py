import json

import pytest

from nas.specs import (
    BackboneSpec,
    BlackBoxRequest,
    BlackBoxSpec,
    CellLimit,
    DenseCellSpace,
    DpcStrategy,
    EvolutionStrategy,
    Strategy,
)
from nas.specs.dense_cell_space import NAMED_CELLS
from nas.specs.start import starting_architecture
from search_spaces.base import content_key
from search_spaces.dense_cell.architecture import ASPP_CELL, PUBLISHED_CELL, DenseCell
from search_spaces.dense_cell.cost import cell_cost
from search_spaces.document import write_document
from search_spaces.text import architecture_text
from search_spaces.validation import InputError, validate
from tests.builders import black_box_spec, dense_cell, scenes_fidelity

LEVELS = scenes_fidelity(10, 30, backbone=BackboneSpec(output_stride=16, levels=(8, 16)), crop=(128, 256))


def problem(model: type[BlackBoxSpec], **changes: object) -> str:
    given = {"name": "a search", "fidelity": scenes_fidelity().model_dump(mode="json"), **changes}
    with pytest.raises(InputError) as error:
        validate(model, given)
    return str(error.value)


def test_specs_without_it_keep_their_json():
    assert "start" not in black_box_spec().model_dump(mode="json")
    assert "mutations" not in DpcStrategy().model_dump(mode="json")
    assert "mutations" not in EvolutionStrategy().model_dump(mode="json")
    assert content_key(DpcStrategy().model_dump(mode="json")) == (
        content_key({"name": "dpc", "near_best": 0.5, "pool": 5, "startup": 8})
    )


def test_names_ids_cells_and_documents_are_read_and_written_back():
    cell = dense_cell(3)
    document = json.loads(json.dumps(write_document(cell)))
    given = ["published", "aspp_separable", "s0123456789ab", cell.model_dump(mode="json"), document]
    spec = BlackBoxSpec.model_validate({**black_box_spec().model_dump(mode="json"), "start": given})
    assert spec.start == ("published", "aspp_separable", "s0123456789ab", cell, cell)
    written = spec.model_dump(mode="json")
    assert written["start"][:3] == given[:3]
    assert "provenance" not in json.dumps(written["start"])
    assert BlackBoxSpec.model_validate(written) == spec


@pytest.mark.parametrize("model", [BlackBoxSpec, BlackBoxRequest])
def test_mistakes_are_said_in_a_sentence(model):
    two = dense_cell(0, branches=2).model_dump(mode="json")
    network = {"format": "segnas/architecture", "version": 1, "kind": "reference_head"}
    network |= {"architecture": {"name": "aspp"}}
    for start, words in (
        (["publisht"], "'publisht' names nothing to start from: use published, aspp_separable, the id of a search"),
        ([two], "start.0: the cell has 2 branches, and space.branches is 5"),
        (["published", network], "a reference_head is no cell"),
        ([{"kind": "dense_cell", "branches": []}], "a cell has 1 to 32 branches, not 0"),
        ([7], "a mapping of fields is needed here"),
    ):
        assert words in problem(model, start=start), words
    assert "start.0: the cell has 5 branches, and space.branches is 3" in problem(
        model, start=["published"], space={"branches": 3}
    )


def test_a_named_cell_has_the_levels_of_the_space_and_the_largest_width_within_its_limit():
    free = DenseCellSpace(levels=(8, 16), channels=(16, 32, 48))
    for name, plain in NAMED_CELLS.items():
        cell = starting_architecture(name, free, LEVELS)
        assert isinstance(cell, DenseCell)
        assert (cell.branches, cell.levels, cell.channels) == (plain.branches, (8, 16), 48)
        free.check_cell(cell)
    setting = free.setting(LEVELS)
    of_32 = cell_cost(DenseCell(branches=PUBLISHED_CELL.branches, levels=(8, 16), channels=32), setting)
    limited = free.model_copy(update={"limit": CellLimit(parameters=of_32.parameters)})
    assert getattr(starting_architecture("published", limited, LEVELS), "channels", None) == 32
    tight = free.model_copy(update={"limit": CellLimit(parameters=3_500)})
    with pytest.raises(ValueError, match=r"the architecture is beyond space\.limit"):
        starting_architecture("published", tight, LEVELS)
    with pytest.raises(ValueError, match=r"start\.1: the architecture is beyond space\.limit"):
        black_box_spec(space=tight, fidelity=LEVELS, start=("s0123456789ab", "published"))


def test_separable_aspp_as_a_cell():
    assert architecture_text(ASPP_CELL).count("sep") == 3
    assert {branch.input for branch in ASPP_CELL.branches} == {-1}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"branches": dense_cell(0, branches=4).branches}, "has 4 branches, and space.branches is 5"),
        ({"levels": (8, 16)}, r"reads the levels \[8, 16\], and space.levels is null"),
        ({"channels": 32}, "has 32 channels, and space.channels is null"),
    ],
)
def test_a_cell_of_another_space(changes, words):
    cell = DenseCell.model_validate({**dict(dense_cell(0)), **changes})
    with pytest.raises(ValueError, match=words):
        DenseCellSpace().check_cell(cell)


def test_cells_of_richer_spaces():
    units = DenseCellSpace(branches=1, operators="extended")
    cell = DenseCell.model_validate({"branches": [{"input": -1, "operator": {"op": "glore", "nodes": 32}}]})
    units.check_cell(cell)
    with pytest.raises(ValueError, match=r"the operator glore, which needs space\.operators: extended"):
        DenseCellSpace(branches=1).check_cell(cell)
    with pytest.raises(ValueError, match=r"has no channels of its own, and space\.channels is \[16, 24\]"):
        DenseCellSpace(branches=1, channels=(16, 24)).check_cell(dense_cell(0, branches=1))


@pytest.mark.parametrize("strategy", [DpcStrategy, EvolutionStrategy])
def test_mutations_that_the_space_does_not_have(strategy):
    def named(*kinds: str) -> Strategy:
        made: Strategy = strategy(mutations=kinds)
        return made

    for kind, words in (("level", "one feature map: give space.levels"), ("width", "one width: give space.channels")):
        with pytest.raises(ValueError, match=f"strategy.mutations names {kind}, but .*{words}"):
            black_box_spec(named("operator", kind))
    with pytest.raises(ValueError, match="names input, but the only branch"):
        black_box_spec(named("input"), DenseCellSpace(branches=1))
    with pytest.raises(ValueError, match="operator is named twice"):
        named("operator", "input", "operator")
    rich = DenseCellSpace(levels=(8, 16), channels=(16, 24))
    kept = black_box_spec(named("level", "width", "neighbour"), rich, fidelity=LEVELS)
    assert BlackBoxSpec.model_validate(kept.model_dump(mode="json")) == kept
