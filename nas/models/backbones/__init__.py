"""Feature extractors (backbones) and `build_backbone`, which builds any of them from its `BackboneSpec`."""
