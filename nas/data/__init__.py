"""Data sets: readers of common folder layouts, crops, generated scenes, and the feature bank."""
