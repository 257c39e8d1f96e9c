"""Backbones of transformers (ConvNeXt-v2, DINOv2, DINOv3, Swin, SegFormer's encoder, ...); needs `segnas[hf]`."""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nas.models.backbones.base import Backbone, Level, check_maps, last_at
from nas.models.backbones.checkpoint import abbreviate

PROBE = 448
"""Side of the image whose maps tell the strides: a multiple of patches of 14 and 16 and of stride 32."""

UNTRAINED = "hidden_states_norms."
"""Layer norms that transformers puts behind each map of some networks; published checkpoints have none."""


class HuggingFaceBackbone(Backbone):
    """A network of transformers with random weights; see `Backbone` for shapes.

    Strides are not replaced by dilation: `output_stride` chooses the last map at this stride. A vision transformer has
    one stride, its patch, and interpolates its position embeddings to the size of the image. A network without padding
    refuses images whose sides are no multiple of its stride.

    Args:
        config: Content of the network's `config.json`.
        output_stride: Of the map to return; the patch of a vision transformer.
        strides: Of the maps to return, ascending; None for the last map of `output_stride`.
        depths: Of a vision transformer, the blocks (counted from 1) after which a map is returned; later blocks are not
            built. None for the last block.

    Raises:
        ValueError: transformers is missing or has no such backbone, or the network has no map of one of the strides.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        output_stride: int,
        strides: Sequence[int] | None = None,
        depths: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.kind = str(config.get("model_type"))
        # Position embeddings, outputs and precision are set here, not by who saved the network.
        self.cut = depths is not None
        settled = {key: value for key, value in config.items() if key not in _NOT_TAKEN}
        offered = _offered(settled, self.kind)
        self.read = _chosen(offered, self.kind, output_stride, strides, depths)
        self.levels = tuple(offered[index] for index in self.read)
        if depths is not None:
            settled["num_hidden_layers"] = depths[-1]
        self.network = _build(settled, self.kind, self.read)
        windowed = self.kind in {"swin", "maskformer-swin"}
        self.smallest = int(self.network.config.window_size) * max(level.stride for level in offered) if windowed else 1

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        if min(images.shape[2:]) < self.smallest:
            raise ValueError(
                f"{self.kind} cannot read images of {images.shape[2]}x{images.shape[3]} pixels: each side must be at "
                f"least {self.smallest}, so that its windows fit its coarsest map"
            )
        maps = _maps(self.network, self.kind, images)
        maps = tuple(maps[index] for index in self.read) if self.kind == "segformer" else maps
        check_maps(images, maps, self.levels, self.kind)
        return maps

    def published_name(self, key: str) -> str:
        return key.removeprefix("network.")

    def leaves_out(self, key: str) -> bool:
        # Another part (classifier, decoder, pooling), or a block that is not built.
        parts = {name.split(".")[1] for name in self.state_dict()}
        part = self.published_name(key).split(".")[0]
        return part not in parts or (self.cut and self._is_later_block(key))

    def may_lack(self, key: str) -> bool:
        return super().may_lack(key) or UNTRAINED in key

    def load_folder(self, folder: Path) -> None:
        """Load the checkpoint of a folder, single or sharded, in place; transformers translates older names.

        Raises:
            ValueError: The checkpoint cannot be read or does not fit the network.
        """
        try:
            with _quiet():
                loaded, report = type(self.network).from_pretrained(
                    folder,
                    config=self.network.config,
                    output_loading_info=True,
                    local_files_only=True,
                    dtype=torch.float32,
                )
        except Exception as error:  # a damaged file can raise anything
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise ValueError(f"weights {folder} cannot be loaded into {self.kind}: {reason}") from None
        problems = {
            "missing": [key for key in report["missing_keys"] if not self.may_lack(key)],
            "unknown": [key for key in report["unexpected_keys"] if not self.leaves_out(key)],
            "of another shape": [str(key[0]) for key in report["mismatched_keys"]],
        }
        faults = [f"{abbreviate(sorted(keys))} {problem}" for problem, keys in problems.items() if keys]
        if faults:
            raise ValueError(f"weights {folder} do not fit {self.kind}: {'; '.join(faults)}")
        self.network.load_state_dict(loaded.state_dict())

    def _is_later_block(self, key: str) -> bool:
        match = re.search(r"\blayers?\.(\d+)\.", key)
        return match is not None and int(match[1]) >= int(getattr(self.network.config, "num_hidden_layers", 0) or 1e9)


_NOT_TAKEN = {"out_features", "out_indices", "stage_names", "torch_dtype", "dtype", "auto_map", "architectures"}


def _transformers() -> Any:
    try:
        return importlib.import_module("transformers")
    except ImportError:
        raise ValueError("backbones hf: need transformers: pip install 'segnas[hf]'") from None


def _build(config: Mapping[str, Any], kind: str, read: Sequence[int] | None) -> Any:
    """Build a network whose maps are those of the stages `read`; all of its stages for None."""
    transformers = _transformers()
    try:
        built = transformers.CONFIG_MAPPING[kind].from_dict(dict(config))
        if kind == "segformer":
            return transformers.SegformerModel(built)
        names = built.stage_names
        built.set_output_features_output_indices(None, list(range(len(names)) if read is None else read))
        with _quiet():
            return transformers.AutoBackbone.from_config(built)
    except (KeyError, AttributeError):
        raise ValueError(f"transformers has no backbone of model_type {kind!r}; see its AutoBackbone") from None
    except Exception as error:  # configurations fail in many ways
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"transformers cannot build {kind} from this config.json: {reason}") from None


def _maps(network: Any, kind: str, images: Tensor) -> tuple[Tensor, ...]:
    if kind == "segformer":
        return tuple(network(images, output_hidden_states=True).hidden_states)
    return tuple(network(images).feature_maps)


def _offered(config: Mapping[str, Any], kind: str) -> list[Level]:
    """Stride and channels of the map after each stage, computed without numbers (on the meta device)."""
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        probe: nn.Module = _build(config, kind, None)
        probe.eval()
        with torch.no_grad():
            try:
                maps = _maps(probe, kind, torch.empty(1, 3, PROBE, PROBE))
            except Exception as error:  # a network of fixed image size, for instance
                reason = (str(error) or type(error).__name__).splitlines()[0]
                raise ValueError(f"{kind} cannot read images of {PROBE}x{PROBE} pixels: {reason}") from None
    return [Level(PROBE // features.shape[2], features.shape[1]) for features in maps]


def _chosen(
    offered: Sequence[Level],
    kind: str,
    output_stride: int,
    strides: Sequence[int] | None,
    depths: Sequence[int] | None,
) -> tuple[int, ...]:
    """Indices of the maps that are read; a stem's map comes before the stages and is never the last at its stride."""
    found = [level.stride for level in offered]
    if depths is None:
        return last_at(found, strides or (output_stride,), kind)
    if len({*found[1:]}) != 1:
        raise ValueError(
            f"{kind} is no vision transformer: its maps have different strides; ask for levels, not depths"
        )
    if found[-1] != output_stride:
        raise ValueError(f"{kind} has patches of {found[-1]} pixels; ask for output_stride {found[-1]}")
    if depths[-1] >= len(found):
        raise ValueError(f"{kind} has {len(found) - 1} blocks, so depths {list(depths)} cannot be read")
    return tuple(depths)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' progress bars and reports, whose content becomes our own sentences."""
    logging = importlib.import_module("transformers.utils.logging")
    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()
