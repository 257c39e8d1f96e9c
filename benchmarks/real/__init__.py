"""Measures whether a search over heads is worth something on data that nobody here made."""
