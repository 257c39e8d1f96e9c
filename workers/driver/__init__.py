"""The driver of one search: the process of its Ray job."""
