"""Draws the pictures of architectures in these pages: `python docs/draw_architectures.py` writes docs/images/*.svg."""

from __future__ import annotations

import sys
from pathlib import Path

import nas
from search_spaces import PUBLISHED_AUTO_DEEPLAB, PUBLISHED_CELL, ReferenceHead
from search_spaces.document import Architecture

IMAGES = Path(__file__).parent / "images"

PICTURES: dict[str, Architecture] = {
    "published_dpc.svg": PUBLISHED_CELL,
    "aspp.svg": ReferenceHead(name="aspp"),
    "published_auto_deeplab.svg": PUBLISHED_AUTO_DEEPLAB,
    "glore.svg": ReferenceHead.model_validate({"name": "trunk", "unit": {"op": "glore"}}),
    "upernet.svg": ReferenceHead(name="upernet"),
}

if __name__ == "__main__":
    for name, architecture in PICTURES.items():
        nas.draw(architecture).save(IMAGES / name)
        sys.stdout.write(f"{IMAGES / name}\n")
