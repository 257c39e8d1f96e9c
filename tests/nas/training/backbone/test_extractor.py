import numpy as np
import pytest
import torch
from torch import nn

from nas.data.parallel import in_order
from nas.models.backbones.base import Level
from nas.models.backbones.build import build_backbone
from nas.models.networks import SegmentationNetwork
from nas.specs import BackboneSpec
from nas.training.backbone.extractor import StandardizedBackbone, feature_function, features_of, images_at_once
from nas.training.loop.batches import as_tensor
from nas.training.loop.device import thread_count
from nas.training.loop.pixels import to_network
from nas.weights.preprocessing import IMAGENET, Preprocessing

CPU = torch.device("cpu")
SPEC = BackboneSpec(width=0.25, blocks=5, output_stride=8)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3), np.uint8)


def standardized(frozen):
    torch.manual_seed(0)
    body = build_backbone(SPEC)
    channels = body.levels[0].channels
    return StandardizedBackbone(body, torch.linspace(-1, 1, channels), torch.linspace(0.5, 2, channels), frozen=frozen)


def test_network_inputs_by_hand(images):
    ours = to_network(torch.from_numpy(images), IMAGENET)
    assert ours.shape == (3, 3, 32, 48)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    expected = (images / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    assert np.allclose(ours.permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)


def test_network_inputs_of_other_weights_by_hand(images):
    lite = Preprocessing(mean=(127, 127, 127), std=(128, 128, 128), input_range=(0, 255))
    ours = to_network(torch.from_numpy(images), lite).permute(0, 2, 3, 1).numpy()
    assert np.allclose(ours, (images.astype(float) - 127) / 128, atol=1e-6)
    caffe = Preprocessing(mean=(103.5, 116.3, 123.7), std=(1, 1, 1), input_range=(0, 255), input_space="BGR")
    ours = to_network(torch.from_numpy(images), caffe).permute(0, 2, 3, 1).numpy()
    assert np.allclose(ours, images[..., ::-1].astype(float) - (103.5, 116.3, 123.7), atol=1e-4)


def test_features_are_standardized_by_hand(images):
    backbone = standardized(frozen=True)
    inputs = to_network(torch.from_numpy(images), IMAGENET)
    (raw,) = backbone.body(inputs)
    expected = (raw - torch.linspace(-1, 1, 8).reshape(8, 1, 1)) / torch.linspace(0.5, 2, 8).reshape(8, 1, 1)
    assert torch.allclose(backbone(inputs)[0], expected, atol=1e-5)
    assert backbone.levels == (Level(8, 8),)


def test_a_channel_that_never_varies_becomes_zero(images):
    body = build_backbone(SPEC)
    backbone = StandardizedBackbone(body, torch.zeros(8), torch.zeros(8), frozen=True)
    assert not backbone(to_network(torch.from_numpy(images), IMAGENET))[0].any()


def test_a_frozen_backbone_neither_trains_nor_moves_its_statistics(images):
    network = SegmentationNetwork(standardized(frozen=True), nn.Identity(), nn.Conv2d(8, 2, 1))
    before = {name: value.clone() for name, value in network.backbone.state_dict().items()}
    network.train()
    network(to_network(torch.from_numpy(images), IMAGENET)).sum().backward()
    assert not any(parameter.requires_grad for parameter in network.backbone.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.backbone.state_dict().items())
    assert network.classifier.weight.grad is not None


def test_a_trained_backbone_gets_gradients_and_new_statistics(images):
    backbone = standardized(frozen=False).train()
    before = backbone.body.features[0][1].running_mean.clone()
    backbone(to_network(torch.from_numpy(images), IMAGENET))[0].square().sum().backward()
    assert all(parameter.grad is not None for parameter in backbone.parameters())
    assert not torch.equal(backbone.body.features[0][1].running_mean, before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_feature_function_keeps_its_dtypes_bits(images, dtype):
    backbone = standardized(frozen=True)
    (stored,) = feature_function(backbone, torch.device("cpu"), dtype)(images)
    assert stored.dtype == (np.uint16 if dtype is torch.bfloat16 else np.float32)
    assert stored.shape == (3, 4, 6, 8)
    features = as_tensor(stored)
    assert features.dtype is dtype
    expected = backbone(to_network(torch.from_numpy(images), IMAGENET))[0].permute(0, 2, 3, 1)
    assert (features.float() - expected).abs().mean() < (1e-6 if dtype is torch.float32 else 0.03)


def test_several_threads_get_the_bits_of_one_with_its_number_of_threads(images):
    backbone = standardized(frozen=True)
    with thread_count(1):
        extract = feature_function(backbone, torch.device("cpu"), torch.float32)
        (alone,) = extract(images)

        def elsewhere(batch: np.ndarray) -> tuple[np.ndarray, int]:
            return extract(batch)[0], torch.get_num_threads()

        for features, threads in in_order(elsewhere, [images] * 4, 2):
            assert np.array_equal(features, alone)
            assert threads == 1


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_lite0"])
def test_features_do_not_depend_on_how_many_images_are_read_at_a_time(name):
    images = np.random.default_rng(1).integers(0, 256, (5, 64, 96, 3), np.uint8)
    torch.manual_seed(0)
    body = build_backbone(BackboneSpec(name=name, output_stride=32, levels=(8, 16))).eval()
    read: list[int] = []
    body.register_forward_pre_hook(lambda _, arguments: read.append(len(arguments[0])))
    whole = features_of(body, images, CPU, torch.float32, 5 * 64 * 96)
    pieces = features_of(body, images, CPU, torch.float32, 4 * 64 * 96)
    alone = features_of(body, images, CPU, torch.float32, 1)
    assert read == [5, 3, 2, 1, 1, 1, 1, 1]
    for level, stride in enumerate((8, 16)):
        assert whole[level].shape == (5, body.levels[level].channels, 64 // stride, 96 // stride)
        for other in (pieces[level], alone[level]):
            assert other.stride() == whole[level].stride()
            assert torch.allclose(other, whole[level], rtol=1e-5, atol=1e-5 * float(whole[level].abs().max()))


def test_a_backbone_takes_about_two_megapixels_at_once():
    assert images_at_once((128, 256)) == 64
    assert images_at_once((4096, 4096)) == 1
