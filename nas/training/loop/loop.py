"""The training loop of heads on cached features and of entire networks on images."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nas.models.layers.resampling import upsample
from nas.results.measurement import TrialError
from nas.specs import Fidelity
from nas.training.loop.average import WeightAverage
from nas.training.loop.batches import BankBatches, Batches, Inputs
from nas.training.loop.device import autocast, compute_dtype
from nas.training.loop.distributed import Peers
from nas.training.loop.graphed import StaticSteps, captured
from nas.training.loop.losses import SegmentationLoss
from nas.training.loop.metrics import Scores, confusion_matrix, scores
from nas.training.loop.optimizer import build_optimizer, set_rate
from nas.training.loop.predictions import PredictionKeeper
from nas.training.loop.random_streams import DROPOUT, torch_seed
from nas.training.loop.schedule import rate_factors
from nas.training.loop.training_loss import TrainingLoss

CHECK_EVERY = 100
"""Steps between checks that the loss is finite; each check waits for the device."""


class Validation(NamedTuple):
    """The result of a pass over all validation images.

    Attributes:
        loss: Mean cross-entropy over all pixels that are not ignored, without class weights.
    """

    scores: Scores
    loss: float


class Loop:
    """Trains a model, which is already on its device; can be saved and resumed at any step bit-identically.

    The batch of a step follows from (seed, step). Dropout has a generator state of its own, which is part of `state()`,
    so that nothing else in the process changes a trial.

    With `peers` this process is one of several that train the model together, and `batches` gives its share of each
    batch: all processes call `train`, `validate`, `pop_train_loss` and `state` alike and get the same results. Each
    process then draws a dropout mask of its own, and where batch norms do not run over all shares (see `distributed`)
    the running statistics are those of the first process.

    Attributes:
        step: Number of steps done.
        capture_graph: Whether steps are captured as a CUDA graph when training begins; by default on a GPU that holds
            the feature bank and trains the model alone.
    """

    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        fidelity: Fidelity,
        weights: Tensor,
        *,
        seed: int,
        device: torch.device,
        peers: Peers | None = None,
    ) -> None:
        self.model = model
        self.batches = batches
        self.peers = peers
        self._trained = model if peers is None else peers.parallel(model)
        self.step = 0
        self._device = device
        self._dtype = compute_dtype(fidelity, device)
        self._criterion = TrainingLoss(fidelity.loss, weights, peers).to(device)
        self._unweighted = SegmentationLoss(torch.ones_like(weights)).to(device)
        self.optimizer = build_optimizer(model, fidelity.optimizer, device)
        self._clip_norm = fidelity.optimizer.clip_norm
        self._average = None if fidelity.ema is None else WeightAverage(model, fidelity.ema)
        self._rates = fidelity.optimizer.learning_rate * rate_factors(fidelity.schedule, fidelity.rungs)
        self._loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self._share_sum = self._loss_sum if peers is None else torch.zeros_like(self._loss_sum)
        self._loss_steps = 0
        self._cuda = [device] if device.type == "cuda" else []
        self._graph: StaticSteps | None = None
        alone_on_gpu = device.type == "cuda" and peers is None
        self.capture_graph = alone_on_gpu and isinstance(batches, BankBatches) and batches.resident
        with torch.random.fork_rng(devices=self._cuda):
            torch.manual_seed(torch_seed(seed, DROPOUT, 0 if peers is None else peers.rank))
            self._generators = self._generator_states()

    def train(self, until: int) -> None:
        """Train up to and including step number `until` (counted from 1).

        Raises:
            TrialError: The training loss is not finite.
        """
        self.model.train()
        with torch.random.fork_rng(devices=self._cuda):
            self._restore_generators(self._generators)
            while self.step < until:
                stop = min(until, (self.step // CHECK_EVERY + 1) * CHECK_EVERY)
                self._steps(self.step, stop)
                if self.peers is not None:
                    self._loss_sum += self.peers.total(self._share_sum)
                    self._share_sum.zero_()
                self._loss_steps += stop - self.step
                self.step = stop
                if not math.isfinite(float(self._loss_sum)):
                    raise TrialError(
                        f"the training loss is not finite after {self.step} steps: lower the learning rate"
                    )
            self._generators = self._generator_states()

    def pop_train_loss(self) -> float:
        """Compute the mean training loss since the last call, and start a new mean."""
        mean = float(self._loss_sum) / max(self._loss_steps, 1)
        self._loss_sum.zero_()
        self._loss_steps = 0
        return mean

    def running_loss(self) -> tuple[float, int]:
        """Return the sum of the training losses since the last `pop_train_loss`, and the number of these steps."""
        return float(self._loss_sum), self._loss_steps

    def learning_rate(self) -> float:
        """Return the learning rate of the next step; after the last step that of the last."""
        return float(self._rates[min(self.step, len(self._rates) - 1)])

    @torch.inference_mode()
    def validate(self, num_classes: int, keeper: PredictionKeeper | None = None) -> Validation:
        """Score the model on the validation images, with the running statistics of its batch norms.

        Where the fidelity asks for a moving average of the weights, the average is scored.

        Args:
            num_classes: Number of classes.
            keeper: Sees every batch, and keeps the predictions of some images.

        Raises:
            TrialError: The validation loss is not finite.
        """
        model = (self.model if self._average is None else self._average.model).eval()
        if self.peers is not None:
            self.peers.align(model)
        confusion = torch.zeros(num_classes, num_classes, dtype=torch.int64, device=self._device)
        loss_sum = torch.zeros((), dtype=torch.float64, device=self._device)
        counted = torch.zeros((), dtype=torch.int64, device=self._device)
        if keeper is not None:
            keeper.begin()
        for inputs, labels in self.batches.validation():
            coarse = self._logits(model, inputs).float()
            logits = upsample(coarse, (labels.shape[1], labels.shape[2]))
            valid = (labels < num_classes).sum()
            loss_sum += self._unweighted(logits, labels) * valid
            counted += valid
            predicted = logits.argmax(1)
            confusion += confusion_matrix(labels, predicted, num_classes)
            if keeper is not None:
                keeper.see(coarse, predicted)
        if self.peers is not None:
            loss_sum, counted, confusion = (self.peers.total(part) for part in (loss_sum, counted, confusion))
        loss = float(loss_sum) / max(int(counted), 1)
        if not math.isfinite(loss):
            raise TrialError(f"the validation loss is not finite after {self.step} steps: lower the learning rate")
        return Validation(scores(confusion), loss)

    def adopt_average(self) -> None:
        """Replace the weights by their moving average, where the fidelity asks for one; training is then over."""
        if self._average is not None:
            self._average.write_to(self.model)

    def state(self) -> dict[str, Any]:
        """Return the full state for `load`, as tensors and plain values."""
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generators": self._generators if self.peers is None else self.peers.gathered(self._generators),
            "loss_sum": self._loss_sum,
            "loss_steps": self._loss_steps,
            **({} if self._average is None else {"average": self._average.state_dict()}),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Restore `state()` of a loop that was made with the same arguments."""
        assert self._graph is None, "a captured step would use the old tensors"
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"] = group["lr"].to(self._device)
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self._generators = state["generators"] if self.peers is None else state["generators"][self.peers.rank]
        self._loss_sum.copy_(state["loss_sum"])
        self._loss_steps = state["loss_steps"]
        self.step = state["step"]

    def _steps(self, start: int, stop: int) -> None:
        if self.capture_graph and self._graph is None:
            assert isinstance(self.batches, BankBatches)
            steps = StaticSteps(self.batches, CHECK_EVERY, self.optimizer, self._one_step)
            self.capture_graph = captured(steps, self._changed_by_a_step(), self.optimizer, self._loss_sum)
            self._graph = steps if self.capture_graph else None
        if self._graph is not None:
            self._graph.run(start, stop, self._rates)
            return
        for step, (inputs, labels) in enumerate(self.batches.training(start, stop), start):
            set_rate(self.optimizer, float(self._rates[step]))
            self._one_step(inputs, labels)

    def _one_step(self, inputs: Inputs, labels: Tensor) -> None:
        loss = self._criterion(self._logits(self._trained, inputs), labels)
        self.optimizer.zero_grad(set_to_none=True)
        # Each share's loss is a part of the batch's mean; DDP averages gradients, which should be summed here.
        (loss if self.peers is None else loss * self.peers.count).backward()
        if self._clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self._clip_norm)
        self.optimizer.step()
        if self._average is not None:
            self._average.update(self.model)
        self._share_sum += loss.detach()

    def _changed_by_a_step(self) -> nn.Module:
        return self.model if self._average is None else nn.ModuleList([self.model, self._average])

    def _logits(self, model: nn.Module, inputs: Inputs) -> Tensor:
        with autocast(self._device, self._dtype):
            logits: Tensor = model(*inputs)
        return logits

    def _generator_states(self) -> list[Tensor]:
        return [torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in self._cuda)]

    def _restore_generators(self, states: list[Tensor]) -> None:
        torch.set_rng_state(states[0])
        for device, state in zip(self._cuda, states[1:], strict=True):
            torch.cuda.set_rng_state(state, device)
