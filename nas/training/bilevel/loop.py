"""The two-level optimisation: weights on part A of the images, alpha and beta on part B (Auto-DeepLab, section 3.3)."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from nas.models.layers.resampling import upsample
from nas.models.supernet import Supernet, frozen_statistics
from nas.results.measurement import TrialError
from nas.specs import BilevelSpec
from nas.training.bilevel.gradients import dominant_eigenvalue, gradients, unrolled
from nas.training.loop.device import autocast
from nas.training.loop.losses import SegmentationLoss
from nas.training.loop.metrics import Scores, confusion_matrix, scores

Batch = tuple[Tensor, Tensor]


class BilevelLoop:
    """Trains a supernet, which is already on its device, step by step; can be saved and resumed bit-identically.

    A step updates the weights by the gradient on a batch of part A, then alpha and beta by the gradient on a batch of
    part B, if there is one. With `second_order` the architecture is updated first, by the gradient after a virtual step
    of the weights on the same batch of A. Nothing in a step is random but the batches.
    """

    def __init__(
        self, model: Supernet, spec: BilevelSpec, weights: Tensor, *, total_steps: int, device: torch.device
    ) -> None:
        self.model = model
        self.step = 0
        self._spec, self._total, self._device = spec, total_steps, device
        self._dtype = torch.bfloat16 if spec.precision == "bfloat16" else torch.float32
        self._criterion = SegmentationLoss(weights).to(device)
        self._weights = model.weight_parameters()
        self._architecture = model.architecture_parameters()
        sgd, adam = spec.weights, spec.architecture
        self._sgd = torch.optim.SGD(
            self._weights, sgd.learning_rate, momentum=sgd.momentum, weight_decay=sgd.weight_decay, foreach=True
        )
        self._adam = torch.optim.Adam(
            self._architecture, adam.learning_rate, betas=adam.betas, weight_decay=adam.weight_decay
        )
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)
        self._counts = [0, 0]

    def rate(self, step: int) -> float:
        """Compute the learning rate of the weights at a step: half a cosine over all steps of the run."""
        sgd = self._spec.weights
        return sgd.final_rate + 0.5 * (sgd.learning_rate - sgd.final_rate) * (
            1 + math.cos(math.pi * step / self._total)
        )

    def train_step(self, on_a: Batch, on_b: Batch | None) -> None:
        """Take one step; without a batch of part B the architecture parameters stay as they are."""
        self.model.train()
        self.model.auxiliary.fill_((1 - self.step / self._total) if self.model.spec.auxiliary_skip else 0.0)
        for group in self._sgd.param_groups:
            group["lr"] = self.rate(self.step)
        if on_b is not None and self._spec.second_order:
            self._update_architecture(on_b, on_a)
        self._update_weights(on_a)
        if on_b is not None and not self._spec.second_order:
            self._update_architecture(on_b, None)
        self.step += 1

    def pop_losses(self) -> tuple[float, float | None]:
        """Compute the mean losses since the last call on parts A and B, and start new means.

        Returns:
            The mean loss on A, and that on B: `None` where the architecture was not updated.

        Raises:
            TrialError: A mean is not finite.
        """
        sums = self._sums.tolist()
        means = [total / count if count else None for total, count in zip(sums, self._counts, strict=True)]
        self._sums.zero_()
        self._counts = [0, 0]
        if not all(math.isfinite(mean) for mean in means if mean is not None):
            raise TrialError(f"the loss of the supernet is not finite after {self.step} steps: lower the learning rate")
        return means[0] or 0.0, means[1]

    @torch.inference_mode()
    def validate(self, batches: Iterable[Batch], num_classes: int) -> Scores:
        """Score the supernet itself, with the running statistics of its batch norms."""
        self.model.eval()
        confusion = torch.zeros(num_classes, num_classes, dtype=torch.int64, device=self._device)
        for images, labels in batches:
            logits = upsample(self._logits(images).float(), (labels.shape[1], labels.shape[2]))
            confusion += confusion_matrix(labels, logits.argmax(1), num_classes)
        return scores(confusion)

    def curvature(self, on_b: Batch, iterations: int) -> float:
        """Estimate the dominant eigenvalue of the Hessian in alpha of the loss on a batch of part B."""
        self.model.train()
        others = [*self._weights, self.model.beta]
        with frozen_statistics():
            return dominant_eigenvalue(lambda: self._loss(on_b), [self.model.alpha], others, iterations)

    def state(self) -> dict[str, Any]:
        """Return the full state for `load`, as tensors and plain values."""
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "sgd": self._sgd.state_dict(),
            "adam": self._adam.state_dict(),
            "sums": self._sums,
            "counts": self._counts,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Restore `state()` of a loop that was made with the same arguments."""
        self.model.load_state_dict(state["model"])
        self._sgd.load_state_dict(state["sgd"])
        self._adam.load_state_dict(state["adam"])
        self._sums.copy_(state["sums"])
        self._counts = list(state["counts"])
        self.step = state["step"]

    def _update_weights(self, batch: Batch) -> None:
        loss, slopes = gradients(lambda: self._loss(batch), self._weights, self._architecture)
        for weight, slope in zip(self._weights, slopes, strict=True):
            weight.grad = slope
        if self._spec.weights.clip is not None:
            torch.nn.utils.clip_grad_norm_(self._weights, self._spec.weights.clip)
        self._sgd.step()
        self._sgd.zero_grad(set_to_none=True)
        self._add_loss(0, loss)

    def _update_architecture(self, on_b: Batch, on_a: Batch | None) -> None:
        if on_a is None:
            loss, slopes = gradients(lambda: self._loss(on_b), self._architecture, self._weights)
        else:
            # Only the weights' own step counts in the batch norms' statistics, not the passes of the virtual step.
            with frozen_statistics():
                loss, slopes = unrolled(
                    (lambda: self._loss(on_a), lambda: self._loss(on_b)),
                    self._weights,
                    self._architecture,
                    step=self._virtual_step,
                    rate=self.rate(self.step),
                )
        for parameter, slope in zip(self._architecture, slopes, strict=True):
            parameter.grad = slope
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)
        self._add_loss(1, loss)

    def _virtual_step(self, slopes: list[Tensor]) -> list[Tensor]:
        """What SGD would subtract from the weights, with momentum and weight decay."""
        sgd, rate = self._spec.weights, self.rate(self.step)
        steps = []
        for weight, slope in zip(self._weights, slopes, strict=True):
            velocity = slope + sgd.weight_decay * weight.detach()
            momentum = self._sgd.state[weight].get("momentum_buffer") if weight in self._sgd.state else None
            steps.append(rate * (velocity if momentum is None else velocity + sgd.momentum * momentum))
        return steps

    def _loss(self, batch: Batch) -> Tensor:
        loss: Tensor = self._criterion(self._logits(batch[0]), batch[1])
        return loss

    def _logits(self, images: Tensor) -> Tensor:
        with autocast(self._device, self._dtype) if self._dtype is torch.bfloat16 else contextlib.nullcontext():
            logits: Tensor = self.model(images)
            return logits

    def _add_loss(self, which: int, loss: Tensor) -> None:
        self._sums[which] += loss.double()
        self._counts[which] += 1
