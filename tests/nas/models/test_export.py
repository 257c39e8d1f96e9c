"""Every kind of head and network as a graph: torch.export, ONNX and torch.compile, at sizes unlike the example's."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

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
from nas.specs import BackboneSpec, HeadSpec, NetworkSpec
from search_spaces import (
    EXTENDED_OPERATORS,
    PUBLISHED_CELL,
    REFERENCE_HEADS,
    AtrousSeparable,
    AutoDeepLab,
    Block,
    Branch,
    DenseCell,
    Edge,
    PyramidPooling,
    ReferenceHead,
)
from search_spaces.reference.architecture import SEVERAL_LEVELS, HeadName

SETTING = HeadSetting(
    channels=8, dropout=0.1, output_stride=8, crop=(64, 128), rate_multiplier=1, knowledge=shipped_graph("cityscapes")
)
"""Pooling windows up to 8x16 cells."""

UNITS = tuple({type(unit): unit for unit in EXTENDED_OPERATORS[81:]}.values())
"""Every kind of unit of global reasoning."""

PLAIN_HEADS = [reference for reference in REFERENCE_HEADS if not reference.units]
"""Those of one map without a unit."""

CELL = DenseCell(
    branches=(
        Branch(input=-1, operator=PyramidPooling(grid=(4, 4))),
        Branch(input=0, operator=AtrousSeparable(rate=(6, 21))),
    )
)
"""Pooling in front, as the best cell of the demo has it, and a rate beyond the map."""

CELL_OF_UNITS = DenseCell(
    branches=tuple(Branch(input=i - 2 if i > 1 else -1, operator=unit) for i, unit in enumerate(UNITS))
)

WHOLE_NETWORK = AutoDeepLab(
    blocks=(
        Block(edges=(Edge(input=0, operator="sep_3x3"), Edge(input=1, operator="atrous_3x3"))),
        Block(edges=(Edge(input=0, operator="max_pool_3x3"), Edge(input=1, operator="skip"))),
    ),
    path=(0, 1, 0),
)
"""A cell that halves the size, one that doubles it again, and an operator of each kind."""


class Side(nn.Module):
    """Runs heads side by side on the same maps, so that one graph covers all of them."""

    def __init__(self, heads: list[nn.Module]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)

    def forward(self, *maps: Tensor) -> Tensor:
        return torch.cat([head(*maps) for head in self.heads], 1)


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


class Kind(NamedTuple):
    """A network, the channels of its inputs, and the sizes of the first one at which its graph is checked."""

    module: nn.Module
    channels: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]


def one_map() -> Kind:
    """All of global reasoning and of pooling into bins."""
    pooling = [ReferenceHead(name="aspp", rates=(6,)), ReferenceHead(name="ppm", bins=(1, 3))]
    module = Side([head(architecture) for architecture in (*pooling, CELL_OF_UNITS)])
    return Kind(module, (8,), ((16, 32), (19, 40), (3, 5), (33, 9)))


def several_maps() -> Kind:
    """A cell, on maps smaller than its windows too, and the head whose maps are resized in turn."""
    module = Side([head(architecture, (8, 12)) for architecture in (CELL, ReferenceHead(name="fpn"))])
    return Kind(module, (8, 12), ((16, 32), (33, 17), (3, 5)))


def network() -> Kind:
    levels = BackboneSpec(width=0.25, blocks=8, output_stride=16, levels=(8, 16))
    built = build_network(PUBLISHED_CELL, 5, backbone=levels, head=HeadSpec(channels=8), crop=(64, 64))
    return Kind(settled(built), (3,), ((64, 96),))


def whole_network() -> Kind:
    narrow = NetworkSpec(filters=4, stem_channels=4, aspp_channels=8, decoder_channels=8, low_level_channels=4)
    built = build_network(WHOLE_NETWORK, 5, network=narrow, crop=(64, 64))
    return Kind(settled(built), (3,), ((64, 96), (65, 129), (96, 64)))


def inputs(channels: tuple[int, ...], size: tuple[int, int], batch: int) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(batch)
    return tuple(
        torch.randn(batch, width, -(-size[0] // 2**level), -(-size[1] // 2**level), generator=generator)
        for level, width in enumerate(channels)
    )


@pytest.mark.parametrize("build_kind", [one_map, several_maps, whole_network])
def test_onnx_agrees_at_any_batch_and_size(build_kind, tmp_path):
    """Frozen backbones, which have sizes as these networks do: tests/nas/training/test_export.py."""
    onnxruntime = pytest.importorskip("onnxruntime")
    module, channels, sizes = build_kind()
    side = 96 if channels == (3,) else 40
    shapes = [(width, side >> level, 2 * side >> level) for level, width in enumerate(channels)]
    names = [f"map_{index}" for index in range(len(channels))]
    write_onnx(module, tmp_path / "x.onnx", shapes, inputs=names, output="y", metadata={})
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx", providers=["CPUExecutionProvider"])
    for batch, size in enumerate(sizes, 1):
        given = inputs(channels, size, batch)
        (found,) = session.run(["y"], {name: x.numpy() for name, x in zip(names, given, strict=True)})
        with torch.no_grad():
            expected = module(*given)
        np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("build_kind", [one_map, several_maps, network, whole_network])
def test_torch_compile_makes_one_graph(build_kind):
    module, channels, sizes = build_kind()
    torch._dynamo.reset()
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    given = inputs(channels, sizes[0], 2)
    with torch.no_grad():
        torch.testing.assert_close(compiled(*given), module(*given), rtol=0, atol=1e-4)


def call_nodes(program) -> int:
    return sum(node.op == "call_function" for node in program.graph.nodes)


def test_nodes_of_an_exported_cell_are_those_of_plain_layers():
    """A separable convolution has 6 (two of convolution, batch norm, ReLU), pooling 5 (mean, the three, resize)."""
    module, x = head(CELL), torch.randn(2, 8, 16, 32)
    program = torch.export.export(module, (x,))
    by_hand = 6 + 5 + 1 + 3  # and concatenation and the projection's three
    assert call_nodes(program) <= by_hand + 1  # dropout
    torch.testing.assert_close(program.module()(x), module(x), rtol=0, atol=1e-5)


def test_exported_program_of_any_size():
    module = head(CELL)
    sizes = dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC)
    program = torch.export.export(module, (torch.randn(2, 8, 40, 64),), dynamic_shapes=((sizes,),))
    for batch, size in enumerate(((18, 33), (65, 129), (40, 20)), 1):
        (x,) = inputs((8,), size, batch)
        torch.testing.assert_close(program.module()(x), module(x), rtol=0, atol=1e-5)


def test_training_keeps_the_fast_kernels_after_an_export():
    """A cache that kept a tensor of the trace would break the next step; each head's graph computes what it does."""
    module, x = Side([head(reference) for reference in PLAIN_HEADS]), torch.randn(2, 8, 16, 32)
    program = torch.export.export(module, (x,))
    torch.testing.assert_close(program.module()(x), module(x), rtol=0, atol=1e-4)
    module.train()(x).square().mean().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_heads_of_several_levels_export_in_one_graph():
    names: tuple[HeadName, ...] = SEVERAL_LEVELS
    module = Side([head(ReferenceHead(name=name), (8, 8, 8, 8)) for name in names])
    maps = inputs((8, 8, 8, 8), (19, 33), 2)
    program = torch.export.export(module, maps)
    torch.testing.assert_close(program.module()(*maps), module(*maps), rtol=0, atol=1e-4)


def test_a_strided_pointwise_convolution_exports_as_one_node():
    program = torch.export.export(Pointwise(4, 8, 2), (torch.randn(1, 4, 9, 9),))
    assert call_nodes(program) == 1


def test_a_program_runs_where_this_package_is_not(tmp_path):
    module, x = head(CELL), torch.randn(2, 8, 16, 32)
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
    module, x = head(CELL), torch.randn(2, 8, 16, 32)
    write_onnx(module, tmp_path / "x.onnx", [(8, 40, 64)], inputs=["x"], output="y", metadata={"classes": "[]"})
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
        "assert s.get_modelmeta().custom_metadata_map['classes'] == '[]'\n"
        "print(abs(s.run(['y'], {'x': pair['x']})[0] - pair['y']).max() < 1e-4)"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr


def test_inductor_compiles_a_cell():
    """The real compiler of this machine, on the smallest cell that pools and convolves."""
    module, x = head(CELL), torch.randn(2, 8, 16, 32)
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
