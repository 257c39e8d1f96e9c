"""The answer to the question whether a search is worth it; `nas.ranking.worth` defines the numbers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nas.schemas.base import PublicModel


class WorthPublic(PublicModel):
    """What a search is expected to gain over the best textbook head of its size, in mIoU at its last rung."""

    probe: str = Field(description="Id of the reference search that measured the heads.")
    answer: Literal["worth it", "not worth it", "open"]
    sentence: str = Field(description="The answer in words.")
    gain: float = Field(description="Expected gain.")
    low: float = Field(description="Lower end of the 80 % interval of what the search will gain.")
    high: float = Field(description="Upper end of that interval.")
    probability: float = Field(description="Of a gain of at least one seed deviation at the last rung.")
    seed_deviation: float = Field(description="Expected standard deviation over seeds at the last rung.")
    trials: int = Field(description="Trials of the search.")
    first: int = Field(description="Iterations of its first rung, at which the heads were measured.")
    last: int = Field(description="Iterations of its last rung.")
    cells: int = Field(description="Random cells of the search's space with scores of all seeds.")
    references: int = Field(description="Textbook heads with scores of all seeds.")
    first_deviation: float = Field(description="Standard deviation over seeds at the first rung.")
    spread: float = Field(description="Expected standard deviation of the cells' true scores at the first rung.")
    reliability: float = Field(description="Correlation between seeds that these two give at the first rung.")
    best_reference: str = Field(description="The textbook head with the highest mean at the first rung.")
    best_reference_mean: float = Field(description="That mean.")
    flattery: float = Field(description="How far that mean is above the expected true score of the best one.")
    matched: float = Field(description="Probability that a textbook head is of the found one's size.")
    device_seconds: float = Field(description="What the heads took.")
