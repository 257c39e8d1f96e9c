"""One training loop: batches, steps, losses, rungs, checkpoints, and the device they run on."""
