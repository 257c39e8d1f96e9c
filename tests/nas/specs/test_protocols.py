"""The examples follow the papers' protocols, number by number (docs/reference/protocols.md)."""

from pathlib import Path
from typing import Any

import yaml

from nas.specs import AutoDeepLabSpec, BilevelSpec, BlackBoxSpec, Fidelity, SupernetSpec

EXAMPLES = Path(__file__).parents[3] / "examples"


def read(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / name).read_text("utf-8"))


def test_the_proxy_task_of_dense_prediction_cells() -> None:
    """Chen et al., NeurIPS 2018, section 4.1."""
    spec = BlackBoxSpec.model_validate(read("cityscapes.yaml"))
    fidelity, sgd = spec.fidelity, spec.fidelity.optimizer
    assert (fidelity.crop, fidelity.batch, fidelity.rungs, fidelity.resize) == ((769, 769), 8, (30_000,), 1)
    assert (sgd.name, sgd.learning_rate, sgd.momentum, sgd.weight_decay) == ("sgd", 0.01, 0.9, 4e-5)
    assert (fidelity.schedule.name, fidelity.schedule.power, fidelity.schedule.warmup) == ("single", 0.9, 0)
    assert 1 - fidelity.head.bn_momentum == 0.9997
    assert (fidelity.head.channels, fidelity.head.dropout) == (256, 0.1)
    assert (fidelity.label_stride, fidelity.precision) == (1, "float32")
    assert fidelity.backbone.frozen
    assert spec.early_stopping is None


def test_the_search_of_auto_deeplab() -> None:
    """Liu et al., CVPR 2019, section 4.1: all of it but the size of the images is the default."""
    spec = AutoDeepLabSpec.model_validate(read("auto_deeplab_cityscapes.yaml"))
    search = spec.bilevel
    assert search == BilevelSpec(dataset="cityscapes", resize=0.5)
    assert spec.supernet == SupernetSpec()
    assert (spec.supernet.layers, spec.supernet.filters, spec.supernet.blocks, spec.supernet.levels) == (12, 8, 5, 4)
    assert (search.crop, search.batch, search.epochs, search.architecture_from_epoch) == ((321, 321), 2, 40, 20)
    sgd, adam = search.weights, search.architecture
    assert (sgd.learning_rate, sgd.final_rate, sgd.momentum, sgd.weight_decay) == (0.025, 0.001, 0.9, 3e-4)
    assert (adam.learning_rate, adam.weight_decay, search.second_order) == (3e-3, 1e-3, False)


def test_the_retraining_of_auto_deeplab() -> None:
    """Liu et al., CVPR 2019, section 4.2."""
    fidelity = Fidelity.model_validate(read("auto_deeplab_cityscapes_retrain.yaml"))
    assert (fidelity.crop, fidelity.rungs) == ((769, 769), (1_500_000,))
    assert (fidelity.optimizer.learning_rate, fidelity.schedule.name) == (0.05, "single")
    assert 1 - fidelity.network.bn_momentum == 0.9997
    assert (fidelity.network.filters, fidelity.network.drop_path > 0) == (20, True)
