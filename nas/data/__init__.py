"""Data sets: readers of the field's folder layouts, crops, generated scenes, and the feature bank."""
