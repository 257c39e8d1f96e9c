import random

import pytest
import torch
from scipy.stats import chisquare

from nas.specs import DenseCellSpace, ReinforceStrategy
from nas.strategies.base import Observation
from nas.strategies.cells import CellSpace
from nas.strategies.controller import Choice, Controller
from nas.strategies.reinforce import ReinforceSearch
from search_spaces.dense_cell.architecture import DenseCell
from tests.nas.strategies.learning import deviations_above_chance

pytestmark = pytest.mark.slow  # torch

CHOICES = (Choice("operator", 5), Choice("input", 2), Choice("operator", 5), Choice("input", 3), Choice("width", 2))


def controller(**fields: float) -> Controller:
    return Controller(CHOICES, ReinforceStrategy.model_validate({"learning_rate": 0.01, **fields}), seed=3)


def log_p(policy: Controller, options: list[int]) -> float:
    """The log-probability of choices, one softmax over the options of each choice after the other."""
    network, total, state, before = policy._network, 0.0, None, policy._network.begin
    first = {"operator": 0, "input": 5, "width": 8}
    with torch.no_grad():
        for choice, option in zip(CHOICES, options, strict=True):
            logits, state = network(torch.tensor([before]), state)
            at = first[choice.type]
            total += float(logits[0, at : at + choice.options].log_softmax(0)[option])
            before = at + option
    return total


def test_choices_are_drawn_as_likely_as_the_policy_says():
    policy, rng = controller(), random.Random(0)
    for _ in range(60):
        policy.learn([2, 0, 2, 1, 1], 1.0)
    drawn = [policy.sample(rng) for _ in range(200)]
    assert all(option < choice.options for options in drawn for choice, option in zip(CHOICES, options, strict=True))
    with torch.no_grad():
        logits, _ = policy._network(torch.tensor([policy._network.begin]), None)
    expected = logits[0, :5].softmax(0) * 200
    assert max(expected) > 80  # it has learnt
    counts = [sum(options[0] == option for options in drawn) for option in range(5)]
    assert chisquare(counts, expected.tolist()).pvalue > 0.001


def test_at_first_all_options_are_about_as_likely():
    """Weights within 0.08 of zero give logits that differ little."""
    rng = random.Random(1)
    policy = controller()
    counts = [0] * 5
    for _ in range(200):
        counts[policy.sample(rng)[0]] += 1
    assert 17 < min(counts) <= max(counts) < 63  # 4 standard deviations around 40


@pytest.mark.parametrize(("reward", "sign"), [(0.9, 1), (0.1, -1)])
def test_what_was_better_than_the_baseline_becomes_likelier_and_what_was_worse_less(reward, sign):
    policy, options = controller(entropy=0.0), [4, 1, 0, 2, 1]
    before = log_p(policy, options)
    policy.learn(options, reward)
    assert sign * (log_p(policy, options) - before) > 0.01


def test_a_reward_at_the_baseline_teaches_nothing():
    policy, options = controller(entropy=0.0), [4, 1, 0, 2, 1]
    before = log_p(policy, options)
    policy.learn(options, 0.5)
    assert log_p(policy, options) == before


def test_the_gradient_is_that_of_the_formula():
    """One step of the loss against differences of the log-probability and the entropy, computed choice by choice."""
    policy = controller(entropy=0.3)
    options, reward = [4, 1, 0, 2, 1], 0.8
    weight = policy._network.logits.bias

    def objective() -> float:
        entropy, state, before = 0.0, None, policy._network.begin
        first = {"operator": 0, "input": 5, "width": 8}
        with torch.no_grad():
            for choice, option in zip(CHOICES, options, strict=True):
                logits, state = policy._network(torch.tensor([before]), state)
                at = first[choice.type]
                p = logits[0, at : at + choice.options].softmax(0)
                entropy -= float((p * p.log()).sum()) / len(CHOICES)
                before = at + option
        return (reward - 0.5) * log_p(policy, options) + 0.3 * entropy

    expected = []
    for index in range(len(weight)):
        values = []
        for step in (1e-6, -2e-6):
            with torch.no_grad():
                weight[index] += step
            values.append(objective())
        with torch.no_grad():
            weight[index] += 1e-6
        expected.append((values[0] - values[1]) / 2e-6)
    policy.learn(options, reward)
    assert weight.grad is not None
    assert (-weight.grad).tolist() == pytest.approx(expected, abs=1e-6)


def test_the_entropy_bonus_keeps_options_likely():
    bold, calm = controller(entropy=0.0), controller(entropy=1.0)
    for policy in (bold, calm):
        for _ in range(40):
            policy.learn([0, 0, 0, 0, 0], 1.0)
    assert log_p(bold, [0, 0, 0, 0, 0]) > log_p(calm, [0, 0, 0, 0, 0]) + 0.5


def test_it_goes_back_to_what_it_was():
    policy, rng = controller(), random.Random(2)
    policy.learn([1, 1, 1, 1, 1], 0.9)
    kept, after = policy.state(), []
    for _ in range(2):
        for _ in range(3):
            policy.learn(policy.sample(random.Random(7)), 0.7)
        after.append((log_p(policy, [0, 0, 0, 0, 0]), policy._baseline))
        policy.load(kept)
    assert after[0] == after[1]
    assert policy.sample(rng) is not None


def search(seed: int = 0, branches: int = 3, **fields: float) -> ReinforceSearch[DenseCell]:
    strategy = ReinforceStrategy.model_validate(fields)
    return ReinforceSearch(CellSpace(DenseCellSpace(branches=branches)), seed, strategy)


def test_rewards_are_shares_of_the_trials_before():
    strategy = search()
    ends: list[tuple[str, float, int, tuple[int, float] | None]] = [
        ("completed", 0.5, 90, None),
        ("pruned", 0.9, 10, None),
        ("completed", 0.5, 90, None),
    ]
    ends += [("completed", 0.8, 90, (10, 0.95)), ("pruned", 0.9, 10, None), ("failed", 0.9, 90, None)]
    for number, (status, score, iteration, unjudged) in enumerate(ends):
        strategy.tell(Observation(number, strategy.ask(number), status, score, iteration, unjudged))
    # The first; below it; equal to one of two; unjudged and so at the rung 10, above one of three; the worst, tied.
    assert [strategy._reward(place) for place in range(5)] == [0.5, 0.0, 0.75, 1 / 3, 0.125]
    assert len(strategy._results) == 5


def test_torch_s_generator_is_neither_read_nor_moved():
    before = torch.get_rng_state()
    first = search().ask(0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert search().ask(0).branches == first.branches


def test_it_learns_what_scores_well_and_keeps_few_states():
    strategy = search(learning_rate=0.02)
    assert deviations_above_chance(strategy, 240) > 2  # 240 trials are few for it
    assert len(strategy._states) <= 20
