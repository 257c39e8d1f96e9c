"""Each unit against its paper's formulas, evaluated pixel by pixel in float64 with numpy."""

import numpy as np
import pytest
import torch
from torch import nn

from nas.models.graph_reasoning import (
    ConstantContext,
    DoubleAttention,
    GloRe,
    GraphConvolutionUnit,
    KnowledgeGraph,
    NonLocal,
    SymbolicGraphReasoning,
)

GRAPH = KnowledgeGraph(("a", "b", "c"), np.array([[0.0, 1, 0], [1, 0, 0.5], [0, 0.5, 0]]), "a path")


def softmax(values):
    powers = np.exp(np.asarray(values) - np.max(values))
    return powers / powers.sum()


def relu(values):
    return np.maximum(values, 0)


def weights(unit):
    return {name: tensor.detach().numpy() for name, tensor in unit.double().eval().state_dict().items()}


def affine(state, prefix, vector):
    """Weight (out, in, ...) and bias, if any, on one vector."""
    weight = state[f"{prefix}.weight"]
    return weight.reshape(weight.shape[0], -1) @ vector + state.get(f"{prefix}.bias", 0.0)


def batch_norm(state, vector, eps):
    scaled = (vector - state["bn.running_mean"]) / np.sqrt(state["bn.running_var"] + eps)
    return scaled * state["bn.weight"] + state["bn.bias"]


def shaken(unit):
    for name, tensor in unit.state_dict().items():
        if name.startswith("bn.") and tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
        elif name.endswith("bias") or name == "sigma":
            tensor.normal_(std=0.5)
    return unit


def check(unit, formula):
    """`formula(state, pixels (HW, C)) -> (HW, C)` image by image."""
    unit = shaken(unit)
    state = weights(unit)
    x = torch.randn(2, 5, 3, 4, dtype=torch.float64)
    with torch.inference_mode():
        y = unit(x).flatten(2).mT.numpy()
    for pixels, found in zip(x.flatten(2).mT.numpy(), y, strict=True):
        expected = np.array(formula(state, pixels))
        assert np.abs(expected - found).max() < 1e-10


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(3)


def double_attention(state, pixels):
    theta = np.array([affine(state, "theta", x) for x in pixels])
    descriptors = []
    for k in range(theta.shape[1]):
        gather = softmax(theta[:, k])
        descriptors.append(sum(a * affine(state, "phi", x) for a, x in zip(gather, pixels, strict=True)))
    for x in pixels:
        distribute = softmax(affine(state, "rho", x))
        yield x + affine(state, "extend", sum(a * d for a, d in zip(distribute, descriptors, strict=True)))


def test_double_attention():
    check(DoubleAttention(5, 3, 2), lambda state, pixels: list(double_attention(state, pixels)))


def glore(state, pixels):
    projection = np.array([affine(state, "theta", x) for x in pixels]).T  # m x HW
    states = np.array([affine(state, "phi", x) for x in pixels])  # HW x 2m
    nodes = projection @ states / len(pixels)
    across = state["adjacency.weight"][:, :, 0] @ nodes + state["adjacency.bias"][:, None]
    reasoned = relu(nodes - across) @ state["update.weight"][:, :, 0].T
    return [
        x + batch_norm(state, affine(state, "extend", projection[:, i] @ reasoned), 1e-4) for i, x in enumerate(pixels)
    ]


def test_glore():
    check(GloRe(5, 3), glore)


def hand_normalised():
    """A + I = [[1,1,0],[1,1,.5],[0,.5,1]]: row sums 2, 2.5, 1.5."""
    looped, degree = np.array([[1.0, 1, 0], [1, 1, 0.5], [0, 0.5, 1]]), [2.0, 2.5, 1.5]
    return np.array([[looped[i, j] / np.sqrt(degree[i] * degree[j]) for j in range(3)] for i in range(3)])


def sgr(words, attention):
    def formula(state, pixels) -> list[np.ndarray]:
        votes = [softmax(affine(state, "vote", x)) for x in pixels]
        nodes = np.sum([np.outer(a, affine(state, "embed", x)) for a, x in zip(votes, pixels, strict=True)], axis=0)
        nodes = relu(nodes * 3 / len(pixels))
        known = nodes if words is None else np.concatenate([nodes, words.numpy()], 1)
        nodes = relu(hand_normalised() @ known @ state["reason.0.weight"].T)
        nodes = relu(hand_normalised() @ nodes @ state["reason.1.weight"].T)
        read = nodes @ state["extend.weight"].T
        return [x + relu(attention(state, x, nodes) @ read) for x in pixels]

    return formula


def dot_attention(state, x, nodes):
    query = affine(state, "query", x)
    return softmax([query @ affine(state, "key", node) / np.sqrt(4) for node in nodes])


@pytest.mark.parametrize("words", [None, torch.arange(6, dtype=torch.float64).reshape(3, 2) / 5])
def test_sgr(words):
    check(SymbolicGraphReasoning(5, GRAPH, states=4, words=words), sgr(words, dot_attention))


