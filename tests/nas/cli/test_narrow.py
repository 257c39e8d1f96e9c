"""Every table on a terminal of 80 columns: no line is longer, and no row is broken over more lines than can be read."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

import pytest

from nas.cli.confirmation_table import print_confirmation
from nas.cli.layout import Column, print_table
from nas.cli.output import print_heads, print_search, print_searches, print_snapshots, print_trials
from nas.cli.ranking_tables import print_calibration, print_ranking
from nas.cli.reports import print_comparison
from nas.client import Client
from nas.schemas.trials import TrialPublic
from search_spaces import PUBLISHED_CELL, Architecture, architecture_text
from search_spaces.auto_deeplab.space import sample as sample_network
from search_spaces.dense_cell.space import sample
from search_spaces.text import short_legend, short_text
from tests.api.conftest import every_kind  # noqa: F401  a fixture

Printed = Callable[..., list[str]]


@pytest.fixture
def printed(capsys, monkeypatch) -> Printed:
    """Print on a terminal of some columns, and return the lines."""

    def call(show: Callable[..., object], *arguments: object, columns: int = 80) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        show(*arguments)
        lines = capsys.readouterr().out.rstrip("\n").split("\n")
        assert max(map(len, lines)) <= columns, "\n".join(lines)
        return [line.rstrip() for line in lines]

    return call


@pytest.fixture
def client(service):
    with Client(service.url) as client:
        yield client


def rows(lines: list[str], head: str) -> list[list[str]]:
    """The rows of the table whose heading begins with `head`, each with its lines."""
    start = next(index for index, line in enumerate(lines) if line.startswith(head))
    found: list[list[str]] = []
    for line in lines[start + 1 :]:
        if line.startswith(("Architecture:", "Path:", "Rank and", "not shown")):
            break
        if line.startswith(" "):
            found[-1].append(line)
        else:
            found.append([line])
    return found


def trials_like(
    client, search_id: str, architectures: Iterable[Architecture], **changes: object
) -> Iterator[TrialPublic]:
    first = next(iter(client.trials(search_id)))
    for number, architecture in enumerate(architectures):
        texts = {"text": architecture_text(architecture), "short_text": short_text(architecture)}
        yield first.model_copy(update={"number": 9990 + number, **texts, **changes})


def test_trials_with_a_cell_of_five_branches_take_one_line_each(client, every_kind, printed):  # noqa: F811
    cells = [sample(5, random.Random(seed)) for seed in range(40)]
    long = {"score": 0.4321, "iteration": 30_000, "seconds": 5400.0, "device_seconds": 5400.0}
    lines = printed(print_trials, trials_like(client, every_kind["black_box"], cells, **long))
    found = rows(lines, "Trial")
    assert [row[0].split()[0] for row in found] == [f"#{number}" for number in range(9990, 10_030)]
    assert max(map(len, found)) <= 2
    assert sum(map(len, found)) <= 44  # nearly all of them on one line
    assert "p4x2 a pyramid pooling" in " ".join(lines)


def test_trials_with_an_attempt_and_a_reason(client, every_kind, printed):  # noqa: F811
    cells = [sample(5, random.Random(seed)) for seed in range(3)]
    changes = {"attempt": 3, "reason": "its process died 3 times, the last time because its node was low on memory"}
    lines = printed(print_trials, trials_like(client, every_kind["black_box"], cells, **changes))
    assert max(len(row) for row in rows(lines, "Trial")) <= 4
    assert " 3 " in lines[1]


def test_trials_of_networks_take_two_lines_each(client, every_kind, printed):  # noqa: F811
    networks = [sample_network(5, 12, random.Random(seed)) for seed in range(20)]
    lines = printed(print_trials, trials_like(client, every_kind["auto_deeplab"], networks))
    assert max(map(len, rows(lines, "Trial"))) <= 3


def test_a_wide_terminal_shows_the_long_text(client, every_kind, printed):  # noqa: F811
    lines = printed(print_trials, client.trials(every_kind["black_box"]), columns=160)
    text = next(iter(client.trials(every_kind["black_box"]))).text
    assert text in lines[1]
    assert not any(line.startswith("Architecture:") for line in lines)


def test_searches(client, every_kind, printed):  # noqa: F811
    listed = [
        search.model_copy(update={"name": "extended cells on the camera above the door", "planned": 28_000})
        for search in client.searches()
    ]
    found = rows(printed(print_searches, listed), "ID")
    assert len(found) == len(every_kind)
    assert max(map(len, found)) <= 2


def test_one_search(client, every_kind, printed):  # noqa: F811
    for search_id in every_kind.values():
        lines = printed(print_search, client.search(search_id))
        indent = lines[0].index(search_id)
        end = lines.index("") if "" in lines else len(lines)  # a table of variants follows
        names = {line[:indent].strip() for line in lines[:end]}
        assert {"search", "status", "trials", "cost"} <= names
        assert all(line[indent - 2 : indent] == "  " for line in lines[:end]), "what is broken stays below its text"
        assert not set('{}[]"') & set("".join(lines)), "words, not JSON"


def test_the_proxies_of_a_calibration(client, every_kind, printed):  # noqa: F811
    lines = printed(print_search, client.search(every_kind["calibration"]))
    assert "proxies  2, all with dataset scenes" in map(str.strip, lines)
    table = lines[lines.index("") + 1 :]
    assert [line.split() for line in table] == [
        ["Proxies", "Settings"],
        ["long", "rungs", "100,", "200"],
        ["short", "rungs", "100"],
    ]


def test_a_ranking(client, every_kind, printed):  # noqa: F811
    found = client.ranking(every_kind["black_box"])
    pairs = [
        pair.model_copy(
            update={"full_scale": pair.full_scale.model_copy(update={"spread": 0.0123, "seeds": (0, 1, 2)})}
        )
        for pair in found.pairs
    ]
    lines = printed(print_ranking, found.model_copy(update={"pairs": tuple(pairs)}))
    assert max(map(len, rows(lines, "Trial"))) <= 2
    assert any("Spearman" in line for line in lines)


def test_a_calibration(client, every_kind, printed):  # noqa: F811
    lines = printed(print_calibration, client.calibration(every_kind["calibration"]))
    assert max(map(len, rows(lines, "Proxy"))) == 1


def between(lines: list[str], head: str, note: str) -> int:
    """The number of lines between the heading that has a word, and the note that begins so."""
    start = next(index for index, line in enumerate(lines) if head in line)
    return next(index for index, line in enumerate(lines) if line.startswith(note)) - start - 1


def test_a_comparison(client, every_kind, printed):  # noqa: F811
    found = client.compare([every_kind["black_box"], every_kind["auto_deeplab"]])
    assert between(printed(print_comparison, found), "Best", "Architecture:") <= 4, "two winners"


def test_a_confirmation(client, every_kind, printed):  # noqa: F811
    child = client.confirm(every_kind["black_box"], {"seeds": 2})
    found = client.confirmation(child.id)
    assert between(printed(print_confirmation, found), "mIoU", "#:") <= 1.25 * len(found.rows)


def test_heads(client, every_kind, printed):  # noqa: F811
    listed = [
        row.model_copy(update={"parameters": 1_234_567, "multiply_adds": 3_210_000_000, "device_seconds": 5400.0})
        for row in client.heads(every_kind["reference"])
    ]
    lines = printed(print_heads, listed)
    assert max(map(len, rows(lines, "Head"))) <= 2
    assert lines[-1].startswith("not shown at this width: ")
    wide = printed(print_heads, listed, columns=200)
    assert "1.2 M" in wide[1]
    assert "3.2 G" in wide[1]
    assert not wide[-1].startswith("not shown")


def test_snapshots(client, every_kind, printed):  # noqa: F811
    network = sample_network(5, 12, random.Random(0))
    listed = [
        snapshot.model_copy(update={"path": network.path, "device_seconds": 54_000.0})
        for snapshot in client.snapshots(every_kind["auto_deeplab"])
    ]
    lines = printed(print_snapshots, listed)
    assert max(map(len, rows(lines, "Run"))) == 1
    assert "".join(map(str, network.path)) in lines[1]


def test_published_scores(segnas, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = segnas("published")
    assert code == 0
    lines = out.splitlines()
    assert max(map(len, (line for line in lines if "http" not in line))) <= 80
    table = [line for line in lines if line[:1].isdigit() or line.startswith(" " * 14)]
    lengths = [len(row) for row in rows(["mIoU", *table], "mIoU")]
    assert max(lengths) <= 4
    assert sum(lengths) / len(lengths) < 2.5


def test_what_does_not_fit_is_named(printed):
    columns = (Column("A"), Column("B", drop=1), Column("C", drop=2), Column("D", drop=3))
    lines = printed(print_table, columns, [("a" * 30, "b" * 30, "c" * 30, "")])
    assert lines[0].split() == ["A", "B"]
    assert lines[2] == "not shown at this width: C; --json has them"


@pytest.mark.parametrize(("seed", "branches"), [(0, 1), (1, 5), (2, 10)])
def test_the_short_text_of_a_cell_tells_cells_apart(seed, branches):
    cells = {cell.key: cell for cell in (sample(branches, random.Random(1000 * seed + n)) for n in range(500))}
    by_text = {architecture_text(cell): short_text(cell) for cell in cells.values()}
    assert len(set(by_text.values())) == len(by_text)


def test_the_published_cell_needs_no_legend():
    text = architecture_text(PUBLISHED_CELL)
    assert short_text(PUBLISHED_CELL) == text
    assert short_legend(text, text) is None


@pytest.mark.parametrize("columns", ["0", "-5", "abc", ""])
def test_a_width_that_is_none_is_not_believed(columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    print_table([Column("Name", wraps=True)], [("x" * 150,)])
    assert capsys.readouterr().out.splitlines()[-1] == "x" * 150
