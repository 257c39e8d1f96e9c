"""The data card of a table, in Markdown: what is in it, how it was measured, what it does not say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from nas.formatting import counted
from nas.heads_bench.table import About, Head, Numbers, Setting

LIMITS = """\
- A score is that of a head at the small fidelity named above. How well it orders heads at full scale is for a
  calibration to say.
- The highest of many noisy scores flatters its head: compare means over the seeds.
- Seconds and latencies are those of the machines named here.\
"""


def data_card(about: About, heads: Sequence[Head], numbers: Mapping[str, Numbers]) -> str:
    """Write the data card of a table.

    Args:
        about: Name, licence, settings, software.
        heads: All heads.
        numbers: Of each data set, by its name.
    """
    families = Counter(head.family for head in heads)
    parts = [
        f"# {about.name}",
        f"Licence: {about.licence}.",
        about.description.strip(),
        "## Heads",
        f"{len(heads)} heads, every one trained with every seed on every data set:",
        "\n".join(f"- {count} x {family}" for family, count in families.items()),
        "## Data sets",
        "\n".join(
            [
                "| data set | classes | seeds | rungs | trainings | device-hours | best mean mIoU | median |",
                "|---" * 8 + "|",
            ]
            + [_row(setting, numbers[setting.dataset]) for setting in about.settings]
        ),
        *(_setting(setting) for setting in about.settings),
        "## Latency",
        _latency(about),
        "## Software",
        "\n".join(f"- {name} {', '.join(versions)}" for name, versions in sorted(about.software.items())),
        "## Left out",
        _left_out(about),
        "## What it does not say",
        LIMITS,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _row(setting: Setting, numbers: Numbers) -> str:
    means = numbers.score[:, :, -1].mean(axis=1)
    trainings = numbers.score.shape[0] * numbers.score.shape[1]
    hours = numbers.seconds[:, :, -1].sum() / 3600
    return (
        f"| {setting.dataset} | {len(setting.classes)} | {', '.join(map(str, setting.seeds))} "
        f"| {', '.join(map(str, setting.rungs))} | {trainings} | {hours:.1f} "
        f"| {means.max():.3f} | {np.median(means):.3f} |"
    )


def _setting(setting: Setting) -> str:
    backbone = setting.fidelity.get("backbone", {})
    frozen = "frozen" if backbone.get("frozen", True) else "trained with the head"
    machines = "; ".join(
        f"{environment.model}, {environment.device}"
        + ("" if environment.threads is None else f", {counted(environment.threads, 'thread')}")
        for environment in setting.environments
    )
    lines = [
        f"### {setting.dataset}",
        f"- classes: {', '.join(setting.classes)}",
        f"- backbone: {backbone.get('name')}, weights {backbone.get('weights')}, {frozen}, "
        f"stride {backbone.get('levels') or backbone.get('output_stride')}",
        f"- crop {setting.fidelity.get('crop')}, batch {setting.fidelity.get('batch')}, "
        f"optimiser {_words(setting.fidelity.get('optimizer', {}))}; "
        f"schedule {_words(setting.fidelity.get('schedule', {}))}",
        f"- fidelity {setting.fidelity_key}, in full in `table.json`",
        f"- measured on: {machines or 'not known'}",
    ]
    return "\n".join(lines)


def _words(part: Mapping[str, object]) -> str:
    """Write a part of a fidelity by its fields' names: a document that was read has another order than a new one."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in sorted(part.items()))


def _latency(about: About) -> str:
    if about.latency is None:
        return "Not measured."
    how = about.latency
    threads = "" if how.threads is None else f" with {counted(how.threads, 'thread')}"
    return (
        f"Head and logits for one crop, batch {how.batch}: median and quartile spread of {how.runs} runs after "
        f"{how.warmup} others, on {how.model} ({how.device}{threads})."
    )


def _left_out(about: About) -> str:
    if not about.left_out:
        return "Nothing: every head that was trained is in the table."
    return "\n".join(
        f"- {out.text} ({out.key[:12]}): {out.dataset}, seed {out.seed}: {out.reason}" for out in about.left_out
    )
