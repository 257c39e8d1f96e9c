"""Auto-DeepLab's two-level space: the architecture, its trellis, sampling, decoding, the field's formats."""
