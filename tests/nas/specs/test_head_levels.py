"""Which feature maps head and decoder read: in a fidelity, and in the heads of a reference search."""

from typing import Any

import pytest

from nas.specs import (
    DecoderSpec,
    DenseCellSpace,
    Fidelity,
    HeadSpec,
    ReferenceRequest,
    ReferenceSpec,
    SearchRequest,
    SearchSpec,
)
from nas.specs.requests import resolve
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.reference.architecture import HEAD_NAMES, SEVERAL_LEVELS, ReferenceHead
from search_spaces.reference.heads import MULTI_LEVEL_HEADS, REFERENCE_HEADS
from search_spaces.validation import InputError, validate

ONE: dict[str, Any] = {"dataset": "scenes"}
FOUR: dict[str, Any] = {
    "dataset": "scenes",
    "crop": [512, 512],
    "backbone": {"output_stride": 32, "levels": [4, 8, 16, 32]},
}
EIGHT = {"decoder": {"level": 8}}
NAME = "s0123456789ab/short"


def search(fidelity: Any, **fields: Any) -> ReferenceSpec:
    spec: ReferenceSpec = validate(ReferenceSpec, {"name": "x", "fidelity": fidelity, **fields})
    return spec


def test_a_fidelity_without_a_decoder_keeps_its_key():
    assert "decoder" not in Fidelity(**ONE).model_dump()["head"]
    assert Fidelity(**ONE, head=HeadSpec(decoder=None)).key == Fidelity(**ONE).key


def test_the_decoder_takes_the_finest_map_from_the_head():
    plain, decoded = Fidelity(**FOUR), Fidelity(**FOUR, head=HeadSpec(decoder=DecoderSpec()))
    assert plain.head_strides == (4, 8, 16, 32)
    assert decoded.head_strides == (8, 16, 32)
    assert decoded.key != plain.key
    assert Fidelity.model_validate_json(decoded.model_dump_json()) == decoded


@pytest.mark.parametrize(
    ("backbone", "decoder", "sentence"),
    [
        ({}, {}, r"the map of stride 4 .* backbone.levels gives \[16\]: begin it with 4, for instance \[4, 16\]"),
        ({"levels": [4, 16]}, {"level": 8}, r"gives \[4, 16\]: begin it with 8, for instance \[8, 16\]"),
        ({"levels": [16]}, {"level": 16}, r"gives \[16\]: begin it with 16, for instance \[16, 32\]"),
        ({"levels": [4, 16]}, {"level": 32}, r"head.decoder.level: Input should be 4, 8 or 16"),
    ],
)
def test_a_decoder_without_its_map_is_refused(backbone, decoder, sentence):
    with pytest.raises(InputError, match=sentence):
        validate(Fidelity, {"dataset": "x", "backbone": backbone, "head": {"decoder": decoder}})


def test_heads_by_default_depend_on_the_number_of_maps():
    assert search(ONE).heads == REFERENCE_HEADS
    assert search(FOUR).heads == (*REFERENCE_HEADS, *MULTI_LEVEL_HEADS)
    decoder: dict[str, Any] = {"head": {"decoder": {}}}
    assert search({**FOUR, **decoder}).heads == (*REFERENCE_HEADS, *MULTI_LEVEL_HEADS)
    two = {**FOUR, "backbone": {"levels": [4, 16]}}
    assert search({**two, **decoder}).heads == REFERENCE_HEADS


def test_a_fidelity_by_name_gives_the_same_heads():
    asked = validate(SearchRequest, {"kind": "reference", "name": "x", "fidelity": NAME})
    assert isinstance(asked, ReferenceRequest)
    spec = resolve(asked, lambda name: Fidelity(**FOUR))
    assert spec == validate(SearchSpec, {"kind": "reference", "name": "x", "fidelity": FOUR})
    assert isinstance(spec, ReferenceSpec)
    assert len(spec.heads) == 16
    chosen = validate(SearchRequest, {"kind": "reference", "name": "x", "fidelity": NAME, "heads": ["segformer"]})
    spec = resolve(chosen, lambda name: Fidelity(**FOUR))
    assert isinstance(spec, ReferenceSpec)
    assert spec.heads == (ReferenceHead(name="segformer"),)
    with pytest.raises(InputError, match="head 0: segformer reads several feature maps"):
        resolve(chosen, lambda name: Fidelity(**ONE))


def test_heads_by_name_and_by_width():
    spec = search(FOUR, heads=["aspp", {"name": "aspp", "channels": 16}, "published_dpc", *SEVERAL_LEVELS])
    assert spec.heads[:3] == (ReferenceHead(name="aspp"), ReferenceHead(name="aspp", channels=16), PUBLISHED_CELL)
    assert spec.heads[3:] == MULTI_LEVEL_HEADS
    in_full = [head.model_dump(mode="json") for head in spec.heads]
    assert search(FOUR, heads=in_full).key == spec.key
    assert all(search(FOUR, heads=[name]).heads == (ReferenceHead(name=name),) for name in HEAD_NAMES)


def test_a_cell_on_levels_reads_those_behind_the_decoder():
    cell = PUBLISHED_CELL.model_copy(update={"levels": (8, 16)})
    decoded = {**FOUR, "backbone": {"levels": [4, 8, 16]}, "head": {"decoder": {}}}
    assert search(decoded, heads=[cell]).heads == (cell,)
    with pytest.raises(InputError, match=r"head 0: the cell reads the levels \[8, 16\], and here are \[4, 8, 16, 32\]"):
        search(FOUR, heads=[cell])
    space = DenseCellSpace(levels=(8, 16))
    space.check_fidelity("fidelity", Fidelity(**decoded))
    with pytest.raises(ValueError, match=r"is \[8, 16\], of which fidelity.head.decoder takes the first"):
        space.check_fidelity("fidelity", Fidelity(**{**decoded, "backbone": {"levels": [8, 16]}, "head": EIGHT}))
    plain = DenseCellSpace().setting(Fidelity(**decoded))
    assert (plain.in_channels, plain.output_stride) == ((32 + 320,), 8)  # MobileNet-v2's strides 8 and 16


@pytest.mark.parametrize("model", [ReferenceSpec, ReferenceRequest])
@pytest.mark.parametrize(
    ("fidelity", "heads", "sentence"),
    [
        (ONE, ["conv1x1", "upernet"], "head 1: upernet reads several feature maps, and here is one"),
        (FOUR, ["asp"], r"^heads\.0: .*conv1x1.*published_dpc"),
        (FOUR, ["aspp", "aspp"], "head 1 is the same as head 0"),
        (FOUR, [{"name": "aspp", "chanels": 16}], r"heads\.0\.chanels: unknown field; did you mean channels\?"),
        (FOUR, [3], r"heads\.0: a mapping of fields is needed here"),
    ],
)
def test_heads_that_do_not_fit_are_refused(model, fidelity, heads, sentence):
    with pytest.raises(InputError, match=sentence):
        validate(model, {"name": "x", "fidelity": fidelity, "heads": heads})


def test_a_request_lists_heads_as_a_spec_does():
    heads = ["aspp", {"name": "fpn", "channels": 16}, {"kind": "reference_head", "name": "ppm"}, "published_dpc"]
    asked = validate(SearchRequest, {"kind": "reference", "name": "x", "fidelity": FOUR, "heads": heads})
    spec = resolve(asked, lambda name: Fidelity(**ONE))
    assert spec == search(FOUR, heads=heads)
    assert validate(SearchRequest, asked.model_dump(mode="json")) == asked
