"""The cache: content-addressed backbones, feature banks and statistics, verified when they are opened."""
