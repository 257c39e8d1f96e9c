"""Answers of the REST interface: the models that the service sends and that the Python client returns.

The models ignore unknown fields, so that an older client understands a newer service. Times are UTC.
"""
