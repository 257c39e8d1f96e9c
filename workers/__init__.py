"""Ray: the driver of a search, its trainables, job submission."""
