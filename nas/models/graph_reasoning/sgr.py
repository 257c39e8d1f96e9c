"""Symbolic graph reasoning (Liang et al., "Symbolic Graph Reasoning Meets Convolutions", NeurIPS 2018)."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.graph_reasoning.knowledge import KnowledgeGraph
from nas.models.graph_reasoning.pixels import linear, pointwise, to_map, to_pixels

Mapping = Literal["dot", "drawn"]


class SymbolicGraphReasoning(nn.Module):
    """Graph convolutions over a knowledge graph whose M nodes pixels vote for: (N, C, H, W) -> the same shape.

        votes        a_in = softmax over n of (W_s x_i)_n                        (equation 1)
        nodes        H_n = relu(M / HW * sum over i of a_in W_p x_i)             M x D
        reasoning    H <- relu(A_hat [H, S] W_1), then H <- relu(A_hat H W_s)    (equation 2)
                     for s = 2, ..., `steps`
        mapping      X + relu(sum over n of b_in W_o h_n)                        (equation 3)

    A_hat = Q^-1/2 (A + I) Q^-1/2 is the graph's normalised adjacency; S, (M, K), are optional word vectors, which only
    the first step reads. The paper sums the votes; here the sum is divided by HW / M, which each node receives when all
    pixels are undecided, so that the result does not depend on the size of the image. In a tree one step moves nothing
    between siblings, hence the default of two. Cost: O(HW * M * D).

    The mapping b: "dot" (default) is softmax over n of <K h_n, Q x_i> / sqrt(D). "drawn" is the one in the paper's
    figure, softmax over n of w^T [h_n, x_i] = w_h^T h_n + w_x^T x_i: the pixel's term is the same for all nodes and
    cancels, so *every pixel receives the same vector*. "drawn" serves comparisons; w_x has no effect and is left out.
    Public implementations that follow the figure compute a constant context.

    Raises:
        ValueError: `steps` is below 1, or `words` is not (M, K).
    """

    adjacency: Tensor
    words: Tensor | None

    def __init__(
        self,
        channels: int,
        graph: KnowledgeGraph,
        *,
        states: int | None = None,
        steps: int = 2,
        mapping: Mapping = "dot",
        words: Tensor | None = None,
    ) -> None:
        super().__init__()
        nodes = len(graph.names)
        states = states or max(1, channels // 2)
        if steps < 1:
            raise ValueError(f"steps must be at least 1, not {steps}")
        if words is not None and (words.dim() != 2 or words.shape[0] != nodes):
            raise ValueError(f"words must be ({nodes}, K), one vector per node, not {tuple(words.shape)}")
        # In float64 until the product with the nodes: rounded here, a network in float64 would have float32's error.
        self.register_buffer("adjacency", torch.from_numpy(graph.normalized()))
        self.register_buffer("words", words)
        first = states if words is None else states + words.shape[1]
        self.vote = pointwise(channels, nodes)
        self.embed = pointwise(channels, states)
        self.reason = nn.ModuleList(linear(first if step == 0 else states, states) for step in range(steps))
        self.key = linear(states, states if mapping == "dot" else 1)
        self.query = pointwise(channels, states, bias=False) if mapping == "dot" else None
        self.extend = linear(states, channels)

    def forward(self, x: Tensor) -> Tensor:
        votes = to_pixels(self.vote(x)).softmax(2)
        share = votes * (votes.shape[2] / votes.shape[1])
        nodes = F.relu(share.mT @ to_pixels(self.embed(x)))
        adjacency = self.adjacency.to(nodes.dtype)
        if self.words is not None:
            nodes = torch.cat([nodes, self.words.to(nodes.dtype).expand(nodes.shape[0], -1, -1)], 2)
        for layer in self.reason:
            nodes = F.relu(layer(adjacency @ nodes))
        y = self._attention(x, nodes) @ self.extend(nodes)
        return x + F.relu(to_map(y.expand(-1, votes.shape[1], -1), x))

    def _attention(self, x: Tensor, nodes: Tensor) -> Tensor:
        """The mapping b, (N, HW, M), whose rows sum to 1; (N, 1, M) for "drawn", whose rows are all equal."""
        if self.query is None:
            drawn: Tensor = self.key(nodes).mT.softmax(2)
            return drawn
        logits: Tensor = to_pixels(self.query(x)) @ self.key(nodes).mT
        weights: Tensor = (logits * self.key.out_features**-0.5).softmax(2)
        return weights
