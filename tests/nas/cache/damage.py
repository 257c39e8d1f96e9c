"""Ways in which a file of a cache can be damaged, drawn from a seed."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path


def damage(path: Path, rng: random.Random) -> str:
    """Damage a file, in half of the cases with its times as they were; return what was done."""
    before, content = path.stat(), path.read_bytes()
    kind = rng.choice(["truncated", "emptied", "zeroed", "one bit", "some bytes", "longer", "removed", "a folder"])
    changed = bytearray(content)
    place = rng.randrange(max(1, len(changed)))
    match kind:
        case "truncated":
            del changed[place:]
        case "emptied":
            changed.clear()
        case "zeroed":  # a hole of a power cut, up to the end
            changed[place:] = bytes(len(changed) - place)
        case "one bit":
            changed[place] ^= 1 << rng.randrange(8)
        case "some bytes":
            changed[place : place + 16] = rng.randbytes(len(changed[place : place + 16]))
        case "longer":
            changed += rng.randbytes(8)
        case "removed":
            path.unlink()
            return kind
        case _:
            path.unlink()
            path.mkdir()
            return kind
    path.write_bytes(changed)
    if rng.random() < 0.5:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return f"{kind} at {place}"


def damage_folder(folder: Path, rng: random.Random) -> str:
    """Damage one file of a folder, or the folder; return what was done."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    if rng.random() < 0.1:
        shutil.rmtree(folder)
        if rng.random() < 0.5:
            folder.write_text("a file in its place")
            return "a file in the place of the folder"
        return "no folder"
    file = rng.choice(files)
    return f"{file.name}: {damage(file, rng)}"
