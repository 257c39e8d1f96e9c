"""The examples that put a searched head into other libraries' networks."""

from __future__ import annotations

import pytest
import torch

from search_spaces import PUBLISHED_CELL, Provenance, ReferenceHead
from search_spaces.document import write_document
from tests.builders import scenes_fidelity

pytestmark = pytest.mark.slow  # all import torch, one transformers


def document(architecture=PUBLISHED_CELL, channels=8):
    fidelity = scenes_fidelity(head={"channels": channels}, backbone={"output_stride": 8}, crop=(64, 64))
    return write_document(architecture, Provenance(fidelity=fidelity.model_dump(mode="json")))


def encoder_maps(channels):
    """What an encoder of segmentation_models_pytorch gives for an image of 64x64 pixels: strides 1, 2, 4, ..."""
    return [torch.randn(2, width, 64 >> index, 64 >> index) for index, width in enumerate(channels)]


def test_a_decoder_reads_the_map_of_its_stride():
    from examples.smp_decoder import SearchedDecoder

    channels = (3, 4, 5, 6, 7, 9)
    decoder = SearchedDecoder(document(), channels, strides=8)
    maps = encoder_maps(channels)
    assert decoder(maps).shape == (2, decoder.out_channels, 8, 8)
    torch.testing.assert_close(decoder.eval()(maps), decoder.head(maps[3]))
    with pytest.raises(ValueError, match="no map of stride 64; it has 1, 2, 4, 8, 16, 32"):
        SearchedDecoder(document(), channels, strides=64)


def test_a_decoder_of_several_levels_and_an_encoder_with_dilation():
    from examples.smp_decoder import SearchedDecoder

    channels, strides = (3, 4, 5, 6, 7, 9), (1, 2, 4, 8, 8, 8)
    decoder = SearchedDecoder(
        document(ReferenceHead(name="aspp")), channels, strides=(4, 8), encoder_strides=strides
    ).eval()
    maps = [torch.randn(2, width, 64 // stride, 64 // stride) for width, stride in zip(channels, strides, strict=True)]
    torch.testing.assert_close(decoder(maps), decoder.head(maps[2], maps[5]))


def test_a_decoder_in_the_library_itself():
    smp = pytest.importorskip("segmentation_models_pytorch")
    from examples.smp_decoder import SearchedDecoder

    network = smp.Unet("resnet18", encoder_weights=None, classes=4)
    network.decoder = SearchedDecoder(document(), network.encoder.out_channels, strides=8)
    network.segmentation_head = smp.base.SegmentationHead(network.decoder.out_channels, 4, upsampling=8)
    assert network.eval()(torch.randn(1, 3, 64, 64)).shape == (1, 4, 64, 64)


def test_a_frozen_dinov2(tmp_path):
    transformers = pytest.importorskip("transformers")
    from examples.dinov2_head import DINOv2WithHead

    config = transformers.Dinov2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14, mlp_ratio=2
    )
    transformers.Dinov2Backbone(config).save_pretrained(tmp_path)
    network = DINOv2WithHead(tmp_path, document(), num_classes=4).train()
    assert not network.backbone.training
    logits = network(torch.randn(2, 3, 70, 56))
    assert logits.shape == (2, 4, 70, 56)
    logits.square().mean().backward()
    trained = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert trained == {"head", "classifier"}
