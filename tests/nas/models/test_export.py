"""Every kind of head and network as a graph: torch.export, ONNX and torch.compile, at sizes unlike the example's."""

from __future__ import annotations

import random
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nas.models.backbones.base import Level
from nas.models.export import write_onnx
from nas.models.graph_reasoning import shipped_graph
from nas.models.heads import build
from nas.models.heads.setting import HeadSetting
from nas.models.layers.conv import ConvBNReLU, Pointwise
from nas.models.networks import build_network
from nas.models.parameters import count_parameters
from nas.specs import BackboneSpec, HeadSpec, NetworkSpec
from search_spaces import (
    EXTENDED_OPERATORS,
    PUBLISHED_CELL,
    REFERENCE_HEADS,
    AtrousSeparable,
    Branch,
    DenseCell,
    PyramidPooling,
    ReferenceHead,
)
from search_spaces.auto_deeplab.space import sample

SETTING = HeadSetting(
    channels=8, dropout=0.1, output_stride=8, crop=(64, 128), rate_multiplier=1, knowledge=shipped_graph("cityscapes")
)
"""Pooling windows up to 8x16 cells."""

UNITS = tuple({type(unit): unit for unit in EXTENDED_OPERATORS[81:]}.values())
"""Every kind of unit of global reasoning."""

PLAIN_HEADS = [reference for reference in REFERENCE_HEADS if not reference.units]
"""Those without a unit."""

CELLS = {
    # As the best one of the demo: pooling in front, rates beyond the map, branches that read branches.
    "plain": DenseCell(
        branches=(
            Branch(input=-1, operator=PyramidPooling(grid=(4, 4))),
            Branch(input=0, operator=AtrousSeparable(rate=(6, 12))),
            Branch(input=1, operator=AtrousSeparable(rate=(21, 18))),
            Branch(input=2, operator=PyramidPooling(grid=(1, 2))),
            Branch(input=-1, operator=AtrousSeparable(rate=(1, 1))),
        )
    ),
    "units": DenseCell(
        branches=tuple(Branch(input=i - 2 if i > 1 else -1, operator=unit) for i, unit in enumerate(UNITS))
    ),
}


