"""Drawings of architectures as SVG: the same bytes for the same architecture, without torch or a plotting library."""
