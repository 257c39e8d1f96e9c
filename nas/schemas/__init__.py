"""What goes over the wire: the models that the service answers with and that the Python client gives back.

They read with unknown fields left out, so that an older client understands a newer service. Times are UTC.
"""
