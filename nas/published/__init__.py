"""What papers report: published mIoU with source and setting, to stand beside what was measured here."""

from nas.published.scores import DATASETS, PublishedScore, Source, published

__all__ = ["DATASETS", "PublishedScore", "Source", "published"]
