"""Making a public model of a record, by the field names that both have."""

from __future__ import annotations

from typing import TypeVar

from nas.schemas.base import PublicModel

Model = TypeVar("Model", bound=PublicModel)


def answer(model: type[Model], record: object, **further: object) -> Model:
    """Make a public model from the attributes of a record that have its fields' names; times become UTC datetimes.

    Args:
        model: The model of the answer.
        record: A record of the store, or any object with these attributes.
        further: Fields that the record does not have, or has in another form.
    """
    shared = {name: getattr(record, name) for name in model.model_fields if name not in further}
    return model.model_validate({**shared, **further}, from_attributes=True)
