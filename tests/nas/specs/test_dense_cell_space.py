"""The spec of a space of dense cells: levels that are the fidelity's, widths, a limit that some cell keeps."""

from typing import Any

import pytest
from pydantic import ValidationError

from nas.specs import BackboneSpec, BlackBoxSpec, CalibrationSpec, DecoderSpec, DenseCellSpace, Fidelity, HeadSpec
from nas.specs.dense_cell_space import CellLimit
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.dense_cell.cost import CellSetting, cell_cost
from search_spaces.validation import InputError, validate
from tests.builders import scenes_fidelity


def fidelity(levels: tuple[int, ...] | None = None, **backbone: Any) -> Fidelity:
    return scenes_fidelity(10, backbone=BackboneSpec.model_validate({"levels": levels, **backbone}))


def search(space: dict[str, Any], at: Fidelity) -> BlackBoxSpec:
    spec: BlackBoxSpec = validate(BlackBoxSpec, {"name": "a search", "space": space, "fidelity": at})
    return spec


def test_what_is_not_given_is_in_no_dump():
    assert DenseCellSpace().model_dump(mode="json") == {"kind": "dense_cell", "branches": 5}
    full = {"levels": [8, 16], "channels": [16, 32], "limit": {"parameters": 20_000, "multiply_adds": None}}
    space = DenseCellSpace.model_validate(full)
    assert space.model_dump(mode="json") == {"kind": "dense_cell", "branches": 5, **full}
    assert DenseCellSpace.model_validate(space.model_dump(mode="json")) == space


@pytest.mark.parametrize(
    ("space", "at", "sentence"),
    [
        (
            {"levels": [8, 16]},
            fidelity(),
            "space.levels is [8, 16], but fidelity.backbone.levels is null, the last map alone: cells read the levels "
            "that the backbone gives, so make the two equal",
        ),
        ({"levels": [8, 16]}, fidelity((4, 16)), "but fidelity.backbone.levels is [4, 16]: cells read"),
        ({"levels": [8]}, fidelity((8,)), "space.levels: Tuple should have at least 2 items"),
        ({"levels": [16, 8]}, fidelity((8, 16)), "space.levels: levels must be different strides, finest first"),
        (
            {"channels": [32, 16]},
            fidelity(),
            "channels must be different numbers of filters, ascending",
        ),
        ({"channels": []}, fidelity(), "space.channels: Tuple should have at least 1 item"),
        ({"limit": {}}, fidelity(), "space.limit: give parameters, multiply_adds or both"),
        (
            {"limit": {"parameters": 0}},
            fidelity(),
            "space.limit.parameters: Input should be greater",
        ),
        (
            {"limit": {"parameters": 9}, "operators": "extended"},
            fidelity(),
            "limit counts the paper's operators only",
        ),
        (
            {"limit": {"parameters": 9_999}},
            fidelity(name="timm:resnet18"),
            "space.limit needs the channels of fidelity.backbone: the channels of timm:resnet18 are known only when "
            "the network is built; leave the limit out",
        ),
        # Five poolings of the map of 320 channels, each after the first of 16: 5,152 + 4 x 288 + 80 x 16 + 32.
        (
            {"channels": [16, 32], "limit": {"parameters": 7_000}},
            fidelity(),
            "no cell of 5 branches is within space.limit: the smallest has 7616 parameters and",
        ),
        ({"limit": {"multiply_adds": 1000}}, fidelity(), "no cell of 5 branches is within space.limit"),
    ],
)
def test_a_space_that_does_not_fit_is_refused_with_a_sentence(space, at, sentence):
    with pytest.raises(InputError) as caught:
        search(space, at)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_smallest_cell_alone_is_a_space():
    assert search({"channels": [16, 32], "limit": {"parameters": 7_616}}, fidelity()).space.limit is not None


def test_cells_of_one_map_read_the_levels_concatenated():
    """Channels of MobileNet-v2: 24 at stride 4, 32 at stride 8."""
    at = fidelity((4, 8), output_stride=8)
    joined, apart = DenseCellSpace(), DenseCellSpace(levels=(4, 8))
    assert joined.setting(at) == CellSetting((24 + 320,), 256, 4, (513, 513))
    assert apart.setting(at) == CellSetting((24, 320), 256, 4, (513, 513))


def test_a_limit_behind_a_decoder_counts_the_head_on_the_levels_that_are_left():
    at = fidelity((4, 8, 16)).model_copy(update={"head": HeadSpec(decoder=DecoderSpec(level=4))})
    assert DenseCellSpace(levels=(8, 16)).setting(at) == CellSetting((32, 320), 256, 8, (513, 513))
    assert DenseCellSpace().setting(at) == CellSetting((352,), 256, 8, (513, 513))


def test_a_limit_is_kept_on_both_counts():
    setting = DenseCellSpace().setting(fidelity())
    cost = cell_cost(PUBLISHED_CELL, setting)
    assert CellLimit(parameters=cost.parameters, multiply_adds=cost.multiply_adds).admits(PUBLISHED_CELL, setting)
    assert not CellLimit(parameters=cost.parameters - 1).admits(PUBLISHED_CELL, setting)
    assert not CellLimit(parameters=10**9, multiply_adds=cost.multiply_adds - 1).admits(PUBLISHED_CELL, setting)


def test_a_calibration_names_the_proxy_whose_levels_differ():
    levels = fidelity((8, 16))
    given = {"name": "c", "space": {"levels": [8, 16]}, "proxies": {"cheap": fidelity()}, "full_scale": levels}
    with pytest.raises(InputError, match=r"but proxies\.cheap\.backbone\.levels is null"):
        validate(CalibrationSpec, given)
    with pytest.raises(ValidationError, match=r"no cell of 5 branches is within space\.limit"):
        CalibrationSpec(
            name="c",
            space=DenseCellSpace(limit=CellLimit(parameters=10)),
            proxies={"cheap": fidelity()},
            full_scale=levels,
        )
