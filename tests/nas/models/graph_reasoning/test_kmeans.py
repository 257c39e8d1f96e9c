import pytest
import torch

from nas.models.graph_reasoning import GraphConvolutionUnit
from nas.models.graph_reasoning.kmeans import kmeans

CENTRES = torch.tensor([[0.0, 0], [10, 0], [0, 10]])


def blobs(spread=0.3, each=200):
    generator = torch.Generator().manual_seed(1)
    return torch.cat([centre + spread * torch.randn(each, 2, generator=generator) for centre in CENTRES])


def test_finds_separate_blobs():
    found, deviations = kmeans(blobs(), 3)
    order = torch.cdist(CENTRES, found).argmin(1)
    assert sorted(order.tolist()) == [0, 1, 2]
    torch.testing.assert_close(found[order], CENTRES, rtol=0, atol=0.1)
    torch.testing.assert_close(deviations, torch.full((3, 2), 0.3), rtol=0, atol=0.05)


def test_same_seed_same_result():
    assert torch.equal(kmeans(blobs(), 5, seed=4)[0], kmeans(blobs(), 5, seed=4)[0])


def test_equal_points_leave_no_cluster_undefined():
    found, deviations = kmeans(torch.ones(6, 2), 3)
    assert torch.equal(found, torch.ones(3, 2))
    assert torch.equal(deviations, torch.zeros(3, 2))


def test_too_few_points_are_refused():
    with pytest.raises(ValueError, match="4 clusters need at least as many pixels, not 3"):
        kmeans(torch.zeros(3, 2), 4)


def test_a_unit_started_from_features_shares_them_among_its_vertices():
    unit = GraphConvolutionUnit(2, 3)
    features = blobs().reshape(2, 15, 20, 2).permute(0, 3, 1, 2)
    unit.initialise_by_kmeans(features)
    pixels = features.permute(0, 2, 3, 1).reshape(1, -1, 2)
    share = unit._logits(pixels).softmax(2)[0]
    torch.testing.assert_close(share.mean(0), torch.full((3,), 1 / 3), rtol=0, atol=0.01)
    assert share.max(1).values.min() > 0.99
    assert unit.sigma is not None
    torch.testing.assert_close(unit.sigma.sigmoid(), torch.full((3, 2), 0.3), rtol=0, atol=0.05)
    assert unit.centres.requires_grad
