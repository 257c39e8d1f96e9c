"""The network decoded from an Auto-DeepLab search (Liu et al., CVPR 2019), which is trained from scratch."""

from nas.models.auto_deeplab.network import AutoDeepLabNetwork, build_auto_deeplab
from nas.specs.crops import check_crop

__all__ = ["AutoDeepLabNetwork", "build_auto_deeplab", "check_crop"]
