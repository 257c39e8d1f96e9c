"""The tables that `segnas rank` and `segnas calibration` print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nas.cli.layout import Column, cell, print_fields, print_table
from nas.cli.output import Architectures
from nas.formatting import cost, counted, duration, interval, score

if TYPE_CHECKING:
    from nas.results.association import Interval
    from nas.results.judged import Judged
    from nas.schemas.calibrations import CalibrationPublic
    from nas.schemas.rankings import AssociationPublic, PairPublic, RankingPublic


_ASSOCIATION = (Column("n"), Column("rho"), Column("95 % interval"), Column("Cost"))

_OBSERVED = ("rho", "95 % interval")


def print_ranking(found: RankingPublic) -> None:
    """Print the correlation with its statistics, then tables of the rungs, training-free scores and pairs."""
    print_fields(_summary(found))
    if found.rungs:
        columns = (Column("Rung"), *_ASSOCIATION, Column("Note", wraps=True, drop=1))
        print_table(
            columns, [(str(rung.iteration), *_association(rung), cell(rung.reason or "")) for rung in found.rungs]
        )
    if any(proxy.n for proxy in found.training_free):
        columns = (Column("Training-free"), *_ASSOCIATION, Column("Source", wraps=True, drop=1))
        rows = [(cell(proxy.name), *_association(proxy), cell(proxy.citation)) for proxy in found.training_free]
        print_table(columns, rows)
    if found.pairs:
        _print_pairs(found.pairs, found.objective.text)


def _print_pairs(pairs: Sequence[PairPublic], objective: str) -> None:
    columns = (
        Column("Trial"),
        Column("Rank"),
        Column("Full"),
        Column(objective),
        Column("Iteration", drop=2),
        Column(f"Full {objective}"),
        Column("Seeds", drop=1),
        Column("Architecture", wraps=True),
    )
    texts = Architectures((pair.label, pair.short_label) for pair in pairs)
    rows = [
        (
            f"#{pair.trial}",
            f"{pair.proxy.rank:g}",
            f"{pair.full_scale.rank:g}",
            score(pair.proxy.score),
            str(pair.proxy.iteration),
            score(pair.full_scale.score)
            + ("" if pair.full_scale.spread is None else f" +- {pair.full_scale.spread:.4f}"),
            str(len(pair.full_scale.seeds)),
            cell(text),
        )
        for pair, text in zip(pairs, texts, strict=True)
    ]
    print_table(
        columns, rows, [f"Rank and {objective} are those in the search, Full those at full scale", *texts.notes]
    )


def _summary(found: RankingPublic) -> Iterable[tuple[str, str]]:
    yield "search", f"{found.search} against {', '.join(found.full_scale_searches)}"
    yield "compared by", f"{found.objective.text} ({found.objective.direction}d)"
    yield "sample", f"{found.n} of {counted(found.chosen, 'architecture')} measured, chosen: {found.sampling}"
    if found.spearman is None or found.interval is None:
        yield "no answer", found.reason or ""
    else:
        yield "Spearman", f"{found.spearman:.3f}, 95 % interval {_interval(found.interval)}"
    if found.bootstrap is not None:
        yield "bootstrap", f"95 % interval {_interval(found.bootstrap)}, for comparison"
    if found.p_value is not None:
        yield "p-value", f"{found.p_value.value:.2g} ({found.p_value.method})"
    if found.kendall is not None:
        yield "Kendall tau-b", f"{found.kendall:.3f}"
    if found.overlaps:
        yield "top k", ", ".join(f"{top.k}: {top.fraction:.0%} (chance {top.chance:.0%})" for top in found.overlaps)
    if found.regret is not None and found.winner_rank is not None:
        yield (
            "regret",
            f"{found.regret:.4f} {found.objective.text}; the best at full scale has rank {found.winner_rank:g} in the "
            "search",
        )
    if found.share is not None:
        yield (
            "cost",
            (
                f"{duration(found.proxy.device_seconds)} of device time against "
                f"{duration(found.full_scale.device_seconds)}: {found.share:.1%}"
            ),
        )
    for warning in found.warnings:
        yield "note", warning


def _print_recommended(found: CalibrationPublic) -> None:
    each, take = found.full_scale.device_seconds, found.recommended
    status = f"{found.status}: {found.ended} of {counted(found.planned, 'trial')} ended"
    measured = f"{found.measured} of {counted(found.spec.architectures, 'architecture')}"
    print_fields(
        (
            ("calibration", f"{found.id}  {found.name}"),
            ("status", status if found.final else f"{status} (not final)"),
            ("full scale", measured if each is None else f"{measured}, {duration(each)} of device time each"),
            ("take", "none" if take is None else f"{take.name}: fidelity: {take.use}"),
            ("why", found.verdict),
        )
    )


def print_calibration(found: CalibrationPublic) -> None:
    """Print the recommended proxy, and a table of every proxy with its correlation and cost."""
    _print_recommended(found)
    # A sequential calibration decides by the corrected rho: what is observed of it gives way first.
    judged = any(proxy.judged is not None for proxy in found.proxies)
    association = [replace(column, drop=4) if column.head in _OBSERVED else column for column in _ASSOCIATION]
    columns = (
        Column("Proxy", wraps=True),
        *(association if judged else _ASSOCIATION),
        Column("Share", drop=5),
        Column("Pareto", drop=6 if judged else 0),
        Column("Corrected", drop=1),
        Column("Known", drop=1),
        Column("Note", wraps=True, drop=3),
    )
    rows = [
        (
            cell(f"{proxy.name} (training-free)" if proxy.training_free else proxy.name),
            *_association(proxy),
            "" if proxy.share is None else f"{proxy.share:.1%}",
            "yes" if proxy.pareto else "",
            "" if proxy.judged is None else f"{proxy.judged.corrected:.2f}, {_interval(proxy.judged)}",
            "" if proxy.judged is None else proxy.judged.state,
            cell(proxy.reason or ""),
        )
        for proxy in found.proxies
    ]
    print_table(columns, rows)


def _association(found: AssociationPublic) -> tuple[str, str, str, str]:
    return (
        str(found.n),
        "" if found.spearman is None else f"{found.spearman:.3f}",
        "" if found.interval is None else _interval(found.interval),
        cost(found.device_seconds),
    )


def _interval(found: Interval | Judged) -> str:
    return interval(found.low, found.high)
