import pytest
from pydantic import ValidationError

from nas.specs import BackboneSpec, Fidelity


def test_old_specs_keep_their_keys_and_old_names_have_no_weights():
    old = Fidelity(dataset="x", backbone=BackboneSpec())
    assert old.key == "08529d601c3b4310ffa9bac8a0a451b1645a36d235dd0d92530ce80db6cb154d"
    assert not {"depths", "levels"} & set(BackboneSpec().model_dump())
    assert BackboneSpec(name="timm:resnet18").weights is None


@pytest.mark.parametrize(
    ("name", "weights"), [("efficientnet_lite2", "imagenet"), ("hf:mine", "mine"), ("hf:org/Net", "hub")]
)
def test_weights_that_belong_to_the_name(name, weights):
    assert BackboneSpec(name=name).weights == weights
    assert BackboneSpec(name=name, weights=None).weights is None
    assert BackboneSpec.model_validate(BackboneSpec(name=name, weights=None).model_dump()).weights is None


def test_without_a_word_about_it_the_backbone_needs_no_warm_up():
    assert Fidelity(dataset="x").backbone == BackboneSpec(name="efficientnet_lite0", weights="imagenet")


def test_depths_are_maps_of_one_stride():
    spec = BackboneSpec(name="hf:vit", output_stride=14, depths=(3, 6, 12))
    assert spec.strides == (14, 14, 14)
    assert Fidelity(dataset="x", backbone=spec, crop=(70, 140), label_stride=14).label_stride == 14
    with pytest.raises(ValueError, match="a multiple of 14"):
        Fidelity(dataset="x", backbone=spec, crop=(64, 128)).check_crop_of_heads()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "hf:vit", "depths": (6, 3)}, r"depths must be different blocks, the first one first, not \[6, 3\]"),
        ({"name": "hf:vit", "depths": (3,), "levels": (8,)}, "give one of the two"),
        ({"name": "resnet50", "depths": (3,)}, "depths belong to vision transformers, not to resnet50"),
        ({"output_stride": 14}, "output_stride 14 belongs to vision transformers, not to mobilenet_v2"),
        ({"name": "efficientnet_lite0", "width": 0.5}, "width and blocks belong to mobilenet_v2"),
        ({"name": "hf:../../etc"}, "pattern"),
        ({"name": "hf:a/b/c"}, "pattern"),
        ({"name": "hf:/etc"}, "pattern"),
    ],
)
def test_mistakes(fields, message):
    with pytest.raises(ValidationError, match=message):
        BackboneSpec(**fields)
