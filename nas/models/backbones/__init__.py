"""Feature extractors, and the one function that builds them."""
