"""The example search of docs/lab/auto_deeplab.md: what it promises, before anyone spends minutes on it."""

from __future__ import annotations

from pathlib import Path

import yaml

from nas.models.auto_deeplab import check_crop
from nas.specs import AutoDeepLabSpec, Fidelity
from search_spaces.auto_deeplab.architecture import AutoDeepLab, Block, Edge

EXAMPLES = Path(__file__).parents[4] / "examples"


def read(name: str) -> object:
    return yaml.safe_load((EXAMPLES / name).read_text("utf-8"))


def deepest(spec: AutoDeepLabSpec) -> AutoDeepLab:
    edges = (Edge(input=0, operator="sep_3x3"), Edge(input=1, operator="sep_3x3"))
    levels = tuple(min(layer, spec.supernet.levels - 1) for layer in range(spec.supernet.layers))
    return AutoDeepLab(blocks=(Block(edges=edges),) * spec.supernet.blocks, path=levels)


def test_half_the_epochs_move_the_architecture_and_two_networks_a_run_are_measured() -> None:
    spec = AutoDeepLabSpec.model_validate(read("auto_deeplab.yaml"))
    assert spec.bilevel.epochs >= 6
    assert 2 * (spec.bilevel.epochs - spec.bilevel.architecture_from_epoch) >= spec.bilevel.epochs
    assert spec.scored_epochs == (4, 8)


def test_both_fidelities_take_the_deepest_path_there_is() -> None:
    spec = AutoDeepLabSpec.model_validate(read("auto_deeplab.yaml"))
    again = Fidelity.model_validate(read("auto_deeplab_retrain.yaml"))
    assert spec.scoring is not None
    assert again.dataset == spec.scoring.dataset == spec.bilevel.dataset
    for fidelity in (spec.scoring, again):
        check_crop(deepest(spec), fidelity.crop)
