"""Do heads differ on the generated scenes? The spread between architectures against the spread between seeds.

    python -m benchmarks.scenes_gate [--work build/scenes_gate] [--cells 24] [--seeds 2]

Uniform random cells are measured at the proxy fidelity of examples/scenes.yaml on scenes and, as a control, on
naive scenes, where each class has a look of its own. The gate is passed where the ratio is at least 3 and Spearman's
correlation between seeds at least 0.8, both without the cells below the 1x1 head; the control's ratio is near 1. Every
trial is saved in the work folder when it ends, and a second run resumes there. The benchmark runs about ten minutes on
one free core.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from scipy.stats import spearmanr

from nas.data.entry import DatasetEntry
from nas.data.scenes import Style, generate
from nas.specs import Fidelity
from nas.training.evaluate import evaluate
from nas.training.workspace import Workspace
from search_spaces.dense_cell.architecture import PUBLISHED_CELL, DenseCell
from search_spaces.dense_cell.space import sample
from search_spaces.document import Architecture
from search_spaces.reference.architecture import ReferenceHead

SCENES = Path(__file__).parent.parent / "examples" / "scenes.yaml"
STYLES: dict[str, Style] = {"scenes": "cues", "naive": "naive"}
REFERENCES: dict[str, Architecture] = {
    "1x1": ReferenceHead(name="conv1x1"),
    "ASPP(6, 12, 18)": ReferenceHead(name="aspp"),
    "published DPC cell": PUBLISHED_CELL,
}


@dataclass(frozen=True)
class Trials:
    """Trials of a fidelity, measured once: the mIoU at each rung is saved in a file of JSON lines."""

    fidelity: Fidelity
    workspace: Workspace
    data_key: str
    file: Path

    def scores(self, architecture: Architecture, seed: int) -> list[float]:
        """Return the mIoU at each rung, from the file or by training the architecture."""
        identity = {
            "data": self.data_key,
            "fidelity": self.fidelity.key,
            "architecture": architecture.key,
            "seed": seed,
        }
        for line in self.file.read_text("utf-8").splitlines() if self.file.exists() else ():
            row: dict[str, list[float]] = json.loads(line)
            if all(row[name] == value for name, value in identity.items()):
                return row["scores"]
        started = time.perf_counter()
        run = evaluate(architecture, self.fidelity, seed, workspace=self.workspace, device="cpu", threads=1)
        scores = [measurement.score for measurement in run]
        row_text = json.dumps({**identity, "scores": scores, "seconds": time.perf_counter() - started})
        with self.file.open("a", encoding="utf-8") as file:
            file.write(row_text + "\n")
        return scores


def gate(trials: Trials, cells: list[DenseCell], seeds: int) -> None:
    """Measure all cells on a data set, and print scores, spread and correlations at each rung."""
    rungs = trials.fidelity.rungs
    references = {name: trials.scores(head, 0) for name, head in REFERENCES.items()}
    measured = np.array([[trials.scores(cell, seed) for seed in range(seeds)] for cell in cells])  # cell, seed, rung
    for index, rung in enumerate(rungs):
        print(f"\n{trials.fidelity.dataset}, {rung} steps")
        for name, scores in references.items():
            print(f"  {name:<20}{scores[index]:.3f}")
        table = measured[:, :, index]
        above = table[table.mean(1) >= references["1x1"][index]]
        print(
            f"  random cells        {table.min():.3f} to {table.max():.3f}, {len(above)} of {len(table)} not below 1x1"
        )
        _print_spread(above)
    if len(rungs) > 1:
        means = measured.mean(1)
        pairs = itertools.pairwise(range(len(rungs)))
        print("  Spearman between rungs", [f"{_spearman(means[:, a], means[:, b]):.3f}" for a, b in pairs])


def _print_spread(table: NDArray[np.float64]) -> None:
    between = table.mean(1).std(ddof=1)
    seed = np.sqrt(table.var(1, ddof=1).mean())
    pairs = [_spearman(table[:, a], table[:, b]) for a, b in itertools.combinations(range(table.shape[1]), 2)]
    print(f"  between architectures {between:.4f}, between seeds {seed:.4f}, ratio {between / seed:.2f}")
    print(f"  Spearman between seeds {np.mean(pairs):.3f}", flush=True)


def _spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(spearmanr(first, second).statistic)


def main() -> None:
    """Generate both data sets, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("build/scenes_gate"))
    parser.add_argument("--cells", type=int, default=24)
    parser.add_argument("--control-cells", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--fidelity", type=Path, default=SCENES, help="YAML of a search or of a fidelity")
    parser.add_argument("--sets", nargs="+", choices=list(STYLES), default=list(STYLES))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rng = random.Random(0)
    cells = [sample(5, rng) for _ in range(max(arguments.cells, arguments.control_cells))]
    document = yaml.safe_load(arguments.fidelity.read_text("utf-8"))
    fidelity = Fidelity.model_validate(document.get("fidelity", document))
    height, width = fidelity.crop
    roots = {name: arguments.work / name for name in arguments.sets}
    for name, root in roots.items():
        generate(root, 1024, 0, (height, width), 192, style=STYLES[name])
    entries = {name: DatasetEntry(layout="cityscapes", root=root) for name, root in roots.items()}
    workspace = Workspace(entries, {}, arguments.work / "cache", arguments.work / "artifacts")
    for name in arguments.sets:
        count = arguments.control_cells if name == "naive" else arguments.cells
        of_set = fidelity.model_copy(update={"dataset": name})
        trials = Trials(of_set, workspace, workspace.dataset(name).key, arguments.work / "trials.jsonl")
        gate(trials, cells[:count], arguments.seeds)


if __name__ == "__main__":
    main()
