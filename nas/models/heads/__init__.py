"""Heads, and the one function that builds them from a description."""
