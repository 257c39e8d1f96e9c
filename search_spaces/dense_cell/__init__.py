"""Dense prediction cells: the architecture, its search space, TensorFlow DeepLab's file format."""
