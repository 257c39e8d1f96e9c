"""What a training step asks of a GPU, counted without one, and everything that is measured on one, in one go."""
