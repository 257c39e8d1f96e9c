"""The backbone that trials share: its warm-up, its features, their statistics."""
