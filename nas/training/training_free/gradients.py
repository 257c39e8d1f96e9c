"""Training-free scores computed from the gradient of the loss on one batch."""

from __future__ import annotations

import math

from torch import nn

from nas.training.training_free.initial import Batch, Criterion, at_first_step, loss_gradients, weights


def grad_norm(model: nn.Module, batch: Batch, criterion: Criterion) -> float:
    """Compute || dL/dtheta ||_2, the Euclidean norm of the gradient in all trainable parameters.

    Batch norms and biases are included. The sum of the layers' norms, which other code uses, is another number.

    Args:
        model: Freshly initialised, on the device of the batch; it is left as it was.
        batch: Inputs and labels.
        criterion: The loss L.

    Source:
        Abdelfattah et al., Zero-cost proxies for lightweight NAS, ICLR 2021.
    """
    started = at_first_step(model)
    parameters = [parameter for parameter in started.parameters() if parameter.requires_grad]
    gradients = loss_gradients(started, parameters, batch, criterion)
    return math.sqrt(sum(float(gradient.double().square().sum()) for gradient in gradients))


def snip(model: nn.Module, batch: Batch, criterion: Criterion) -> float:
    """Compute the sum over all weights of |theta * dL/dtheta|.

    Lee et al. divide each term by this sum, to compare weights of one network; Abdelfattah et al. compare networks by
    the sum itself. Batch norms and biases are not connections and are left out.

    Args:
        model: Freshly initialised, on the device of the batch; it is left as it was.
        batch: Inputs and labels.
        criterion: The loss L.

    Source:
        Lee et al., SNIP, ICLR 2019; Abdelfattah et al., ICLR 2021.
    """
    started = at_first_step(model)
    parameters = weights(started)
    gradients = loss_gradients(started, parameters, batch, criterion)
    pairs = zip(parameters, gradients, strict=True)
    return sum(float((weight.detach().double() * gradient.double()).abs().sum()) for weight, gradient in pairs)
