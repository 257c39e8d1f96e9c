"""The OpenAPI document, made so that a client generated from it works against this service."""

from api.openapi.document import DESCRIPTION, install, operation_id

__all__ = ["DESCRIPTION", "install", "operation_id"]
