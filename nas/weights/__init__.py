"""Pretrained weights by name: where they are and what preprocessing they expect. Nothing here imports torch."""
