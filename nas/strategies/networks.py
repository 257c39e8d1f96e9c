"""The networks of Auto-DeepLab's space that a search may propose: those of its space, within its limit."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from nas.specs import AutoDeepLabSpace, Fidelity
from nas.strategies.network_choices import decode, encode, network_choices
from nas.strategies.spaces import Space
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.auto_deeplab.cost import NetworkSetting, network_cost
from search_spaces.auto_deeplab.distinct import distinct
from search_spaces.auto_deeplab.mutation import NETWORK_MUTATIONS, mix, mutate
from search_spaces.auto_deeplab.space import networks, sample
from search_spaces.changes import MutationKind
from search_spaces.document import Architecture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENUMERABLE = 20_000
"""Number of networks up to which a space is enumerated, cells in each order of their blocks counted."""


@dataclass(frozen=True)
class NetworkSpace(Space[AutoDeepLab]):
    """A space of networks and what their cost depends on.

    Attributes:
        spec: The space.
        setting: The widths of the networks and the crop; None for a space without a limit.
    """

    spec: AutoDeepLabSpace
    setting: NetworkSetting | None = None

    @classmethod
    def at(cls, spec: AutoDeepLabSpace, fidelity: Fidelity) -> NetworkSpace:
        """Make the space of a search, of `BlackBoxSpec.space_at`; the limit counts the networks at its fidelity."""
        return cls(spec, spec.setting(fidelity) if spec.limited else None)

    @property
    def distinct(self) -> int:
        space = self.spec
        return distinct(space.blocks, space.layers, space.levels, len(space.operators))

    @property
    def limited(self) -> bool:
        return self.spec.limited

    @property
    def enumerable(self) -> bool:
        return self.distinct * math.factorial(self.spec.blocks) <= ENUMERABLE

    def own(self, architecture: Architecture) -> AutoDeepLab:
        assert isinstance(architecture, AutoDeepLab), architecture.kind
        return architecture

    def admits(self, architecture: AutoDeepLab) -> bool:
        if self.spec.limit is None:
            return True
        assert self.setting is not None, "a limit needs a setting"
        return self.spec.limit.covers(network_cost(architecture, self.setting))

    def sample(self, rng: random.Random) -> AutoDeepLab:
        """Sample a cell and a path, independent of each other, whether within the limit or not.

        Uniform over the cells as sequences of blocks with two ordered edges, and uniform over entire paths: a step
        counts with the number of paths that go on from it, so that paths along the border, of which there are fewer
        steps to choose from, are no likelier than others.
        """
        space = self.spec
        return sample(space.blocks, space.layers, rng, space.levels, space.operators)

    def mutate(
        self, architecture: AutoDeepLab, rng: random.Random, kinds: Sequence[MutationKind] | None = None
    ) -> AutoDeepLab | None:
        """Change one choice of a network; by default the operator or input of an edge, or the level of a layer.

        The kinds are equally likely; see `search_spaces.auto_deeplab.mutation`.
        """
        return mutate(architecture, rng, kinds or NETWORK_MUTATIONS, self.spec.operators, self.spec.levels)

    def mix(self, one: AutoDeepLab, other: AutoDeepLab, rng: random.Random) -> AutoDeepLab:
        """Mix the blocks of two networks, and let one's path change over to the other's; see `mutation.mix`."""
        return mix(one, other, rng)

    @property
    def choices(self) -> Mapping[str, Sequence[int]]:
        return network_choices(self.spec)

    @property
    def in_turn(self) -> Sequence[str]:
        """The choices edge by edge, then the path from its first layer on."""
        edges = [f"{block}_{side}" for block in range(self.spec.blocks) for side in (0, 1)]
        names = [f"{what}_{edge}" for edge in edges for what in ("input", "operator")]
        steps = [f"step_{layer}" for layer in range(1, self.spec.layers)]
        return [name for name in (*names, "level_0", *steps) if name in self.choices]

    @property
    def even(self) -> bool:
        """No, with several levels: a step over the border of the trellis is none, which keeps paths at the border."""
        return self.spec.levels == 1

    def encode(self, architecture: AutoDeepLab) -> Mapping[str, int]:
        return encode(architecture, self.spec)

    def decode(self, values: Mapping[str, int]) -> AutoDeepLab:
        return decode(values, self.spec)

    def similarity(self, architectures: Sequence[AutoDeepLab], others: Sequence[AutoDeepLab]) -> NDArray[np.float64]:
        from nas.strategies.network_similarity import network_similarity  # numpy: the service needs none of it

        return network_similarity(architectures, others)

    def all(self) -> tuple[AutoDeepLab, ...]:
        return _all(self)


@cache
def _all(space: NetworkSpace) -> tuple[AutoDeepLab, ...]:
    spec = space.spec
    every = networks(spec.blocks, spec.layers, spec.levels, spec.operators)
    return tuple(network for network in every if space.admits(network))
