"""A search as one file to send: HTML with its drawings, charts and tables, readable without the service."""
