"""Segmentation heads, and `build_head`, which builds any of them from its architecture."""
