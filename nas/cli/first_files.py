"""What `segnas init` writes: a configuration in which every line is a comment, and a small search."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import SecretStr

from nas.settings import Settings

_HEAD = """\
# The configuration of Segnas: of the service, of workers and of the command line.
# Each line is a default: take its `#` off to change it. A variable SEGNAS_<NAME> of the environment wins over this
# file. Relative paths are below the folder of this file. A restart of the service takes up what was changed.
"""

_SPEC = """\
# A first search: dense prediction cells on a small backbone, some minutes on two CPU cores.
#   segnas submit {file} --dry-run     checks this file, and says what the search would cost
#   segnas submit {file} --watch       starts the search and follows it
name: first
space: {{kind: dense_cell, branches: 5}}
strategy: {{name: dpc, startup: 6}}       # or random, evolution, tpe, gp, reinforce
trials: 12
early_stopping: {{reduction: 2}}          # the worse half ends at the first rung
resources: {{cpus: 1, concurrent: 2}}
fidelity:                               # how carefully an architecture is measured
  dataset: {dataset}                       # a registered name: segnas data list
  backbone: {{name: mobilenet_v2, blocks: 5, output_stride: 8, warmup_iterations: 300}}
  crop: [128, 128]                      # no larger than the images
  augment: {{scale: [1.0, 1.0]}}
  head: {{channels: 32, dropout: 0.0, rate_multiplier: 1}}
  rungs: [150, 300]                     # iterations after which it is scored
  batch: 8
  optimizer: {{name: adam, learning_rate: 0.016, weight_decay: 0.0}}
  label_stride: 8
"""


def config_text() -> str:
    """Make the text of a `config.yaml` that sets nothing and shows every setting."""
    return "\n".join([_HEAD, *_settings()])


def _settings() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if name == "home":
            continue  # the folder of the file itself
        described = textwrap.wrap(" ".join((field.description or "").split()), 112)
        lines = [f"# {line}" for line in described]
        yield "\n".join([*lines, f"#{name}: {_default(field.get_default())}", ""])


def _default(value: Any) -> str:
    shown = value.get_secret_value() if isinstance(value, SecretStr) else value
    return yaml.safe_dump(shown, default_flow_style=True).removesuffix("\n...\n").strip()


def first_spec(dataset: str, file: str = "search.yaml") -> str:
    """Make the text of the first spec.

    Args:
        dataset: The name of the data set to search on.
        file: The name of the spec's file, for its comments.
    """
    return _SPEC.format(dataset=dataset, file=file)
