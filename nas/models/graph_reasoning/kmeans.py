"""k-means on feature vectors, for starting values."""

from __future__ import annotations

import torch
from torch import Tensor

MAX_POINTS = 16_384


def kmeans(points: Tensor, clusters: int, *, iterations: int = 20, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Lloyd's algorithm from k-means++ seeds: points (P, C) -> centres (k, C), per-axis deviations (k, C).

    At most `MAX_POINTS` points are drawn. The same seed gives the same result on the same device. A cluster that
    loses all its points takes the point farthest from its centre. ValueError with fewer points than clusters.
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
    """Arthur and Vassilvitskii 2007: each next seed with probability proportional to its squared distance."""
    chosen = [points[int(torch.randint(points.shape[0], (1,), generator=generator))]]
    while len(chosen) < clusters:
        _, distance = _assign(points, torch.stack(chosen))
        weight = distance.square().double().cpu()
        if weight.sum() == 0:  # all points lie on seeds already
            weight = torch.ones_like(weight)
        chosen.append(points[int(torch.multinomial(weight, 1, generator=generator))])
    return torch.stack(chosen)


def _assign(points: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Index of and distance to the nearest centre."""
    distance, nearest = torch.cdist(points, centres).min(1)
    return nearest, distance
