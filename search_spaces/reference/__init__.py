"""Heads made by people: their description, and the ones with a name."""
