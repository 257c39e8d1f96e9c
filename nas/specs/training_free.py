"""Training-free scores of architectures: names, sources and signs. `nas.training` computes the scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

TrainingFreeProxy = Literal["parameters", "multiply_adds", "grad_norm", "snip", "synflow", "naswot", "zico"]

TRAINING_FREE: tuple[TrainingFreeProxy, ...] = get_args(TrainingFreeProxy)


@dataclass(frozen=True)
class TrainingFreeSource:
    """Source, meaning and sign of a training-free proxy.

    Attributes:
        citation: The paper.
        measures: What the proxy measures, in a sentence.
        sign: +1 where the authors say that a higher value promises a better network, -1 where a lower one does. A
            ranking correlates `sign` times the value with the scores, so a proxy that orders backwards has a negative
            correlation: its sign is not fitted to the data.
    """

    citation: str
    measures: str
    sign: Literal[-1, 1]


TRAINING_FREE_SOURCES: Mapping[TrainingFreeProxy, TrainingFreeSource] = MappingProxyType(
    {
        "parameters": TrainingFreeSource(
            "baseline of Ning et al., Evaluating Efficient Performance Estimators of Neural Architectures, "
            "NeurIPS 2021, arXiv 2008.03064",
            "Number of trainable parameters.",
            1,
        ),
        "multiply_adds": TrainingFreeSource(
            "baseline of Ning et al., Evaluating Efficient Performance Estimators of Neural Architectures, "
            "NeurIPS 2021, arXiv 2008.03064",
            "Number of multiply-adds of one forward pass for one crop.",
            1,
        ),
        "grad_norm": TrainingFreeSource(
            "Abdelfattah et al., Zero-Cost Proxies for Lightweight NAS, ICLR 2021, arXiv 2101.08134",
            "Norm of the gradient of the loss at the initial weights, on one batch.",
            1,
        ),
        "snip": TrainingFreeSource(
            "Lee, Ajanthan and Torr, SNIP: Single-shot Network Pruning based on Connection Sensitivity, ICLR 2019, "
            "arXiv 1810.02340; summed over a network by Abdelfattah et al., ICLR 2021",
            "How much the loss on one batch would change, to first order, if each initial weight were removed.",
            1,
        ),
        "synflow": TrainingFreeSource(
            "Tanaka et al., Pruning neural networks without any data by iteratively conserving synaptic flow, "
            "NeurIPS 2020, arXiv 2006.05467; summed over a network by Abdelfattah et al., ICLR 2021",
            "How much flows from input to output over all paths, each weighted by the product of its absolute weights.",
            1,
        ),
        "naswot": TrainingFreeSource(
            "Mellor et al., Neural Architecture Search without Training, ICML 2021, arXiv 2006.04647",
            "How differently the images of one batch switch the network's ReLUs on and off.",
            1,
        ),
        "zico": TrainingFreeSource(
            "Li et al., ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients, ICLR 2023, "
            "arXiv 2301.11300",
            "How large gradients are against how much they change from batch to batch.",
            1,
        ),
    }
)
