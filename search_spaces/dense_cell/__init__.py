"""Dense prediction cells: the architecture, its space, TensorFlow DeepLab's format."""
