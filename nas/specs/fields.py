"""Types of field that several specs share: registered names, sizes in pixels."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""The registered name of a data set or of weights: lower-case letters, digits, dot, dash, underscore; no path."""

SearchId = Annotated[str, StringConstraints(pattern=r"^s[0-9a-f]{12}$")]
"""The id of a recorded search."""

Size = tuple[Annotated[int, Field(ge=1, le=8192)], Annotated[int, Field(ge=1, le=8192)]]
"""(height, width) in pixels."""

Resize = Annotated[
    float,
    Field(
        gt=0,
        le=4,
        # Left out of every dump while it is the default, so that specs written before it was there keep their keys.
        exclude_if=lambda resize: resize == 1,
        description="Factor on the size of every image and label map as it is read (labels by nearest neighbour), "
        "before augmentation and crop. Validation is scored at that size too, so such scores compare only with each "
        "other. 0.5 makes Cityscapes 512x1024, where Auto-DeepLab searches.",
    ),
]
