import pytest
import torch
import torch.nn.functional as F

from nas.training.loop.resize import by_products, resize_logits


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize(
    ("have", "want"), [((5, 9), (33, 65)), ((4, 8), (32, 64)), ((3, 3), (7, 20)), ((1, 2), (8, 16))]
)
def test_products_are_bilinear_interpolation(have, want, aligned):
    logits = torch.randn(2, 3, *have)
    expected = F.interpolate(logits, want, mode="bilinear", align_corners=aligned)
    assert torch.allclose(by_products(logits, want, aligned), expected, atol=1e-5)


def test_same_size_is_left_alone():
    logits = torch.randn(1, 2, 4, 4)
    assert resize_logits(logits, (4, 4)) is logits


@pytest.mark.parametrize(
    ("cells", "pixels", "aligned"),
    [
        ((33, 33), (513, 513), True),  # stride 16, the field's crop
        ((65, 129), (513, 1025), True),  # stride 8
        ((16, 32), (128, 256), False),
        ((2, 2), (16, 16), False),  # 15 pixels between two cells: no stride
        ((33, 32), (513, 512), False),  # one side each: centres for both
    ],
)
def test_corners_are_aligned_where_cells_lie_on_them(cells, pixels, aligned):
    logits = torch.randn(1, 1, *cells)
    expected = F.interpolate(logits, pixels, mode="bilinear", align_corners=aligned)
    assert torch.equal(resize_logits(logits, pixels), expected)
