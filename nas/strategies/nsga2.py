"""NSGA-II: crossover and mutation of the architectures that few others dominate."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple

from nas.results.domination import crowding, dominates, fronts
from nas.results.standing import Standing
from nas.specs import Nsga2Strategy, Vector
from nas.strategies.base import MUTATION_TRIES, Observation, SpaceStrategy
from nas.strategies.spaces import A, Space
from nas.strategies.standings import Standings


class _Member(NamedTuple, Generic[A]):
    """A trial with a score: its values of the objectives, its number and its architecture as told."""

    values: Vector
    number: int
    architecture: A


class Nsga2Search(SpaceStrategy[A]):
    """NSGA-II with a population that is renewed after every trial.

    The population is the best `population` of all trials with a score: those at a deeper rung first, at a rung those of
    an earlier front of domination, in a front those with the larger crowding distance, and of equal ones the earlier
    trial. A proposal draws two parents, each the better of two members, mixes their parts with probability
    `crossover`, and mutates the child. Trials `0 .. population - 1` are uniform; of these, one fewer for each trial of
    another search that was told. A trial that passed a rung unjudged may stand at that rung (`nas.results.standing`);
    its other objectives are then those of its deepest one.

    Optuna's sampler of this name is not used: to which generation a trial belongs, and which parents a generation has,
    it writes into its own storage while it proposes, in the order of the tells. The record of trials holds neither, so
    a restored search would go on otherwise.

    Source:
        Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE TEVC 2002; renewed after every
        trial as in Nebro and Durillo, "On the Effect of Applying a Steady-State Selection Scheme in the Multi-Objective
        Genetic Algorithm NSGA-II", 2009.
    """

    def __init__(self, space: Space[A], seed: int, strategy: Nsga2Strategy) -> None:
        super().__init__(space, seed)
        self._strategy = strategy
        self._standings = Standings()
        self._judged: dict[int, list[_Member[A]]] = {}
        self._room: dict[int, int] = {}
        self._unjudged: list[Observation] = []
        self._population: list[A] | None = []

    def _propose(self, number: int, rng: random.Random) -> A | None:
        if self._population is None:
            self._population = self._best()
        population = self._population
        if number + self._warm < self._strategy.population or not population:
            return None
        for _ in range(MUTATION_TRIES):
            child = _tournament(population, rng)
            if rng.random() < self._strategy.crossover:
                child = self._space.mix(child, _tournament(population, rng), rng)
            mutant = self._space.mutate(child, rng, self._strategy.mutations)
            if mutant is not None and self._is_new(mutant):
                return mutant
        return None

    def _learn(self, observation: Observation) -> None:
        if not observation.scored:
            return
        self._population = None
        self._standings.note(observation)
        if observation.unjudged is not None:
            self._unjudged.append(observation)
            return
        assert observation.iteration is not None
        members = self._judged.setdefault(observation.iteration, [])
        members.append(self._member(observation, self._standings.of(observation)))
        # Who is dominated by a whole population will never be in it, whatever is told later.
        if len(members) > self._room.get(observation.iteration, 4 * self._strategy.population):
            members[:] = _eligible(members, self._strategy.population)
            self._room[observation.iteration] = max(4 * self._strategy.population, 2 * len(members))

    def _best(self) -> list[A]:
        """The architectures of the population, the best first."""
        by_rung = {rung: list(members) for rung, members in self._judged.items()}
        for observation in self._unjudged:  # few, and where they stand depends on the others
            at = self._standings.of(observation)
            by_rung.setdefault(at[0], []).append(self._member(observation, at))
        best: list[A] = []
        for rung in sorted(by_rung, reverse=True):
            best += (member.architecture for member in _ordered(by_rung[rung], self._strategy.population - len(best)))
            if len(best) == self._strategy.population:
                break
        return best

    def _member(self, observation: Observation, at: Standing) -> _Member[A]:
        # The architecture as told, which is that recorded; a proposal may have its parts in another order.
        architecture = self._space.own(observation.architecture)
        return _Member((at[1], *observation.values[1:]), observation.number, architecture)


def _eligible(members: Sequence[_Member[A]], most: int) -> list[_Member[A]]:
    """The members that fewer than `most` others dominate."""
    return [member for member in members if sum(dominates(other.values, member.values) for other in members) < most]


def _ordered(members: Iterable[_Member[A]], most: int) -> list[_Member[A]]:
    """The best members at one rung, at most so many: by front, crowding distance and number."""
    left = sorted(members, key=lambda member: member.number)
    best: list[_Member[A]] = []
    for front in fronts([member.values for member in left]):
        distances = crowding([left[place].values for place in front])
        by_distance = sorted(zip(front, distances, strict=True), key=lambda pair: (-pair[1], pair[0]))
        best += (left[place] for place, _ in by_distance)
        if len(best) >= most:
            break
    return best[:most]


def _tournament(population: Sequence[A], rng: random.Random) -> A:
    """The better of two members, which are drawn with replacement; the population has the best first."""
    return population[min(rng.randrange(len(population)), rng.randrange(len(population)))]
