"""Reference heads, which were designed by hand: their descriptions, and the published ones by name."""
