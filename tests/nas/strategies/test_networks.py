"""The space of networks as strategies see it: its count, its uniform draws, its choices and how TPE is told of them."""

from __future__ import annotations

import collections
import random

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.samplers import RandomSampler
from scipy.stats import chisquare

from nas.specs import AutoDeepLabSpace, EvolutionStrategy, RandomStrategy, Strategy, TpeStrategy
from nas.strategies import Observation, SpaceExhausted, build_strategy
from nas.strategies.networks import NetworkSpace
from nas.strategies.optuna_logs import without_logs
from nas.strategies.random_search import RandomSearch
from nas.strategies.tpe import TpeSearch
from nas.strategies.tpe_parameters import FlatParameters, TrellisParameters
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.auto_deeplab.cost import network_cost
from search_spaces.validation import validate
from tests.builders import black_box_spec, scenes_fidelity

TINY = NetworkSpace(AutoDeepLabSpace(layers=3, levels=3, blocks=1, operators=("sep_3x3",)))
SMALL = NetworkSpace(AutoDeepLabSpace(layers=4, levels=3, blocks=2, operators=("sep_3x3", "max_pool_3x3", "skip")))
NARROW = {"filters": 4, "stem_channels": 8, "aspp_channels": 16, "low_level_channels": 8, "decoder_channels": 16}
FIDELITY = scenes_fidelity(10, crop=(128, 256), network=NARROW)


def test_a_tiny_space_by_hand():
    """Three cells (pp, p pp, p p) along twelve paths: see tests/search_spaces/auto_deeplab/test_distinct.py."""
    assert TINY.distinct == TINY.most == len(TINY.all()) == 3 * 12
    assert TINY.enumerable
    assert not NetworkSpace(AutoDeepLabSpace()).enumerable


def test_draws_are_uniform_over_entire_paths():
    """Not over steps: a walk that draws each step evenly would come to 000 with 1/8 and to 111 with 1/18."""
    rng = random.Random(0)
    found = collections.Counter("".join(map(str, TINY.sample(rng).path)) for _ in range(1200))
    assert len(found) == 12
    assert chisquare(list(found.values())).pvalue > 0.001
    walk = [1 / 8, 1 / 8, 1 / 12, 1 / 12, 1 / 12, 1 / 12, 1 / 12, 1 / 18, 1 / 18, 1 / 18, 1 / 12, 1 / 12]
    assert sum(walk) == pytest.approx(1)
    assert chisquare([found[path] for path in sorted(found)], [1200 * share for share in walk]).pvalue < 1e-9


def test_a_search_proposes_every_network_of_a_tiny_space_and_ends():
    fidelity = scenes_fidelity(10, crop=(128, 256))
    strategy = build_strategy(black_box_spec(RandomStrategy(), TINY.spec, fidelity=fidelity, trials=100))
    assert {strategy.ask(number) for number in range(36)} == set(TINY.all())
    with pytest.raises(SpaceExhausted, match="the space has only 36 architectures"):
        strategy.ask(36)


def test_choices_by_hand():
    space = NetworkSpace(AutoDeepLabSpace(layers=3, levels=3, blocks=2, operators=("sep_3x3", "skip")))
    assert {name: list(values) for name, values in space.choices.items()} == {
        **{"input_0_0": [0, 1], "input_0_1": [0, 1], "input_1_0": [0, 1, 2], "input_1_1": [0, 1, 2]},
        **{"operator_0_0": [0, 1], "operator_0_1": [0, 1], "operator_1_0": [0, 1], "operator_1_1": [0, 1]},
        **{"level_0": [0, 1], "step_1": [-1, 0, 1], "step_2": [-1, 0, 1]},
    }
    first_block = ["input_0_0", "operator_0_0", "input_0_1", "operator_0_1"]
    assert list(space.in_turn)[:4] == first_block
    assert list(space.in_turn)[-3:] == ["level_0", "step_1", "step_2"]
    assert not space.even
    one = NetworkSpace(AutoDeepLabSpace(layers=3, levels=1, blocks=1, operators=("skip",)))
    assert set(one.choices) == {"input_0_0", "input_0_1"}, "what leaves no choice is left out"
    assert one.even


@pytest.mark.parametrize("space", [TINY, SMALL, NetworkSpace(AutoDeepLabSpace())])
def test_a_network_and_its_choices_are_the_same(space):
    for number in range(20):
        network = space.sample(random.Random(number))
        values = space.encode(network)
        assert set(values) == set(space.choices)
        assert all(value in space.choices[name] for name, value in values.items())
        assert space.decode(values).model_dump() == network.model_dump()


