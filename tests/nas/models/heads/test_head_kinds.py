import pytest

from search_spaces.auto_deeplab.architecture import PUBLISHED_AUTO_DEEPLAB
from tests.nas.models.one_map import build_head


def test_a_whole_network_is_no_head():
    with pytest.raises(ValueError, match="auto_deeplab is a whole network with its own backbone, not a head"):
        build_head(PUBLISHED_AUTO_DEEPLAB, 320)
