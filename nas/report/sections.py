"""What a report says of a search, section by section, as panels and drawings; read from the store."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nas.comparison.panels import curve_panels
from nas.comparison.searches import ComparedSearch, compared_searches
from nas.drawing.auto_deeplab import draw_auto_deeplab
from nas.drawing.draw import draw_architecture
from nas.drawing.drawing import Drawing
from nas.drawing.setting import Setting
from nas.formatting import counted, duration, elapsed, milliseconds, score
from nas.kinds.full_scale import evaluations_of, newest_alike
from nas.kinds.in_words import measured_again, trial_name, trial_worth
from nas.kinds.registry import kind_of
from nas.panels.trial import trial_panels
from nas.report.pictures import Gallery, gallery
from nas.report.summary import in_short, unmeasured_order
from nas.report.words import words_in
from nas.results.measurement import Measurement
from nas.results.standing import placed_text
from nas.schemas.panels import ColumnPublic, Panel, TablePanel, TextPanel
from nas.store import SearchRecord, Store, StoreError, TrialRecord
from nas.yaml_text import dump_yaml

if TYPE_CHECKING:
    from search_spaces.environment import Environment

ROWS = 25
"""Trials of the leaderboard that are shown."""

LINE = 100
"""Characters of a line of JSON to be saved as a file."""

ClassNames = Callable[[str, Sequence[Measurement]], tuple[str, ...]]
"""Names the classes of a data set that is measured by a learning curve; none where they are not known."""

Making = Callable[[str, Callable[[], tuple[Panel, ...]]], tuple[Panel, ...]]
"""Gives the panels of a name, which what is passed too can make; a service has most of them already."""


def made_now(name: str, make: Callable[[], tuple[Panel, ...]]) -> tuple[Panel, ...]:  # noqa: ARG001  a `Making`
    """Make panels anew, whatever their name is."""
    return make()


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a report.

    Attributes:
        title: Its heading.
        panels: Charts, tables and texts.
        drawing: A drawing of an architecture, which comes first; None without one.
        file: A text to be saved as a file, with the file's name before it; None without one.
        gallery: Predictions on validation images; None without any.
    """

    title: str
    panels: tuple[Panel, ...] = ()
    drawing: Drawing | None = None
    file: tuple[str, str] | None = None
    gallery: Gallery | None = None


def sections(search: SearchRecord, store: Store, class_names: ClassNames, making: Making = made_now) -> list[Section]:
    """Make the sections of a search's report from what is recorded so far; empty ones are left out.

    Args:
        search: The search, of any kind.
        store: Holds its results.
        class_names: Names the classes that the best trial was measured on.
        making: Gives the panels that take long to make.
    """
    kind = kind_of(search.spec)
    (found,) = compared_searches([search], store)
    best = found.best
    curve = store.curve(search.id, best.number) if best is not None else []
    environment = curve[-1].environment if curve else None
    made = [
        Section("In short", in_short(found, store)),
        Section("Answer", _drawn_here(kind.panels(search, store))),
        *(_winner(found, curve, class_names, store) if best is not None and kind.best_is_answer else ()),
        *(_predictions(search, best, store) if best is not None and kind.best_is_answer else ()),
        *(_snapshot(found) if found.snapshot is not None else ()),
        Section("How the best score rose", (curve_panels([found]),) if found.steps and kind.best_is_answer else ()),
        Section("Can the scores be trusted?", _ranking(search, store)),
        Section("Leaderboard", _leaderboard(search, store, found.trials) if kind.best_is_answer else ()),
        Section("How its trials went", _analysis(search, store, making)),
        Section("What it cost", (_costs(found),)),
        Section("What it was measured with", (_provenance(search, environment),)),
        _repeat(search, environment),
    ]
    said = [section for section in made if section.panels or section.drawing or section.file or section.gallery]
    texts = (kind.method(search.spec), kind.question(search.spec), *(section.title for section in said))
    words = words_in(texts, (panel for section in said for panel in section.panels))
    return [*said, Section("What the words mean", (facts(list(words)),))]


