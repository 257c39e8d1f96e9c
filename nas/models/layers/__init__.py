"""Layers shared by several networks: convolutions, resampling."""
