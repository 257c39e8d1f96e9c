"""Optimisers and their learning rates."""

from __future__ import annotations

import torch
from torch import nn

from nas.models.parameters import parameter_groups
from nas.specs import OptimizerSpec


def build_optimizer(module: nn.Module, spec: OptimizerSpec, device: torch.device) -> torch.optim.Optimizer:
    """Build SGD with momentum, or Adam or AdamW with `momentum` as first beta; fused (one kernel for all parameters).

    Weight decay is that of `parameter_groups`. On a GPU the learning rate is a tensor on the device, which a captured
    step reads.
    """
    groups = [group for group in parameter_groups(module, spec.weight_decay) if group["params"]]
    graphed = device.type == "cuda"
    rate = torch.tensor(spec.learning_rate, device=device) if graphed else spec.learning_rate
    if spec.name != "sgd":
        adam = torch.optim.Adam if spec.name == "adam" else torch.optim.AdamW
        return adam(groups, rate, betas=(spec.momentum, 0.999), fused=True, capturable=graphed)
    return torch.optim.SGD(groups, rate, momentum=spec.momentum, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float | torch.Tensor) -> None:
    """Set the learning rate of all parameter groups, in place where it is a tensor."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            if isinstance(rate, torch.Tensor):
                group["lr"].copy_(rate)
            else:
                group["lr"].fill_(rate)
        else:
            group["lr"] = float(rate)
