import pytest
from pydantic import ValidationError

from search_spaces.reference.architecture import HEAD_NAMES, SEVERAL_LEVELS, ReferenceHead
from search_spaces.reference.heads import MULTI_LEVEL_HEADS, REFERENCE_HEADS, reference_heads, trunk_without_unit
from search_spaces.text import architecture_text
from search_spaces.units import GraphConvolution


def test_the_papers_values_are_the_defaults():
    assert ReferenceHead(name="aspp").rates == (6, 12, 18)
    assert ReferenceHead(name="aspp").bins == ()
    assert ReferenceHead(name="ppm").bins == (1, 2, 3, 6)
    assert (ReferenceHead(name="conv1x1").rates, ReferenceHead(name="conv1x1").bins) == ((), ())


def test_values_can_be_given():
    assert ReferenceHead(name="aspp", rates=(2, 4)).rates == (2, 4)
    assert ReferenceHead(name="ppm", bins=(1,)).bins == (1,)


def test_a_head_may_have_channels_of_its_own():
    assert "channels" not in ReferenceHead(name="aspp").model_dump(mode="json")
    narrow = ReferenceHead(name="aspp", channels=16)
    assert narrow.model_dump(mode="json")["channels"] == 16
    assert narrow.key != ReferenceHead(name="aspp").key
    assert ReferenceHead.model_validate(narrow.model_dump(mode="json")) == narrow


def test_heads_of_several_maps_say_what_is_missing():
    assert tuple(head.name for head in MULTI_LEVEL_HEADS) == SEVERAL_LEVELS
    for name in HEAD_NAMES:
        head = ReferenceHead(name=name)
        head.check_levels(2)
        if name in SEVERAL_LEVELS:
            with pytest.raises(ValueError, match=f"^{name} reads several feature maps.*backbone.levels.*16, 32"):
                head.check_levels(1)
        else:
            head.check_levels(1)


def test_keys_tell_heads_apart():
    heads = [ReferenceHead(name="conv1x1"), ReferenceHead(name="aspp"), ReferenceHead(name="ppm")]
    heads.append(ReferenceHead(name="aspp", rates=(1, 2)))
    assert len({head.key for head in heads}) == 4
    assert ReferenceHead(name="aspp").key == ReferenceHead(name="aspp", rates=(6, 12, 18)).key


def test_documents_and_keys_from_before_the_trunk_stay():
    known = {
        "de53268a1cddd24070097ea4888dd2817d668343bd0e781813b2912dd3c3e096": {"name": "conv1x1"},
        "be20c2169d0ffc232ea38deba6b7daf08b14ec5ca6c4ac3ee72b691e45330e13": {"name": "aspp", "rates": [6, 12, 18]},
        "546c70cdfe7e5967951b54d36cfc6a54ec16976e3c8a7325be314273eea82d3a": {"name": "ppm", "bins": [1, 2, 3, 6]},
        "5e6e56df21a6d3d8e7d856c17deace38e2e95e5dc6d897fbd9d9e281765b2d14": {"name": "aspp", "rates": [1, 2]},
    }
    for key, data in known.items():
        head = ReferenceHead.model_validate(data)
        assert head.key == key
        assert list(head.model_dump(mode="json")) == ["kind", "name", "rates", "bins"]


def test_a_trunk_says_its_width_and_of_its_unit_what_is_not_the_only_form():
    assert ReferenceHead(name="trunk").model_dump(mode="json") == {
        "kind": "reference_head",
        "name": "trunk",
        "rates": [],
        "bins": [],
        "width": 512,
    }
    head = ReferenceHead.model_validate({"name": "trunk", "width": 64, "unit": {"op": "gcu"}})
    assert head.units == (GraphConvolution(vertices=8),)
    assert head.model_dump(mode="json")["unit"] == {"op": "gcu", "vertices": 8}
    dotted = ReferenceHead(name="trunk", unit=GraphConvolution(assignment="dot"))
    assert dotted.model_dump(mode="json")["unit"] == {"op": "gcu", "vertices": 8, "assignment": "dot"}
    assert ReferenceHead(name="trunk", unit=None).key == ReferenceHead(name="trunk", width=512).key


def test_the_heads_compared_by_default():
    texts = [architecture_text(head) for head in REFERENCE_HEADS]
    assert texts == [
        "1x1",
        "ASPP (6, 12, 18)",
        "PPM (1, 2, 3, 6)",
        "published DPC",
        "trunk",
        "trunk + double attention (K=64)",
        "trunk + GloRe (m=64)",
        "trunk + SGR (steps=2)",
        "trunk + GCU (V=8)",
        "trunk + constant context",
        "trunk + non-local",
    ]
    assert len({head.key for head in REFERENCE_HEADS}) == 11
    assert reference_heads()[4] == trunk_without_unit()
    widths = [head.width for head in reference_heads(64)[4:] if isinstance(head, ReferenceHead)]
    assert widths == [64] * 7


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "ppm", "rates": [6]}, "rates belong to aspp and aspp_separable, not to ppm; leave them out"),
        ({"name": "conv1x1", "bins": [1]}, "bins belong to ppm and upernet, not to conv1x1"),
        ({"name": "aspp", "rates": []}, "aspp needs at least one of its rates"),
        ({"name": "aspp", "rates": [0]}, "greater than or equal to 1"),
        ({"name": "fcn"}, "'conv1x1', 'aspp', .*, 'upernet' or 'dpt'"),
        ({"name": ["aspp"]}, "'conv1x1', 'aspp', .*, 'upernet' or 'dpt'"),
        ({"name": "aspp", "width": 64}, "width belongs to trunk, not to aspp; leave it out"),
        ({"name": "ppm", "unit": {"op": "glore"}}, "unit belongs to trunk, not to ppm; leave it out"),
        ({"name": "trunk", "rates": [6]}, "rates belong to aspp and aspp_separable, not to trunk"),
        ({"name": "aspp_separable", "rates": []}, "aspp_separable needs at least one of its rates"),
        ({"name": "upernet", "bins": []}, "upernet needs at least one of its bins"),
        ({"name": "segformer", "bins": [1]}, "bins belong to ppm and upernet, not to segformer"),
        ({"name": "linear", "channels": 8}, "linear has no hidden layer and so no channels; leave them out"),
        ({"name": "linear_levels", "channels": 8}, "linear_levels has no hidden layer and so no channels"),
        ({"name": "aspp", "channels": 0}, "greater than or equal to 1"),
        ({"name": "trunk", "width": 0}, "greater than or equal to 1"),
        ({"name": "trunk", "width": None}, "trunk needs a width"),
        ({"name": "trunk", "unit": {"op": "glore", "vertices": 8}}, "vertices is no parameter of glore; it has nodes"),
        (
            {"name": "trunk", "unit": {"op": "constant_context", "K": 8}},
            "K is no parameter of constant_context; it has none",
        ),
        ({"name": "trunk", "unit": {"op": "glore", "nodes": 0}}, "greater than or equal to 1"),
        ({"name": "trunk", "unit": {"op": "sgr", "graph": "cityscapes"}}, "'given' or 'identity'"),
        ({"name": "trunk", "unit": {"op": "attention"}}, "'double_attention'.*'non_local'"),
        ([], "dictionary"),
    ],
)
def test_a_wrong_head_is_refused_with_a_sentence(data, sentence):
    with pytest.raises(ValidationError, match=sentence):
        ReferenceHead.model_validate(data)
