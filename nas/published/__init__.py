"""Published mIoU with source and setting, to compare with measured scores."""

from nas.published.scores import DATASETS, PublishedScore, Source, published, published_beside

__all__ = ["DATASETS", "PublishedScore", "Source", "published", "published_beside"]
