"""Early stopping: the rules by which trials end at a rung before their last."""
