"""Auto-DeepLab's two-level search space: architecture, trellis, sampling, decoding, published file formats."""
