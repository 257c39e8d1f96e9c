"""The network of a trial and its training loop: a head on the feature bank, or an entire network on images."""

from __future__ import annotations

import torch
from torch import nn

from nas.models.complexity import Complexity, Shape, multiply_adds
from nas.models.heads.build import needs_knowledge
from nas.models.networks import (
    HeadWithClassifier,
    Network,
    SegmentationNetwork,
    build_classifier_head,
    build_network,
    is_network,
    match_bn_momentum,
)
from nas.models.parameters import count_parameters
from nas.results.measurement import TrialError
from nas.specs import Fidelity
from nas.training.loop.augmentation import Augmentation
from nas.training.loop.batches import BankBatches, Batches
from nas.training.loop.device import place
from nas.training.loop.distributed import Peers
from nas.training.loop.failures import trial_failures
from nas.training.loop.images import ImageBatches, ImageStream
from nas.training.loop.loop import Loop
from nas.training.loop.losses import class_weights
from nas.training.loop.random_streams import WEIGHTS, torch_seed
from nas.training.prepare import Prepared
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.document import Architecture, canonical


def build_trial_network(architecture: Architecture, prepared: Prepared, seed: int) -> Network:
    """Build the network of a trial on the CPU, with initial weights that follow from the seed.

    The architecture is built in its canonical form: initial weights are drawn in the order of its parts.

    Returns:
        The prepared, standardised backbone with a new head and classifier; or an entirely new network where the
        architecture is one.

    Raises:
        TrialError: The network cannot be built, for instance because the crop is too small.
    """
    fidelity = prepared.fidelity
    architecture = canonical(architecture)
    if is_network(architecture):
        with torch.random.fork_rng(devices=[]), trial_failures("building the network"):
            torch.manual_seed(torch_seed(seed, WEIGHTS))
            try:
                return build_whole_network(architecture, prepared.dataset.num_classes, fidelity)
            except ValueError as error:
                raise TrialError(f"the network cannot be built: {error}") from error
    backbone = prepared.backbone(frozen=fidelity.backbone.frozen)
    if not fidelity.backbone.frozen:
        match_bn_momentum(backbone, fidelity.head)
    knowledge = prepared.knowledge() if needs_knowledge(architecture) else None
    with torch.random.fork_rng(devices=[]), trial_failures("building the head"):
        torch.manual_seed(torch_seed(seed, WEIGHTS))
        try:
            part = build_classifier_head(
                architecture,
                backbone.levels,
                prepared.dataset.num_classes,
                fidelity.head,
                fidelity.crop,
                knowledge=knowledge,
            )
        except ValueError as error:
            raise TrialError(f"the head cannot be built: {error}") from error
    return SegmentationNetwork(backbone, part.head, part.classifier)


def build_whole_network(architecture: AutoDeepLab, num_classes: int, fidelity: Fidelity) -> Network:
    """Build an entire network as a fidelity trains it, randomly initialised.

    Raises:
        ValueError: The crop does not fit the architecture.
    """
    return build_network(
        architecture, num_classes, network=fidelity.network, crop=fidelity.crop, iterations=fidelity.iterations
    )


def build_loop(
    network: Network,
    prepared: Prepared,
    seed: int,
    device: torch.device,
    peers: Peers | None = None,
    *,
    augmentation: Augmentation | None = None,
) -> Loop:
    """Make the loop that trains a network: head and classifier on the feature bank if there is one, else all on images.

    With a bank the backbone is neither moved nor run. A frozen backbone without a bank runs in every step.

    Args:
        network: Of `build_trial_network`; what is trained of it is moved to the device.
        prepared: Of the fidelity.
        seed: Of batches and dropout.
        device: Where the model is trained.
        peers: The processes that train the model together.
        augmentation: Applied to each training crop; only where the model is trained on images.

    Raises:
        ValueError: The fidelity's batch is not a multiple of the number of `peers`.
    """
    model: nn.Module = network
    batches: Batches
    if prepared.bank is not None:
        assert augmentation is None, "features are cached without it"
        assert isinstance(network, SegmentationNetwork), "an entire network is not trained on features"
        model = HeadWithClassifier(network.head, network.classifier)
        batches = BankBatches(prepared.bank, prepared.fidelity.batch, seed, device, peers)
    else:
        batches = _image_batches(prepared, seed, device, peers, augmentation)
    model = model if peers is None else peers.synchronized(model)
    place(model, device)
    weights = class_weights(prepared.class_pixels, prepared.fidelity.class_weighting)
    return Loop(model, batches, prepared.fidelity, weights, seed=seed, device=device, peers=peers)


def input_shapes(prepared: Prepared) -> tuple[Shape, ...]:
    """Return (C, H, W) of each of a trial's inputs for one crop: its cached features, or the image."""
    if prepared.bank is None:
        return ((3, *prepared.fidelity.crop),)
    shapes = (level.shape[1:] for level in prepared.bank.train_features)
    return tuple((channels, height, width) for height, width, channels in shapes)


def trial_complexity(model: nn.Module, prepared: Prepared) -> Complexity:
    """Count the trainable parameters of `Loop.model`, and the multiply-adds of one forward pass for one crop."""
    return Complexity(count_parameters(model), multiply_adds(model, input_shapes(prepared)))


def _image_batches(
    prepared: Prepared, seed: int, device: torch.device, peers: Peers | None, augmentation: Augmentation | None
) -> ImageBatches:
    fidelity, train = prepared.fidelity, prepared.training_source()
    stream = ImageStream(
        train.split,
        train.images,
        fidelity.crop,
        fidelity.augment,
        fidelity.batch,
        seed,
        peers,
        augmentation,
        prepared.preprocessing,
    )
    return ImageBatches(stream, prepared.validation_source(), fidelity.label_stride, device)
