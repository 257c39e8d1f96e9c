import functools

import pytest
import torch

from nas.models.auto_deeplab import build_auto_deeplab
from nas.models.auto_deeplab.cell import Cell
from nas.models.auto_deeplab.drop_path import ScheduledDropPath, drop_path_factors
from nas.specs import NetworkSpec
from search_spaces.auto_deeplab.architecture import AutoDeepLab, Block, Edge

NOISY = NetworkSpec(
    filters=2, stem_channels=4, aspp_channels=4, low_level_channels=4, decoder_channels=4, dropout=0.0, drop_path=0.7
)


def values(probabilities):
    return [None if p is None else float(p) for p in probabilities]


def test_linear_in_the_cells_number_and_in_training():
    schedule = ScheduledDropPath(0.4, cells=4, iterations=2)
    assert values(schedule.next_step()) == [0, 0, 0, 0]
    assert values(schedule.next_step()) == pytest.approx([0.05, 0.1, 0.15, 0.2])
    for _ in range(2):  # step 2 is the end; after it stays
        assert values(schedule.next_step()) == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert schedule.state_dict() == {"steps": torch.tensor(4)}


def test_nothing_is_dropped_or_counted_in_evaluation():
    schedule = ScheduledDropPath(0.4, cells=2, iterations=2).eval()
    assert schedule.next_step() == [None, None]
    assert int(schedule.steps) == 0


def test_without_drops_steps_count_all_the_same():
    schedule = ScheduledDropPath(0.0, cells=2, iterations=2)
    assert schedule.next_step() == [None, None]
    assert int(schedule.steps) == 1


def test_factors_keep_the_mean():
    torch.manual_seed(0)
    factors = drop_path_factors(100, 200, torch.tensor(0.25))
    assert factors.shape == (100, 200, 1, 1, 1)
    assert factors.unique().tolist() == pytest.approx([0, 4 / 3])
    assert float(factors.mean()) == pytest.approx(1, abs=0.02)
    assert torch.equal(drop_path_factors(2, 3, torch.tensor(0.0)), torch.ones(2, 3, 1, 1, 1))


def test_an_edge_is_dropped_for_whole_images_and_a_skip_never():
    blocks = [Block(edges=(Edge(input=0, operator="avg_pool_3x3"), Edge(input=0, operator="skip")))]
    torch.manual_seed(0)
    cell = Cell(blocks, 3, 3, 4, halves=False, momentum=0.1).eval()
    x = torch.randn(64, 3, 8, 8)
    state = cell.project_previous(x)
    pooled = cell.edges[0](state)
    with torch.no_grad():
        brought = cell(x, x, torch.tensor(0.5)) - state
    kept = [bool(image.abs().max() > 1e-6) for image in brought]
    assert 10 < sum(kept) < 54
    for image, whole, stays in zip(brought, pooled, kept, strict=True):
        torch.testing.assert_close(image, 2 * whole if stays else torch.zeros_like(whole), atol=1e-5, rtol=1e-5)


def run(network, steps):
    return [network(torch.ones(2, 3, 64, 64)).detach() for _ in range(steps)]


def test_noise_follows_from_the_generator_and_the_step():
    edges = (Edge(input=0, operator="sep_3x3"), Edge(input=1, operator="max_pool_3x3"))
    architecture = AutoDeepLab(blocks=(Block(edges=edges),), path=(1, 2))
    build = functools.partial(build_auto_deeplab, architecture, 3, NOISY, iterations=2)
    torch.manual_seed(1)
    network = build()
    other = build()
    run(network, 2)
    other.load_state_dict(network.state_dict())
    generator = torch.get_rng_state()
    expected = run(network, 2)
    assert not torch.allclose(*expected)
    torch.set_rng_state(generator)
    assert torch.equal(torch.stack(run(other, 2)), torch.stack(expected))
    assert int(other.drop_path.steps) == 4
