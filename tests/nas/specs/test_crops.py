"""Which crops are refused: for heads by the maps of the backbone, for networks by how far down their paths go."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from nas.kinds.auto_deeplab import KIND
from nas.specs import AutoDeepLabSpec, BackboneSpec, BlackBoxRequest, BlackBoxSpec, CalibrationSpec, Fidelity
from nas.specs.crops import crop_misfit
from nas.specs.reference import ReferenceSpec
from nas.specs.requests import ReferenceRequest
from search_spaces.auto_deeplab.architecture import AutoDeepLab, Block, Edge
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.validation import InputError, validate

NETWORKS = {"kind": "auto_deeplab", "layers": 3, "blocks": 1, "levels": 2}
OF_HEADS = r"crop \[72, 73\] does not fit output stride 16: each side must be a multiple of 16, or one more"


def fidelity(*crop: int, **changes: Any) -> dict[str, Any]:
    return {"dataset": "scenes", "crop": list(crop), **changes}


def path_down_to(level: int) -> AutoDeepLab:
    block = Block(edges=(Edge(input=0, operator="skip"), Edge(input=1, operator="skip")))
    return AutoDeepLab(blocks=(block,), path=tuple(range(level + 1)))


@pytest.mark.parametrize(
    ("crop", "stride", "fits"),
    [((16, 17), 8, True), ((15, 16), 8, False), ((16, 18), 8, False), ((8, 9), 4, True), ((8, 8), 8, False)],
)
def test_whole_cells_or_one_pixel_more_and_two_cells_at_least(crop, stride, fits):
    assert (crop_misfit(crop, stride) is None) is fits


@pytest.mark.parametrize("model", [BlackBoxSpec, BlackBoxRequest])
def test_networks_are_not_refused_for_a_backbone_that_they_lack(model):
    """72 is no multiple of 16, the stride of the default backbone, and is one of 8, to which these networks go."""
    spec = validate(model, {"name": "x", "space": NETWORKS, "fidelity": fidelity(72, 73, label_stride=32)})
    assert spec.fidelity.crop == (72, 73)
    assert model.model_validate(spec.model_dump(mode="json")) == spec
    with pytest.raises(InputError) as error:
        validate(model, {"name": "x", "space": NETWORKS, "fidelity": fidelity(76, 76)})
    assert str(error.value) == (
        "fidelity.crop is [76, 76], and paths of the space go down to stride 8: each side must be a multiple of 8, or "
        "one more, and at least 16; change the crop or lower space.levels"
    )


@pytest.mark.parametrize(
    ("model", "given", "path"),
    [
        (BlackBoxSpec, {"fidelity": fidelity(72, 73)}, "fidelity.crop"),
        (BlackBoxRequest, {"fidelity": fidelity(72, 73)}, "fidelity.crop"),
        (ReferenceSpec, {"fidelity": fidelity(72, 73)}, "fidelity.crop"),
        (ReferenceRequest, {"fidelity": fidelity(72, 73)}, "fidelity.crop"),
        (
            CalibrationSpec,
            {"proxies": {"short": fidelity(72, 73)}, "full_scale": fidelity(512, 512)},
            "proxies.short.crop",
        ),
        (
            CalibrationSpec,
            {"proxies": {"short": fidelity(512, 512)}, "full_scale": fidelity(72, 73)},
            "full_scale.crop",
        ),
    ],
)
def test_heads_are_refused_with_the_field(model, given, path):
    with pytest.raises(InputError) as error:
        validate(model, {"name": "x", **given})
    (problem,) = error.value.problems
    assert problem.path == path
    assert re.match(OF_HEADS, problem.message)


def test_labels_of_heads_are_as_fine_as_the_maps():
    given = {"name": "x", "fidelity": fidelity(512, 512, label_stride=32)}
    with pytest.raises(ValidationError, match="label_stride 32 is coarser than the head's stride 16"):
        BlackBoxSpec.model_validate(given)
    with pytest.raises(InputError) as error:
        validate(BlackBoxSpec, {"name": "x", "fidelity": fidelity(72, 73, label_stride=32)})
    assert [problem.path for problem in error.value.problems] == ["fidelity.crop", "fidelity.label_stride"]


def test_the_networks_that_a_supernet_may_decode_to():
    """With 3 levels paths go down to 16, with 2 layers no further than 16 either, whatever the levels are."""
    given = {"name": "x", "bilevel": {"dataset": "scenes", "crop": [129, 129]}}
    for supernet, crop, sentence in (
        ({"levels": 2}, (72, 73), None),
        ({"levels": 3}, (80, 81), None),
        ({"levels": 4, "layers": 2}, (80, 81), None),
        ({"levels": 3}, (72, 73), "go down to stride 16: each side must be a multiple of 16, or one more, and at"),
        ({"levels": 4}, (80, 80), "go down to stride 32: each side must be a multiple of 32, or one more, and at"),
    ):
        spec = AutoDeepLabSpec.model_validate({**given, "supernet": supernet, "scoring": fidelity(*crop)})
        problems = KIND.infeasible(spec, 19)
        assert [problem.path for problem in problems] == ([] if sentence is None else ["scoring.crop"])
        assert all(sentence in problem.message for problem in problems if sentence is not None)
    assert KIND.infeasible(AutoDeepLabSpec.model_validate(given), 19) == ()


def test_an_architecture_that_is_measured_again():
    asked = Fidelity.model_validate(fidelity(72, 73))
    asked.check_crop(path_down_to(1))
    for architecture, sentence in (
        (path_down_to(2), r"crop \[72, 73\] does not fit a path down to stride 16"),
        (PUBLISHED_CELL, OF_HEADS),
    ):
        with pytest.raises(ValueError, match=sentence):
            asked.check_crop(architecture)
    Fidelity.model_validate(fidelity(72, 73, backbone=BackboneSpec(output_stride=8))).check_crop(PUBLISHED_CELL)
