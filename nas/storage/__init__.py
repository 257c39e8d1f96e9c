"""Places at a URL, such as `s3://bucket/prefix`, which nodes share that share no disk."""

from nas.storage.fetch import fetch_once
from nas.storage.remote import Remote, StorageError
from nas.storage.url import StorageUrl

__all__ = ["Remote", "StorageError", "StorageUrl", "fetch_once"]