def _winner(
    found: ComparedSearch, curve: Sequence[Measurement], class_names: ClassNames, store: Store
) -> Iterator[Section]:
    search, best, objective = found.search, found.best, found.objective
    assert best is not None, search.id
    fidelity = search.spec.fidelity_of(best.fidelity_key)
    name, worth = trial_name(search, best.number), trial_worth(search, best, found.confirmed)
    text = TextPanel(lines=(f"{name.capitalize()}: {worth} at iteration {best.iteration:,}.", best.text))
    setting = Setting.of(fidelity, kind_of(search.spec).levels(search.spec, store))
    yield Section("Best architecture", (text,), draw_architecture(best.architecture, setting))
    names = class_names(fidelity.dataset, curve)
    yield Section("Its measurement", trial_panels(search.id, best, fidelity, curve, names, objective=objective))


def _predictions(search: SearchRecord, best: TrialRecord, store: Store) -> Iterator[Section]:
    """What the best trial predicts, if that is kept; a report without pictures is a report all the same."""
    with contextlib.suppress(StoreError):
        found = store.predictions(search.id, best.number)
        if found is not None and found.maps:
            name = trial_name(search, best.number).capitalize()
            text = f"{name}, at iteration {found.iteration:,}: image, label map, prediction."
            yield Section("What it predicts", (TextPanel(lines=(text,)),), gallery=gallery(found))


def _snapshot(found: ComparedSearch) -> Iterator[Section]:
    assert found.snapshot is not None, found.search.id
    run, snapshot = found.snapshot.run, found.snapshot.snapshot
    supernet = score(snapshot.supernet_miou)
    text = TextPanel(
        lines=(f"Run {run}, epoch {snapshot.epoch}: supernet {supernet} mIoU. The decoded network was not measured.",)
    )
    yield Section("Best architecture", (text,), draw_auto_deeplab(snapshot.architecture, snapshot.beta))


def _ranking(search: SearchRecord, store: Store) -> tuple[Panel, ...]:
    """The ranking by all full-scale evaluations at the newest one's fidelity, or that there is none."""
    if kind_of(search.spec).unranked(search) is not None or store.best_trial(search.id) is None:
        return ()
    evaluations = evaluations_of(search.id, store)
    if not evaluations:
        return (unmeasured_order(search),)
    from nas.panels.ranking import ranking_panels  # numpy and scipy: not at the service's start
    from nas.ranking.from_store import search_ranking

    result, _ = search_ranking(search, newest_alike(evaluations), store)
    return ranking_panels(result)


def _leaderboard(search: SearchRecord, store: Store, total: int) -> tuple[Panel, ...]:
    trials = [trial for trial in store.list_trials(search.id, "-score", limit=ROWS).items if trial.standing is not None]
    if not trials:
        return ()
    own = search.spec.goals.text
    facts = [(head, fact) for head, fact in _TRIAL if any(fact(trial) for trial in trials)]
    if own != "mIoU":
        facts.insert(1, (own, lambda trial: score(trial.value)))
    if search.parent is not None and any(measured_again(search, trial.number) for trial in trials):
        facts.insert(1, (f"Of {search.parent}", lambda trial: _again(search, trial)))
    columns = (ColumnPublic(text=head, numeric=head not in _WORDS) for head in ("Rank", *(head for head, _ in facts)))
    rows = tuple((str(rank), *(fact(trial) for _, fact in facts)) for rank, trial in enumerate(trials, 1))
    title = f"The first {len(trials)} of {total}" if total > len(trials) else "All trials"
    return (TablePanel(title=title, columns=tuple(columns), rows=rows),)


def _again(search: SearchRecord, trial: TrialRecord) -> str:
    again = measured_again(search, trial.number)
    return "" if again is None else f"#{again.number}"


def _analysis(search: SearchRecord, store: Store, making: Making) -> tuple[Panel, ...]:
    """The panels about all trials."""
    slow = kind_of(search.spec).slow_panels(search, store)
    return _drawn_here([panel for name, make in slow.items() for panel in making(name, make)])


def _drawn_here(panels: Iterable[Panel]) -> tuple[Panel, ...]:
    """Leave out what only a page can show: charts to be operated, drawings and pictures that stand at a service."""
    return tuple(panel for panel in panels if panel.type not in ("choices", "drawing", "pictures"))


_WORDS = ("Status", "Place", "Architecture")
"""Columns of the leaderboard that have no numbers."""

