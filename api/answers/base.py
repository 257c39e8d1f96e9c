"""How a public model is made of a record: by the names that both have."""

from __future__ import annotations

from typing import TypeVar

from nas.schemas.base import PublicModel

Model = TypeVar("Model", bound=PublicModel)


def answer(model: type[Model], record: object, **further: object) -> Model:
    """The public model of a record, whose fields it takes by name; times become UTC datetimes.

    Args:
        model: What is answered.
        record: What the store gave, or any object with these attributes.
        further: Fields that the record does not have, or has in another form.
    """
    shared = {name: getattr(record, name) for name in model.model_fields if name not in further}
    return model.model_validate({**shared, **further}, from_attributes=True)
