"""The answer of a confirmation on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

    from nas.schemas.confirmations import ConfirmationPublic, ConfirmedPublic, GainPublic


def print_confirmation(found: ConfirmationPublic) -> None:
    """Print the verdict, and a table of the confirmed architectures and the reference heads."""
    from nas.cli.layout import Column, print_table, print_wrapped
    from nas.cli.output import Architectures
    from nas.formatting import compared_text

    images = "kept back from the search" if found.kept_back else "that the search measured on, too"
    print_wrapped(found.sentence)
    print_wrapped(compared_text(found.objective.text, found.objective.direction))
    print_wrapped(f"Scores are of validation images {images}.")
    columns: tuple[Column, ...] = (
        Column("Trial"),
        Column(found.objective.text),
        Column("Spread"),
        Column("Seeds", drop=1),
        Column("MAdds", drop=2),
        Column("Best minus it"),
        Column("Architecture", wraps=True),
    )
    gains = {gain.architecture_key: gain for gain in found.gains}
    several = any(len(row.rates) > 1 for row in found.rows)
    if several:
        columns = (*columns[:-1], Column("Rate"), columns[-1])
    texts = Architectures((row.text, row.short_text) for row in found.rows)
    rows = [
        _cells(row, found.winner, gains.get(row.architecture_key), text, several)
        for row, text in zip(found.rows, texts, strict=True)
    ]
    notes = ["Rate: the learning rate, of a reference head its best one"] * several
    print_table(
        columns, rows, [f"#: the trial of {found.search}; *: the best of those that it found", *notes, *texts.notes]
    )


def _cells(
    row: ConfirmedPublic, winner: str | None, gain: GainPublic | None, text: str, several: bool
) -> tuple[Text | str, ...]:
    from nas.cli.layout import cell
    from nas.formatting import score

    return (
        "" if row.trial is None else f"#{row.trial}{' *' if row.architecture_key == winner else ''}",
        score(row.mean),
        score(row.spread),
        str(len(row.scores)),
        "" if row.multiply_adds is None else f"{row.multiply_adds / 1e6:,.1f} M",
        "" if gain is None else f"{gain.mean:+.3f} ± {gain.error:.3f}",
        *([f"{row.learning_rate:g}"] * several),
        cell(text),
    )
