"""How many files are read at once."""

from __future__ import annotations

import os

READERS = min(16, max(4, os.cpu_count() or 1))
"""Threads that decode images or hash files before anything is trained.

Pillow and hashlib release the interpreter's lock, so on large images each of them keeps a core busy, and a backbone on
a GPU waits for more than four. Fewer than four would wait for a disk.
"""
