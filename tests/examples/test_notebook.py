"""The notebook examples/own_data.ipynb: its outputs in the repository, and a run of it on another data set."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

nbformat = pytest.importorskip("nbformat")

NOTEBOOK = Path(__file__).parents[2] / "examples/own_data.ipynb"
LARGEST = 400_000
"""Bytes of the notebook with its outputs."""

SIZE = 96
COLOURS = {"ground": (90, 60, 30), "disc": (0, 128, 255), "box": (255, 200, 0)}
"""Of the classes, in masks."""


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def parameters(notebook: Any) -> Any:
    (cell,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    return cell


def printed(notebook: Any) -> str:
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")


def check_scores(notebook: Any) -> None:
    """Assert that the exported network's score is the reported one, within 0.1 point."""
    found = re.search(r"reported ([\d.]+), in onnxruntime ([\d.]+) points", printed(notebook))
    assert found is not None
    reported, exported = map(float, found.groups())
    assert 0 < reported <= 100
    assert exported == pytest.approx(reported, abs=0.1)


def test_the_outputs_are_of_one_run_from_top_to_bottom():
    notebook = read()
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    check_scores(notebook)


def test_the_notebook_is_small_and_names_no_folder_of_a_machine():
    content = NOTEBOOK.read_text("utf-8")
    assert len(content.encode()) < LARGEST
    # The outputs were made in a folder of /home/me, the user of the documentation.
    assert set(re.findall(r"(?<![\w.~])/(?:home/\w+|tmp|work|root|usr|var|opt)\b", content)) <= {"/home/me"}


def write_photographs(root: Path, count: int = 24) -> None:
    """Noisy pictures, each with a disc or a box or both on ground, with masks in RGB and the names of their colours."""
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for index in range(count):
        picture, mask = (Image.new("RGB", (SIZE, SIZE), COLOURS["ground"]) for _ in range(2))
        for shape in [["disc"], ["box"], ["disc", "box"]][index % 3]:
            left, top = rng.integers(0, SIZE - 48, 2).tolist()
            for canvas, colour in ((picture, tuple(rng.integers(120, 255, 3).tolist())), (mask, COLOURS[shape])):
                draw = ImageDraw.Draw(canvas)
                draw_shape = draw.ellipse if shape == "disc" else draw.rectangle
                draw_shape((left, top, left + 47, top + 47), colour)
        noisy = np.asarray(picture, np.int64) + rng.integers(-20, 20, (SIZE, SIZE, 3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(root / f"images/{index:02}.jpg", quality=90)
        mask.save(root / f"masks/{index:02}_mask.png")
    lines = [f"{name},{','.join(map(str, colour))}" for name, colour in COLOURS.items()]
    (root / "classes.csv").write_text("\n".join(["name,r,g,b", *lines]) + "\n", "utf-8")


def with_parameters(notebook: Any, values: dict[str, Any]) -> None:
    """Replace what the notebook's first code cell sets, all of it."""
    cell = parameters(notebook)
    assert re.findall(r"^([A-Z_]+)\b", cell.source, re.MULTILINE) == list(values)
    lines = [f"{name} = {value!r}" for name, value in values.items()]
    cell.source = "\n".join(["from pathlib import Path, PosixPath  # as a path is written by repr", *lines])


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(900)  # takes minutes where other tests run beside it
def test_the_notebook_runs_on_photographs_with_rgb_masks(tmp_path):
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")

    write_photographs(tmp_path / "figures")
    notebook = read()
    with_parameters(
        notebook,
        {
            "DATA": tmp_path / "figures",
            "NAME": "figures",
            "OPTIONS": ["--val", "0.3"],
            "CROP": [SIZE, SIZE],
            "TRIALS": 3,
            "RUNGS": [10, 20],
            "RETRAIN_STEPS": 40,
            "WORK": tmp_path / "run",
        },
    )
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute(cwd=str(tmp_path))
    check_scores(notebook)
    text = printed(notebook)
    assert "3 classes" in text
    assert len(re.findall(r"^trial \d: (?:completed|pruned), mIoU", text, re.MULTILINE)) == 3
    assert "stopping Ray" in (tmp_path / "run/serve.log").read_text()
