"""k-means on feature vectors, which gives initial vertices."""

from __future__ import annotations

import torch
from torch import Tensor

MAX_POINTS = 16_384
"""Points that are drawn when there are more."""


def kmeans(points: Tensor, clusters: int, *, iterations: int = 20, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Cluster points by Lloyd's algorithm from k-means++ seeds.

    The same seed gives the same result on the same device. A cluster that loses all its points is moved to the point
    farthest from its nearest centre.

    Args:
        points: (P, C); at most `MAX_POINTS` of them are drawn.
        clusters: k.
        iterations: Steps of Lloyd's algorithm.
        seed: Seed of the drawn points and of the k-means++ seeds.

    Returns:
        Centres (k, C), and the standard deviation of each cluster along each axis (k, C).

    Raises:
        ValueError: There are fewer points than clusters.
    """
    if points.shape[0] < clusters:
        raise ValueError(f"{clusters} clusters need at least as many pixels, not {points.shape[0]}")
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randperm(points.shape[0], generator=generator)[:MAX_POINTS].to(points.device)
    points = points[drawn]
    centres = _spread_seeds(points, clusters, generator)
    for _ in range(iterations):
        nearest, distance = _assign(points, centres)
        for index in range(clusters):
            members = points[nearest == index]
            if members.shape[0]:
                centres[index] = members.mean(0)
            else:
                farthest = int(distance.argmax())
                centres[index], distance[farthest] = points[farthest], 0.0
    nearest, _ = _assign(points, centres)
    deviations = torch.zeros_like(centres)
    for index in range(clusters):
        members = points[nearest == index]
        if members.shape[0]:
            deviations[index] = (members - centres[index]).square().mean(0).sqrt()
    return centres, deviations


def _spread_seeds(points: Tensor, clusters: int, generator: torch.Generator) -> Tensor:
    """Draw k-means++ seeds: each with probability proportional to the squared distance to the nearest seed so far.

    Source:
        Arthur and Vassilvitskii, SODA 2007.
    """
    chosen = [points[int(torch.randint(points.shape[0], (1,), generator=generator))]]
    while len(chosen) < clusters:
        _, distance = _assign(points, torch.stack(chosen))
        weight = distance.square().double().cpu()
        if weight.sum() == 0:  # every point equals a seed
            weight = torch.ones_like(weight)
        chosen.append(points[int(torch.multinomial(weight, 1, generator=generator))])
    return torch.stack(chosen)


def _assign(points: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Return the index of the nearest centre of each point, and the distance to it."""
    distance, nearest = torch.cdist(points, centres).min(1)
    return nearest, distance
