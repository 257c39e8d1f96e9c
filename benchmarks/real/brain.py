"""Lobes of a brain in magnetic resonance images: a real data set, made of a Debian package.

    python -m benchmarks.real.brain FOLDER [--package mricron-data.deb]

T1 image of one person (Colin27) with the lobes of the AAL atlas: 390 training and 389 validation slices of 224x224
pixels, 9 classes. Training slices are of one hemisphere, validation slices of the other, mirrored onto it: other
anatomy, the same person and scanner, so results say nothing about other people. Which lobe a pixel belongs to cannot
be read off its texture: wide context decides.

The volumes are in the Debian package `mricron-data` (BSD-3-clause), which `apt-get download` fetches.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from PIL import Image

PACKAGE = "mricron-data"
TEMPLATES = Path("usr/share/mricron/templates")
CLASSES = (
    "other",
    "frontal",
    "sensorimotor",
    "cingulate_insula",
    "temporal",
    "parietal",
    "occipital",
    "deep_grey",
    "cerebellum",
)

REGIONS: dict[str, tuple[range, ...]] = {
    "frontal": (range(3, 17), range(21, 29)),
    "sensorimotor": (range(1, 3), range(17, 21), range(57, 59), range(69, 71)),
    "cingulate_insula": (range(29, 37),),
    "temporal": (range(39, 41), range(55, 57), range(79, 91)),
    "parietal": (range(59, 69),),
    "occipital": (range(43, 55),),
    "deep_grey": (range(37, 39), range(41, 43), range(71, 79)),
    "cerebellum": (range(91, 117),),
}
"""Numbers of the AAL atlas by class; all others are `other`."""

SIDE = 224
MIDDLE = 91
"""Sagittal planes of a hemisphere, the middle one included."""

LEAST_LABELLED = 300
"""Slices with fewer labelled pixels are left out."""

Volume = NDArray[np.uint8]


def lobes(atlas: Volume) -> Volume:
    """Map the atlas's numbers to classes."""
    table = np.zeros(256, np.uint8)
    for name, ranges in REGIONS.items():
        for numbers in ranges:
            table[list(numbers)] = CLASSES.index(name)
    return table[atlas]


def slices(image: Volume, label: Volume) -> Iterator[tuple[str, Volume, Volume]]:
    """Yield name, image and label map of each axial, coronal and sagittal slice of a hemisphere, padded with zeros."""
    for plane, axis in (("ax", 2), ("co", 1), ("sa", 0)):
        for index in range(image.shape[axis]):
            here, classes = (_padded(np.take(volume, index, axis)) for volume in (image, label))
            if np.count_nonzero(classes) >= LEAST_LABELLED:
                yield f"{plane}{index:03}", here, classes


def write(image: Volume, atlas: Volume, folder: Path) -> dict[str, int]:
    """Write both hemispheres as `images/{train,val}` and `masks/{train,val}`; return the number of slices of each."""
    label, counts = lobes(atlas), {}
    for split, step in (("train", 1), ("val", -1)):
        half, classes = image[::step][:MIDDLE], label[::step][:MIDDLE]
        for kind in ("images", "masks"):
            (folder / kind / split).mkdir(parents=True, exist_ok=True)
        counts[split] = 0
        for name, pixels, mask in slices(half, classes):
            Image.fromarray(pixels).save(folder / "images" / split / f"{name}.png")
            Image.fromarray(mask).save(folder / "masks" / split / f"{name}.png")
            counts[split] += 1
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in CLASSES), "utf-8")
    return counts


def make(folder: Path, package: Path | None = None) -> dict[str, int]:
    """Make the data set in `folder`.

    Args:
        folder: New or empty.
        package: The Debian package as a file; None downloads it.

    Returns:
        Number of slices of each split.

    Raises:
        subprocess.CalledProcessError: The package cannot be downloaded or unpacked.
    """
    with tempfile.TemporaryDirectory() as temporary:
        if package is None:
            subprocess.run(["apt-get", "download", PACKAGE], cwd=temporary, check=True, capture_output=True)
            package = next(Path(temporary).glob(f"{PACKAGE}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", package, temporary], check=True, capture_output=True)
        image, atlas = (
            np.asarray(nibabel.Nifti1Image.from_filename(Path(temporary) / TEMPLATES / name).dataobj, np.uint8)
            for name in ("ch2.nii.gz", "aal.nii.gz")
        )
        return write(image, atlas, folder)


def _padded(plane: Volume) -> Volume:
    """Turn a plane upright (superior or anterior at the top) and pad it below and to the right."""
    upright = np.rot90(plane)
    padded = np.zeros((SIDE, SIDE), np.uint8)
    padded[: upright.shape[0], : upright.shape[1]] = upright
    return padded


def main() -> None:
    """Make the data set and say how large it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--package", type=Path, help="The package as a file, instead of a download.")
    arguments = parser.parse_args()
    counts = make(arguments.folder, arguments.package)
    print(f"{counts['train']} training and {counts['val']} validation slices in {arguments.folder}")


if __name__ == "__main__":
    main()