def test_sgr_by_hand():
    """Two nodes without an edge, one channel, two pixels: every number below is worked out on paper.

    Votes of 0 are undecided: a = 1/2 each, times M / HW = 1. Pixels 2 and -4 sum to -2, so H = -1 for both nodes; with
    W_p = (1, -1) the two states are -1 and 1. The activation comes first: [0, 1]; then the words 3 and -5 join. A_hat
    is the identity. Step 1, W = [[1, 1, 1], [0, 2, 1]]: node a: (0 + 1 + 3, 2 + 3) = (4, 5); node b: (1 - 5, 2 - 5),
    cut to (0, 0). Without the early activation node a would have (3, 5). Step 2, W = [[1, -1], [1, 0]], reads these
    alone: a: (-1, 4), cut to (0, 4); b: (0, 0). Undecided pixels (Q = 0) read the mean, (0, 2), and W_o = (7, 3)
    gives 6.
    """
    graph = KnowledgeGraph(("a", "b"), np.zeros((2, 2)), "two nodes without an edge")
    unit = SymbolicGraphReasoning(1, graph, states=2, words=torch.tensor([[3.0], [-5.0]]))
    values = {
        "vote.weight": torch.zeros(2, 1, 1, 1),
        "vote.bias": torch.zeros(2),
        "embed.weight": torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1),
        "embed.bias": torch.zeros(2),
        "reason.0.weight": torch.tensor([[1.0, 1.0, 1.0], [0.0, 2.0, 1.0]]),
        "reason.1.weight": torch.tensor([[1.0, -1.0], [1.0, 0.0]]),
        "query.weight": torch.zeros(2, 1, 1, 1),
        "extend.weight": torch.tensor([[7.0, 3.0]]),
    }
    unit.load_state_dict(values, strict=False)
    x = torch.tensor([2.0, -4.0]).reshape(1, 1, 1, 2)
    assert unit(x).flatten().tolist() == [2.0 + 6.0, -4.0 + 6.0]


def test_the_drawn_mapping_gives_every_pixel_the_same_vector():
    """With any w_x: it adds the same w_x^T x to all logits of a pixel, and the softmax over nodes drops it."""
    w_x = np.random.default_rng(0).normal(size=5)

    def drawn_attention(state, x, nodes) -> np.ndarray:
        return softmax([(affine(state, "key", node) + w_x @ x)[0] for node in nodes])

    unit = SymbolicGraphReasoning(5, GRAPH, states=4, mapping="drawn")
    check(unit, sgr(None, drawn_attention))
    x = torch.randn(1, 5, 6, 7, dtype=torch.float64)
    added = unit(x) - x
    torch.testing.assert_close(added, added[:, :, :1, :1].expand_as(added), rtol=0, atol=1e-12)
    assert added.abs().max() > 0
    dot = SymbolicGraphReasoning(5, GRAPH, states=4).double()
    added = dot(x) - x
    assert (added - added[:, :, :1, :1]).abs().max() > 1e-5


def gcu(state, pixels):
    centres = state["centres"]
    sigma = 1 / (1 + np.exp(-state["sigma"])) if "sigma" in state else None
    if sigma is None:
        assigned = np.array([softmax([w @ x for w in centres]) for x in pixels])
        residual = np.array([assigned[:, k] @ pixels / assigned[:, k].sum() for k in range(len(centres))])
    else:
        spread = list(zip(centres, sigma, strict=True))
        assigned = np.array([softmax([-np.sum(((x - w) / s) ** 2) / 2 for w, s in spread]) for x in pixels])
        residual = np.array(
            [assigned[:, k] @ ((pixels - w) / s) / assigned[:, k].sum() for k, (w, s) in enumerate(spread)]
        )
    unit = residual / np.sqrt(np.sum(residual**2, 1, keepdims=True))
    adjacency = np.array([[a @ b for b in unit] for a in unit])
    convolved = adjacency @ unit @ state["update.weight"].T
    features = relu(np.array([batch_norm(state, node, 1e-5) for node in convolved]))
    return pixels + assigned @ features


@pytest.mark.parametrize("assignment", ["distance", "dot"])
def test_gcu(assignment):
    check(GraphConvolutionUnit(5, 3, assignment=assignment), gcu)


def test_constant_context():
    check(ConstantContext(5), lambda state, pixels: [x + affine(state, "project", np.mean(pixels, 0)) for x in pixels])


def non_local(state, pixels):
    keys = [affine(state, "key", x) for x in pixels]
    values = np.array([affine(state, "value", x) for x in pixels])
    for x in pixels:
        query = affine(state, "query", x)
        seen = softmax([query @ key / np.sqrt(3) for key in keys]) @ values
        yield x + batch_norm(state, affine(state, "extend", seen), 1e-5)


def test_non_local():
    check(NonLocal(5, 3), lambda state, pixels: list(non_local(state, pixels)))


def test_gcu_assigns_in_float32_under_autocast():
    """Features far from zero: bfloat16 holds no difference of squares of 30, float32 does."""
    unit = GraphConvolutionUnit(16, 4).eval()
    nn.init.normal_(unit.centres, 30, 1)
    x = 30 + torch.randn(1, 16, 8, 8)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        rounded = unit(x)
    exact = unit.double()(x.double())
    assert (rounded - exact).abs().max().item() < 0.05


def test_gcu_with_a_vertex_nobody_chooses_stays_finite():
    unit = GraphConvolutionUnit(4, 3)
    with torch.no_grad():
        unit.centres[2] = 1e4
    x = torch.randn(2, 4, 5, 5, requires_grad=True)
    unit(x).square().sum().backward()
    for tensor in (x, *unit.parameters()):
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()


def test_sgr_refuses_nonsense():
    with pytest.raises(ValueError, match="steps must be at least 1"):
        SymbolicGraphReasoning(4, GRAPH, steps=0)
    with pytest.raises(ValueError, match="one vector per node"):
        SymbolicGraphReasoning(4, GRAPH, words=torch.zeros(2, 3))
