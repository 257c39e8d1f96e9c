"""What runs in the processes that train: a trial, a run of a differentiable search, a group of processes."""