class Side(nn.Module):
    """Runs heads side by side on the same map, so that one graph covers all of them."""

    def __init__(self, heads: list[nn.Module]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([head(x) for head in self.heads], 1)


def head(architecture, channels=(8,), setting=SETTING):
    levels = [Level(8 * 2**index, width) for index, width in enumerate(channels)]
    return settled(build.build_head(architecture, levels, setting))


def settled(module: nn.Module) -> nn.Module:
    """Give every batch norm statistics and weights that matter (some units start as the identity)."""
    generator = torch.Generator().manual_seed(3)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            assert layer.running_var is not None
            assert layer.running_mean is not None
            for values in (layer.running_var, layer.weight.data):
                values.copy_(0.5 + torch.rand(values.shape, generator=generator))
            layer.running_mean.copy_(torch.randn(layer.running_mean.shape, generator=generator) / 4)
    return module.eval()


def kinds() -> dict[str, tuple[nn.Module, tuple[int, ...], tuple[tuple[int, int], ...]]]:
    """Name -> module, channels of its inputs, and the sizes of the first map at which the graph is checked."""
    maps = ((16, 32), (19, 40), (3, 5), (33, 9))
    images = ((64, 96), (65, 129), (96, 64))
    decoded = sample(2, 4, random.Random(1))
    narrow = NetworkSpec(filters=4, stem_channels=4, aspp_channels=8, decoder_channels=8, low_level_channels=4)
    levels = BackboneSpec(width=0.25, blocks=8, output_stride=16, levels=(8, 16))
    return {
        "plain cell": (head(CELLS["plain"]), (8,), maps),
        "cell of units": (head(CELLS["units"]), (8,), maps),
        "reference heads": (Side([head(reference) for reference in PLAIN_HEADS]), (8,), maps),
        "head of two levels": (head(CELLS["plain"], (8, 12)), (8, 12), ((16, 32), (33, 17))),
        "fpn": (head(ReferenceHead(name="fpn"), (8, 8, 8)), (8, 8, 8), ((16, 32), (33, 17))),
        "network": (
            settled(build_network(PUBLISHED_CELL, 5, backbone=levels, head=HeadSpec(channels=8), crop=(64, 64))),
            (3,),
            images,
        ),
        "auto_deeplab": (settled(build_network(decoded, 5, network=narrow, crop=(64, 64))), (3,), images),
    }


@pytest.fixture(scope="module", params=["plain cell", "cell of units", "reference heads", "head of two levels", "fpn",
                                        "network", "auto_deeplab"])  # fmt: skip
def kind(request):
    torch.manual_seed(0)
    return kinds()[request.param]


def inputs(channels: tuple[int, ...], size: tuple[int, int], batch: int) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(batch)
    return tuple(
        torch.randn(batch, width, -(-size[0] // 2**level), -(-size[1] // 2**level), generator=generator)
        for level, width in enumerate(channels)
    )


def test_onnx_agrees_at_any_batch_and_size(kind, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    module, channels, sizes = kind
    image = channels == (3,)
    shapes = [
        (width, (96 if image else 40) >> level, (160 if image else 64) >> level) for level, width in enumerate(channels)
    ]
    names = [f"map_{index}" for index in range(len(channels))]
    write_onnx(module, tmp_path / "x.onnx", shapes, inputs=names, output="y", metadata={"classes": "[]"})
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx", providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["classes"] == "[]"
    for batch, size in enumerate(sizes, 1):
        given = inputs(channels, size, batch)
        (found,) = session.run(["y"], {name: x.numpy() for name, x in zip(names, given, strict=True)})
        with torch.no_grad():
            expected = module(*given)
        np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=1e-4)


def test_torch_compile_makes_one_graph(kind):
    module, channels, sizes = kind
    torch._dynamo.reset()
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    given = inputs(channels, sizes[0], 2)
    with torch.no_grad():
        torch.testing.assert_close(compiled(*given), module(*given), rtol=0, atol=1e-4)


def call_nodes(program) -> int:
    return sum(node.op == "call_function" for node in program.graph.nodes)


def test_nodes_of_an_exported_cell_are_those_of_plain_layers():
    """A separable convolution has 6 (two of convolution, batch norm, ReLU), pooling 5 (mean, the three, resize)."""
    module, x = head(CELLS["plain"]), torch.randn(2, 8, 16, 32)
    program = torch.export.export(module, (x,))
    by_hand = 3 * 6 + 2 * 5 + 1 + 3  # and concatenation and the projection's three
    assert call_nodes(program) <= by_hand + 1  # dropout
    torch.testing.assert_close(program.module()(x), module(x), rtol=0, atol=1e-5)


def test_exported_program_of_any_size():
    module = head(CELLS["plain"])
    sizes = dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC)
    program = torch.export.export(module, (torch.randn(2, 8, 40, 64),), dynamic_shapes=((sizes,),))
    for batch, size in enumerate(((18, 33), (65, 129), (40, 20)), 1):
        (x,) = inputs((8,), size, batch)
        torch.testing.assert_close(program.module()(x), module(x), rtol=0, atol=1e-5)


def test_training_keeps_the_fast_kernels_after_an_export():
    """A cache that kept a tensor of the trace would break the next step."""
    module, x = Side([head(reference) for reference in PLAIN_HEADS]), torch.randn(2, 8, 16, 32)
    torch.export.export(module, (x,))
    module.train()(x).square().mean().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    assert count_parameters(module) > 0


def test_a_strided_pointwise_convolution_exports_as_one_node():
    program = torch.export.export(Pointwise(4, 8, 2), (torch.randn(1, 4, 9, 9),))
    assert call_nodes(program) == 1


def test_a_program_runs_where_this_package_is_not(tmp_path):
    module, x = head(CELLS["plain"]), torch.randn(2, 8, 16, 32)
    torch.export.save(torch.export.export(module, (x,)), tmp_path / "head.pt2")
    torch.save((x, module(x)), tmp_path / "pair.pt")
    code = (
        "import sys; sys.modules.update(nas=None, search_spaces=None)\n"
        "import torch\n"
        "x, y = torch.load('pair.pt')\n"
        "print((torch.export.load('head.pt2').module()(x) - y).abs().max().item() < 1e-5)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_an_onnx_file_runs_with_onnxruntime_and_numpy_alone(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    module, x = head(CELLS["plain"]), torch.randn(2, 8, 16, 32)
    write_onnx(module, tmp_path / "x.onnx", [(8, 40, 64)], inputs=["x"], output="y", metadata={})
    with torch.no_grad():
        np.savez(tmp_path / "pair.npz", x=x.numpy(), y=module(x).numpy())
    packages = tmp_path / "packages"
    packages.mkdir()
    for package in (np, onnxruntime):
        place = Path(str(package.__file__)).parent
        (packages / place.name).symlink_to(place)
        if (libraries := place.with_name(f"{place.name}.libs")).is_dir():
            (packages / libraries.name).symlink_to(libraries)
    code = (
        "import sys; sys.path.insert(0, 'packages')\n"
        "import importlib.util as u; assert not u.find_spec('torch') and not u.find_spec('nas')\n"
        "import numpy as np, onnxruntime as o\n"
        "pair = np.load('pair.npz'); s = o.InferenceSession('x.onnx', providers=['CPUExecutionProvider'])\n"
        "print(abs(s.run(['y'], {'x': pair['x']})[0] - pair['y']).max() < 1e-4)"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr


def test_inductor_compiles_a_cell():
    """The real compiler of this machine, on the smallest cell that pools and convolves."""
    cell = DenseCell(branches=CELLS["plain"].branches[:2])
    module, x = head(cell), torch.randn(2, 8, 16, 32)
    torch._dynamo.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's compiler about itself
        try:
            found = torch.compile(module, fullgraph=True)(x)
        except torch._inductor.exc.InductorError as error:
            pytest.skip(f"no compiler here: {error}")
    torch.testing.assert_close(found, module(x), rtol=0, atol=1e-4)


def test_the_mode_of_every_part_is_left_as_it_was(tmp_path):
    module = ConvBNReLU(3, 4).train()
    module.bn.eval()
    write_onnx(module, tmp_path / "x.onnx", [(3, 8, 8)], inputs=["x"], output="y", metadata={})
    assert (module.training, module.conv.training, module.bn.training) == (True, True, False)
