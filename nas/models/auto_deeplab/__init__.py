"""Auto-DeepLab's decoded network (Liu et al., CVPR 2019), the one that is trained after the search."""

from nas.models.auto_deeplab.network import AutoDeepLabNetwork, build_auto_deeplab, check_crop

__all__ = ["AutoDeepLabNetwork", "build_auto_deeplab", "check_crop"]
