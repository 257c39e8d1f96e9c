"""ASGI middleware that every request and every response passes."""
