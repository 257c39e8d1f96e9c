"""Training and measuring architectures, without Ray, database or HTTP."""
