"""The training loop: batches, steps, losses, rungs, checkpoints and devices."""