_TRIAL: tuple[tuple[str, Callable[[TrialRecord], str]], ...] = (
    ("Trial", lambda trial: f"#{trial.number}"),
    ("mIoU", lambda trial: score(trial.score)),
    ("Iteration", lambda trial: "" if trial.iteration is None else f"{trial.iteration:,}"),
    ("Status", lambda trial: str(trial.status)),
    ("Place", lambda trial: placed_text(trial.iteration, trial.standing)),
    ("Parameters", lambda trial: "" if trial.parameters is None else f"{trial.parameters:,}"),
    ("Multiply-adds", lambda trial: "" if trial.multiply_adds is None else f"{trial.multiply_adds / 1e6:,.1f} M"),
    ("Latency", lambda trial: "" if trial.latency is None else milliseconds(trial.latency["median_ms"])),
    ("Device time", lambda trial: duration(trial.device_seconds)),
    ("Seed", lambda trial: str(trial.seed)),
    ("Architecture", lambda trial: trial.text),
)
"""The columns of the leaderboard; one whose cells are all empty is left out."""


def facts(rows: Sequence[tuple[str, str | None]]) -> TablePanel:
    """Make a table of names and values without a heading; a row without a value is left out."""
    return TablePanel(
        title="",
        columns=(ColumnPublic(text=""), ColumnPublic(text="")),
        rows=tuple((name, value) for name, value in rows if value),
    )


def _costs(found: ComparedSearch) -> TablePanel:
    search, cost = found.search, found.overview.cost
    counts = ", ".join(f"{count} {status}" for status, count in found.overview.trials.items() if count)
    expected = (search.forecast or {}).get("device_seconds")
    return facts(
        [
            ("device time", duration(cost.device_seconds)),
            ("forecast before it began", duration(expected)),
            ("trials", f"{found.trials:,} of {search.planned:,}" + (f": {counts}" if counts else "")),
            ("trials that ran", f"{cost.measured:,}"),
            ("trials taken over from other searches", f"{cost.adopted:,}" if cost.adopted else None),
            ("of this, differentiable runs", duration(found.run_seconds) if found.run_seconds else None),
            ("from start to end", _took(search)),
            ("drivers", str(search.attempt) if search.attempt > 1 else None),
        ]
    )


def _took(search: SearchRecord) -> str | None:
    if search.started_at is None or search.finished_at is None:
        return None
    return elapsed(search.finished_at - search.started_at)


def _provenance(search: SearchRecord, environment: Environment | None) -> TablePanel:
    software = {**(search.software or {}), **(environment.software if environment else {})}
    threads = (
        "" if environment is None or environment.threads is None else f", {counted(environment.threads, 'thread')}"
    )
    return facts(
        [
            ("data sets", ", ".join(dict.fromkeys(search.spec.datasets.values()))),
            ("first seed", str(search.spec.seed)),
            ("software", ", ".join(f"{name} {version}" for name, version in software.items())),
            ("best trial measured on", f"{environment.model}{threads}" if environment else None),
            ("content hash of data and weights", environment.inputs if environment else None),
            ("spec key", search.spec.key),
        ]
    )


def _repeat(search: SearchRecord, environment: Environment | None) -> Section:
    repeat = kind_of(search.spec).repeat(search.spec)
    names = dict.fromkeys(search.spec.datasets.values())
    version = (environment.software if environment else search.software or {}).get("segnas")
    lines = (
        *((f"# with Segnas {version}",) if version else ()),
        *(f"segnas data add {name} FOLDER    # the folder of the data set {name}" for name in names),
        "segnas serve &",
        repeat.command,
    )
    commands = TextPanel(lines=lines, style="code")
    first = {name: repeat.content[name] for name in ("kind", "name") if name in repeat.content}
    return Section(
        "How to repeat it", (commands,), file=(repeat.file, _written(repeat.file, {**first, **repeat.content}))
    )


def _written(file: str, content: Mapping[str, Any]) -> str:
    return _json_text(content) + "\n" if file.endswith(".json") else dump_yaml(content)


def _json_text(value: Any, indent: str = "") -> str:
    """Write JSON with a line for each entry, but what fits on a line on one."""
    line = json.dumps(value)
    if not isinstance(value, Mapping | list) or len(indent) + len(line) <= LINE:
        return line
    deeper = f"{indent}  "
    if isinstance(value, Mapping):
        entries = [f"{json.dumps(name)}: {_json_text(inner, deeper)}" for name, inner in value.items()]
    else:
        entries = [_json_text(inner, deeper) for inner in value]
    first, last = line[0], line[-1]
    return f"{first}\n{deeper}" + f",\n{deeper}".join(entries) + f"\n{indent}{last}"
