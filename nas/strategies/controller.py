"""The controller of the strategy `reinforce`: an LSTM that makes the choices of a cell in turn. It needs torch."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nas.specs import ReinforceStrategy

HIDDEN = 35
LAYERS = 2
INITIAL = 0.08
"""Hidden units, layers, and range of the uniform initial weights: Zoph and Le, section 4.1."""

START_BASELINE = 0.5
"""The baseline before any reward: the mean of rewards that are shares of trials."""


@dataclass(frozen=True)
class Choice:
    """One choice: the type that it shares with others, which have the same embedding and logits, and its options."""

    type: str
    options: int


class Controller:
    """A policy over sequences of choices, learnt by REINFORCE with a moving baseline and an entropy bonus.

    The choice made before is embedded and fed to the LSTM, whose output has one logit for each option of the choice's
    type. After a trial with the reward r the weights take one step of Adam along the gradient of
    (r - b) log p(choices) + entropy * (mean entropy of the choices), and the baseline b moves to
    baseline * b + (1 - baseline) * r.

    All is computed in float64 on the CPU, and no generator of the process is used. Between processors the last bits
    may differ, and so may, rarely, a choice.

    Args:
        choices: The choices in their order.
        strategy: Rates of learning, baseline and entropy.
        seed: Of the initial weights.

    Source:
        Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017, section 3.2 and 4.1. The
        entropy bonus is Williams and Peng's (Connection Science, 1991); the paper has none.
    """

    def __init__(self, choices: Sequence[Choice], strategy: ReinforceStrategy, seed: int) -> None:
        self._strategy = strategy
        self._choices = tuple(choices)
        first, total = {}, 0
        for kind in dict.fromkeys(choice.type for choice in choices):
            first[kind] = total
            total += max(choice.options for choice in choices if choice.type == kind)
        self._first = [first[choice.type] for choice in choices]
        options = torch.arange(total)
        self._excluded = torch.stack(
            [(options < at) | (options >= at + c.options) for at, c in zip(self._first, choices, strict=True)]
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._network = _Network(total).double()
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=strategy.learning_rate)
        self._baseline = START_BASELINE

    def sample(self, rng: random.Random) -> list[int]:
        """Draw the option of each choice from the policy.

        Args:
            rng: Source of all draws.
        """
        drawn: list[int] = []
        state, before = None, self._network.begin
        with torch.no_grad():
            for position, choice in enumerate(self._choices):
                logits, state = self._network(torch.tensor([before]), state)
                weights = logits[0].masked_fill(self._excluded[position], -torch.inf).softmax(0).tolist()
                at = self._first[position]
                drawn += rng.choices(range(choice.options), weights[at : at + choice.options])
                before = at + drawn[-1]
        return drawn

    def learn(self, options: Sequence[int], reward: float) -> None:
        """Take one step of REINFORCE.

        Args:
            options: The option of each choice, whoever chose it.
            reward: In [0, 1], higher is better.
        """
        made = torch.tensor([at + option for at, option in zip(self._first, options, strict=True)])
        fed = torch.cat([torch.tensor([self._network.begin]), made[:-1]])
        logits, _ = self._network(fed, None)
        log_p = logits.masked_fill(self._excluded, -torch.inf).log_softmax(1)
        # An option that does not exist has p log p = 0, not 0 times infinity.
        entropy = -(log_p.exp() * log_p.masked_fill(self._excluded, 0)).sum(1).mean()
        likelihood = log_p.gather(1, made[:, None]).sum()
        loss = -(reward - self._baseline) * likelihood - self._strategy.entropy * entropy
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        decay = self._strategy.baseline
        self._baseline = decay * self._baseline + (1 - decay) * reward

    def state(self) -> Any:
        """Copy all that `learn` changes."""
        return copy.deepcopy((self._network.state_dict(), self._optimizer.state_dict(), self._baseline))

    def load(self, state: Any) -> None:
        """Go back to what `state` returned before."""
        network, optimizer, self._baseline = state
        self._network.load_state_dict(network)
        self._optimizer.load_state_dict(copy.deepcopy(optimizer))


class _Network(nn.Module):
    """Embedding, LSTM and logits of all options; the last embedding stands before the first choice."""

    def __init__(self, options: int) -> None:
        super().__init__()
        self.begin = options
        self.embedding = nn.Embedding(options + 1, HIDDEN)
        self.lstm = nn.LSTM(HIDDEN, HIDDEN, LAYERS)
        self.logits = nn.Linear(HIDDEN, options)
        for weight in self.parameters():
            nn.init.uniform_(weight, -INITIAL, INITIAL)

    def forward(self, fed: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Map the numbers of options (T) to logits (T, options), and return the LSTM's state after the last."""
        out, state = self.lstm(self.embedding(fed), state)
        return self.logits(out), state
