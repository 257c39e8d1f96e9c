"""What a black-box search needs to know of a space, whatever its architectures are."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import ClassVar, Self

from nas.specs.fidelity import Fidelity
from search_spaces.base import StrictModel
from search_spaces.changes import MutationKind
from search_spaces.document import Architecture


class Space(StrictModel):
    """A space of architectures as a spec describes it. To search it, `nas.strategies.spaces` builds on this."""

    whole_network: ClassVar[bool]
    """Whether its architectures are entire networks, which need no backbone."""

    noun: ClassVar[str]
    """What its architectures are called in a sentence."""

    kind: str

    @property
    def family(self) -> Hashable:
        """What searches have in common whose trials cost the same at the same fidelity."""
        return self

    @property
    @abstractmethod
    def limited(self) -> bool:
        """Whether the space has a limit on what an architecture costs."""

    @abstractmethod
    def check_architecture(self, architecture: Architecture) -> None:
        """Check that an architecture belongs to the space; its limit is not looked at.

        Raises:
            ValueError: It does not.
        """

    @abstractmethod
    def admits(self, architecture: Architecture, fidelity: Fidelity) -> bool:
        """Return whether an architecture of the space is within its limit, counted at a fidelity."""

    @abstractmethod
    def named(self, name: str) -> Sequence[Architecture]:
        """List the forms that an architecture with a name has in this space, those to be preferred first.

        Raises:
            ValueError: What has this name is no architecture of such a space.
        """

    @abstractmethod
    def check_mutation(self, kind: MutationKind) -> None:
        """Check that architectures of the space can be mutated in a way.

        Raises:
            ValueError: None of them has a change of that kind.
        """

    @abstractmethod
    def check_fidelity(self, path: str, fidelity: Fidelity) -> None:
        """Check that every architecture of the space can be measured at a fidelity, whose path in the spec is `path`.

        Raises:
            ValueError: Not all can.
        """

    @abstractmethod
    def check_limit(self, path: str, fidelity: Fidelity, name: str = "space.limit") -> None:
        """Check that some architecture is within the limit at a fidelity, whose path in the spec is `path`.

        Args:
            path: Of the fidelity.
            fidelity: The fidelity.
            name: What in the spec limits the architectures.

        Raises:
            ValueError: None is, or their cost is not known before the network is built.
        """

    @abstractmethod
    def bounded(self, parameters: int | None, multiply_adds: int | None, fidelity: Fidelity) -> Self:
        """Return the space of those architectures that are also within these bounds, where they can be counted.

        Args:
            parameters: Most trainable parameters; None for any number.
            multiply_adds: Most multiply-adds of a forward pass; None for any number.
            fidelity: Where they are counted.
        """

    @abstractmethod
    def out_of_reach(
        self, parameters: int | None, multiply_adds: int | None, fidelity: Fidelity, classes: int
    ) -> str | None:
        """Explain why no architecture of the space can be trained at so low a cost, its own limit kept as well.

        Args:
            parameters: Most trainable parameters of all that a trial trains, with logits and decoder; None for any
                number.
            multiply_adds: Most multiply-adds of its forward pass; None for any number.
            fidelity: Where they are counted.
            classes: Of the data set, or fewer.

        Returns:
            A sentence; None where an architecture is within all bounds, or where that is not excluded for certain.
        """