def test_a_step_over_the_border_is_none():
    values = dict(SMALL.encode(SMALL.sample(random.Random(0))))
    up = SMALL.decode({**values, "level_0": 0, "step_1": -1, "step_2": 1, "step_3": -1})
    down = SMALL.decode({**values, "level_0": 1, "step_1": 1, "step_2": 1, "step_3": 1})
    assert (up.path, down.path) == ((0, 0, 1, 0), (1, 2, 2, 2))


@pytest.fixture
def study() -> optuna.Study:
    with without_logs():
        return optuna.create_study(sampler=RandomSampler(seed=0))


@pytest.mark.parametrize("kind", [FlatParameters, TrellisParameters])
def test_a_network_and_its_description_are_the_same(kind, study):
    parameters = kind(SMALL)
    for number in range(20):
        network = SMALL.sample(random.Random(number))
        study.enqueue_trial(dict(parameters.encode(network)))
        trial, found = parameters.ask(study)
        assert trial.params == parameters.encode(network)
        assert found.model_dump() == network.model_dump()


def test_conditional_parameters_of_a_path_are_the_steps_at_its_nodes():
    """Two layers on two levels: one step, from stride 4 or from stride 8, each its own parameter."""
    space = NetworkSpace(AutoDeepLabSpace(layers=2, levels=2, blocks=1, operators=("skip",)))
    parameters = TrellisParameters(space)
    pair = CategoricalDistribution((0, 1))
    assert parameters.groups == (
        {"input_0_0": pair, "input_0_1": pair, "level_0": pair},
        {"step_1_0": CategoricalDistribution((0, 1))},
        {"step_1_1": CategoricalDistribution((-1, 0))},
    )
    cell = space.sample(random.Random(0)).blocks
    described = parameters.encode(AutoDeepLab(blocks=cell, path=(1, 0)))
    assert described == {
        **{"input_0_0": cell[0].edges[0].input, "input_0_1": cell[0].edges[1].input},
        **{"level_0": 1, "step_1_1": -1},
    }


@pytest.mark.parametrize("conditional", [False, True])
def test_the_start_of_tpe_is_uniform_over_networks(conditional):
    strategy, uniform = TpeSearch(SMALL, 0, TpeStrategy(startup=5, conditional=conditional)), RandomSearch(SMALL, 0)
    for number in range(5):
        network = strategy.ask(number)
        assert network == uniform.ask(number)
        strategy.tell(Observation(number, network, "completed", number / 5, 90))


def deep_share(network: AutoDeepLab) -> float:
    """A score that strategies can learn: the share of separable convolutions, and of layers at stride 8."""
    edges = [edge for block in network.blocks for edge in block.edges]
    separable = sum(edge.operator == "sep_3x3" for edge in edges) / len(edges)
    return (separable + sum(level == 1 for level in network.path) / len(network.path)) / 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "strategy",
    [
        {"name": "dpc", "near_best": 0.8},
        {"name": "evolution", "population": 10, "sample": 4},
        {"name": "tpe"},
        {"name": "tpe", "conditional": True},
        {"name": "reinforce", "learning_rate": 0.05},
    ],
    ids=str,
)
def test_it_learns_what_scores_well(strategy):
    """The last 40 of 100 proposals score above uniform ones, whose mean is that of 400 draws."""
    spec = black_box_spec(validate(Strategy, strategy), SMALL.spec, fidelity=FIDELITY)
    search, rng, scores = build_strategy(spec), random.Random(0), []
    for number in range(100):
        network = search.ask(number)
        assert isinstance(network, AutoDeepLab)
        scores.append(deep_share(network))
        search.tell(Observation(number, network, "completed", scores[-1], 90))
    chance = [deep_share(SMALL.sample(rng)) for _ in range(400)]
    mean = sum(chance) / len(chance)
    deviation = (sum((score - mean) ** 2 for score in chance) / len(chance) / 40) ** 0.5
    assert sum(scores[-40:]) / 40 > mean + 2 * deviation


def test_no_proposal_is_beyond_the_constraints():
    spec = black_box_spec(
        EvolutionStrategy(population=4, sample=2),
        SMALL.spec,
        fidelity=FIDELITY,
        constraints={"multiply_adds": {"max": 28_000_000}},
    )
    strategy, setting = build_strategy(spec), SMALL.spec.setting(FIDELITY)
    free = [network_cost(SMALL.sample(random.Random(n)), setting).multiply_adds for n in range(30)]
    assert min(free) < 28_000_000 < max(free)
    for number in range(20):
        network = strategy.ask(number)
        assert isinstance(network, AutoDeepLab)
        assert network_cost(network, setting).multiply_adds <= 28_000_000
        strategy.tell(Observation(number, network, "completed", number / 20, 90))
