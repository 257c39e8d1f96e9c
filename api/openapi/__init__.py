"""The OpenAPI document, in a form from which generators make working clients."""

from api.openapi.document import DESCRIPTION, install, operation_id

__all__ = ["DESCRIPTION", "install", "operation_id"]
