"""Panels about a search's worth: the question with what asking costs, how far its probe is, the answer as a picture."""

from __future__ import annotations

from collections.abc import Iterator

from nas.formatting import counted, duration
from nas.results.status import SearchStatus
from nas.schemas.panels import (
    AskPanel,
    BarPublic,
    BarsPanel,
    ColumnPublic,
    IntervalPublic,
    IntervalsPanel,
    LinkPublic,
    LinksPanel,
    Panel,
    TablePanel,
    TextPanel,
    ValueLinePublic,
)
from nas.schemas.worth import WorthPublic
from nas.specs import ReferenceSpec

TITLE = "Is it worth it?"


def ask_panel(probe: ReferenceSpec, cost: str | None, path: str) -> AskPanel:
    """Make the question that nobody has asked yet, with the button that asks it.

    Args:
        probe: The search that finds out.
        cost: What that costs, in words; None where it is not known.
        path: Where the question is sent.
    """
    heads = f"{len(probe.heads)} heads to iteration {probe.fidelity.iterations:,}, with {probe.seeds} seeds each"
    what = (
        f"A search of its own measures {heads}: textbook heads and random cells of the space. From them follows what "
        "the search is expected to gain over the best textbook head."
    )
    takes = (
        "What that takes is not known: nothing has been measured at a fidelity that costs the same."
        if cost is None
        else f"It takes {cost}. Nothing else is started."
    )
    return AskPanel(title=TITLE, lines=(what, takes), button="Ask whether it is worth it", path=path)


def go_on_panel(path: str, *, retry: bool) -> AskPanel:
    """Make the button by which a probe goes on that has ended without an answer.

    Args:
        path: Where the question is sent again.
        retry: Whether nothing is left of it but what failed.
    """
    line = "What it has measured stays, and the answer comes here at its end."
    return AskPanel(title="", lines=(line,), button="Try again what failed" if retry else "Go on with it", path=path)


def waiting_panels(  # noqa: PLR0917  what the panels say
    probe: str, status: SearchStatus, done: int, planned: int, message: str | None, on: AskPanel | None
) -> tuple[Panel, ...]:
    """Say how far a probe is that was started and is not completed.

    Args:
        probe: Its id.
        status: Its status.
        done: Number of its trials that are over.
        planned: Number of its trials.
        message: What its status is explained by; None where nothing needs to be.
        on: The button by which it goes on; None while it does.
    """
    because = "" if message is None else f" ({message})"
    link = LinkPublic(text=f"Asked, and not answered yet: it is {status}{because}.", link=probe, target=f"#/{probe}")
    bar = BarPublic(text="trials", value=min(1.0, done / planned), value_text=f"{done} of {planned}")
    after = TextPanel(
        lines=("The answer comes here when it is over. It goes on while this page is closed.",),
        style="muted",
        pending=True,
    )
    return LinksPanel(title=TITLE, links=(link,)), BarsPanel(title="", bars=(bar,)), after if on is None else on


def unanswered_panels(probe: str, why: str, on: AskPanel | None) -> tuple[Panel, ...]:
    """Say why a probe that is completed answers nothing.

    Args:
        probe: Its id.
        why: The reason.
        on: The button by which it goes on; None where nothing of it failed.
    """
    link = LinkPublic(text=f"Asked, and not answered: {why}.", link=probe, target=f"#/{probe}")
    return (LinksPanel(title=TITLE, links=(link,)), *(() if on is None else (on,)))


def answer_panels(found: WorthPublic, status: SearchStatus | None, *, said: bool = False) -> tuple[Panel, ...]:
    """Draw an answer: the expected gain with its interval, beside 0 and one seed deviation, and what to do now.

    Args:
        found: The answer.
        status: Of the search; None before it is started.
        said: Whether the sentence of the answer stands elsewhere already.
    """
    from nas.ranking.worth import LEVEL  # numpy: not at the service's start

    share = f"{100 * LEVEL:.0f} %"
    row = IntervalPublic(
        text="this search",
        value=found.gain,
        low=found.low,
        high=found.high,
        value_text=f"{found.gain:+.3f}, {share} interval {found.low:+.3f} to {found.high:+.3f}",
        mark="best",
    )
    deviation = ValueLinePublic(
        x=found.seed_deviation, text=f"one seed deviation, {found.seed_deviation:.3f}", mark="running"
    )
    picture = IntervalsPanel(
        title=f"Expected gain, with its {share} interval",
        x_text="mIoU above the best textbook head",
        rows=(row,),
        zero=True,
        lines=(deviation,),
    )
    figures = TablePanel(title="", columns=(ColumnPublic(text=""),) * 2, rows=tuple(worth_figures(found)))
    advice = _advice(found, status)
    link = LinkPublic(text="All figures of the heads that were measured:", link=found.probe, target=f"#/{found.probe}")
    return (
        *(() if said else (TextPanel(title=TITLE, lines=(found.sentence,)),)),
        picture,
        *(() if advice is None else (TextPanel(title="What to do", lines=(advice,)),)),
        figures,
        LinksPanel(title="", links=(link,)),
    )


def worth_figures(found: WorthPublic) -> Iterator[tuple[str, str]]:
    """Say what an answer rests on, as names and texts."""
    heads = f"{counted(found.cells, 'random cell')} and {counted(found.references, 'textbook head')}"
    yield "measured", f"{heads} to iteration {found.first}, two seeds each"
    yield "cells", f"spread {found.spread:.3f} mIoU, without noise; noise of a seed {found.first_deviation:.3f}"
    yield "seeds agree", f"{found.reliability:.2f} (correlation between two seeds at iteration {found.first})"
    yield "best textbook", f"{found.best_reference}: {found.best_reference_mean:.3f} there"
    yield "its luck", f"{found.flattery:.3f}, as the best of {found.references} noisy means"
    yield "took", f"{duration(found.device_seconds)} of device time"


def _advice(found: WorthPublic, status: SearchStatus | None) -> str | None:
    """What to do after an answer; None where the search is completed, and has its own answer."""
    if status is SearchStatus.COMPLETED:
        return None
    go, leave = _ways(status)
    match found.answer:
        case "worth it":
            return f"{go}: what it finds is likely to be more than luck."
        case "not worth it":
            return (
                f"{leave}: it would likely find no more than luck. Train {found.best_reference} instead, or give the "
                "search what textbook heads do not have: other operators, several feature levels, more widths."
            )
    return (
        f"Both may be right. {go} if its cost is small to you: a confirmation of its best measures what it gained. "
        "The answer is sharper with more iterations at the first rung, where seeds agree better."
    )


def _ways(status: SearchStatus | None) -> tuple[str, str]:
    """What goes on with the search in this status, and what does not."""
    if status is None:
        return "Start the search", "Do not start the search"
    return ("Resume the search", "Leave the search as it is") if status.terminal else ("Let it go on", "Stop it")
