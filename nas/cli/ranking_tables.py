"""The tables that `segnas rank` and `segnas calibration` print."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nas.cli.output import cell, console, new_table
from nas.escaping import one_line
from nas.formatting import cost, duration, interval, score

if TYPE_CHECKING:
    from nas.results.association import Interval
    from nas.schemas.calibrations import CalibrationPublic
    from nas.schemas.rankings import AssociationPublic, RankingPublic


def print_ranking(found: RankingPublic) -> None:
    """Print the correlation with its statistics, then tables of the rungs, training-free scores and pairs."""
    terminal = console()
    for name, line in _summary(found):
        print(f"{name:>13}  {one_line(line)}")
    if found.rungs:
        rungs = new_table("Rung", "n", "rho", "95 % interval", "Cost", "Note")
        for rung in found.rungs:
            rungs.add_row(str(rung.iteration), *_association(rung), cell(rung.reason or ""))
        terminal.print(rungs)
    if any(proxy.n for proxy in found.training_free):
        free = new_table("Training-free", "n", "rho", "95 % interval", "Cost", "Source")
        for proxy in found.training_free:
            free.add_row(cell(proxy.name), *_association(proxy), cell(proxy.citation))
        terminal.print(free)
    if found.pairs:
        pairs = new_table(
            "Trial", "Proxy rank", "Full rank", "Proxy mIoU", "Iteration", "Full mIoU", "Seeds", "Architecture"
        )
        for pair in found.pairs:
            spread = "" if pair.full_scale.spread is None else f" +- {pair.full_scale.spread:.4f}"
            pairs.add_row(
                f"#{pair.trial}",
                f"{pair.proxy.rank:g}",
                f"{pair.full_scale.rank:g}",
                score(pair.proxy.score),
                str(pair.proxy.iteration),
                score(pair.full_scale.score) + spread,
                str(len(pair.full_scale.seeds)),
                cell(pair.label),
            )
        terminal.print(pairs)


def _summary(found: RankingPublic) -> Iterable[tuple[str, str]]:
    yield "search", f"{found.search} against {', '.join(found.full_scale_searches)}"
    yield "sample", f"{found.n} of {found.chosen} architectures measured, chosen: {found.sampling}"
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
        yield "regret", f"{found.regret:.4f} mIoU; the best at full scale has rank {found.winner_rank:g} in the search"
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


def print_calibration(found: CalibrationPublic) -> None:
    """Print the recommended proxy, and a table of every proxy with its correlation and cost."""
    print(f"{'calibration':>11}  {one_line(f'{found.id}  {found.name}')}")
    print(
        f"{'status':>11}  {found.status}: {found.ended} of {found.planned} trials ended"
        + ("" if found.final else " (not final)")
    )
    print(f"{'full scale':>11}  {found.measured} of {found.spec.architectures} architectures", end="")
    each = found.full_scale.device_seconds
    print("" if each is None else f", {duration(each)} of device time each")
    print(
        f"{'take':>11}  "
        + one_line(
            "none" if found.recommended is None else f"{found.recommended.name}: fidelity: {found.recommended.use}"
        )
    )
    print(f"{'why':>11}  {one_line(found.verdict)}")
    proxies = new_table("Proxy", "n", "rho", "95 % interval", "Cost", "Share", "Pareto", "Note")
    for proxy in found.proxies:
        proxies.add_row(
            cell(f"{proxy.name} (training-free)" if proxy.training_free else proxy.name),
            *_association(proxy),
            "" if proxy.share is None else f"{proxy.share:.1%}",
            "yes" if proxy.pareto else "",
            cell(proxy.reason or ""),
        )
    console().print(proxies)


def _association(found: AssociationPublic) -> tuple[str, str, str, str]:
    return (
        str(found.n),
        "" if found.spearman is None else f"{found.spearman:.3f}",
        "" if found.interval is None else _interval(found.interval),
        cost(found.device_seconds),
    )


def _interval(found: Interval) -> str:
    return interval(found.low, found.high)
