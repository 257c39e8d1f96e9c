import json

import pytest

from nas.weights.folders import checkpoint_in, folder_preprocessing, read_config
from nas.weights.preprocessing import IMAGENET, Preprocessing

HALF = (0.5, 0.5, 0.5)


def written(folder, **processor: object):
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder_preprocessing(folder, {"model_type": "dinov2"})


def test_the_processors_configuration(tmp_path):
    assert written(tmp_path, image_mean=list(IMAGENET.mean), image_std=list(IMAGENET.std)) == IMAGENET
    exact = written(tmp_path, image_mean=HALF, image_std=HALF, do_rescale=True, rescale_factor=0.00392156862745098)
    assert exact == Preprocessing(mean=HALF, std=HALF)
    assert written(tmp_path, do_normalize=False) == Preprocessing(mean=(0, 0, 0), std=(1, 1, 1))
    raw = written(tmp_path, do_rescale=False, image_mean=(127, 127, 127), image_std=(128, 128, 128))
    assert raw == Preprocessing(mean=(127,) * 3, std=(128,) * 3, input_range=(0, 255))
    assert written(tmp_path, do_normalize=False, do_flip_channel_order=True).input_space == "BGR"


def test_timms_configuration_and_defaults(tmp_path):
    timm = {"architecture": "vit", "pretrained_cfg": {"mean": HALF, "std": HALF, "input_size": [3, 224, 224]}}
    assert folder_preprocessing(tmp_path, timm) == Preprocessing(mean=HALF, std=HALF)
    assert folder_preprocessing(tmp_path, {"model_type": "swin"}) == IMAGENET
    assert folder_preprocessing(tmp_path, {"model_type": "beit"}) == Preprocessing(mean=HALF, std=HALF)


def test_what_is_broken_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"config.json cannot be read: No such file"):
        read_config(tmp_path)
    for text, reason in (("{", "is not JSON"), ("[]", "holds no JSON object")):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(ValueError, match=rf"config.json {reason}"):
            read_config(tmp_path)
    with pytest.raises(ValueError, match=r"preprocessor_config.json declares no usable preprocessing"):
        written(tmp_path, image_mean=[1, 2])
    with pytest.raises(ValueError, match=r"holds no checkpoint; it should have model.safetensors or pytorch_model.bin"):
        checkpoint_in(tmp_path)
