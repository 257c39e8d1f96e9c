"""Searches side by side: what differs in their settings, whether their scores can be compared, what they cost."""
