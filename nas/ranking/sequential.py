"""A calibration that stops when it knows: which proxies order as full scale does, decided as architectures come in.

Every architecture of a calibration has scores of the proxies. Those that are measured at full scale, too, are chosen by
these scores: spread evenly over the order by the costliest proxy, they say more than as many at random. What is known
of the proxies' rho is a distribution (`nas.ranking.rho`), and what decides is the probability of being right.

Source:
    Kim and Nelson, Selecting the Best System, Handbooks in Operations Research 13, 2006: the indifference zone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nas.ranking.correlation import Floats, spearman
from nas.ranking.report import LEAST_PAIRS
from nas.ranking.rho import draw_rho
from nas.results.judged import Judged, State


@dataclass(frozen=True)
class Rule:
    """When a calibration looks, and when it is sure.

    Attributes:
        wanted: The rho that a proxy must have.
        most: Most architectures with a full-scale score.
        first: Architectures with a full-scale score at the first look.
        step: How many more there are at each further look.
        cheap: Architectures with scores of the proxies for each one with a full-scale score.
        sure: Probability from which on it is known which proxy to take, or that one is above or below.
        within: How near to `wanted` a rho makes no difference: a proxy that near may be taken or not.
    """

    wanted: float = 0.8
    most: int = 12
    first: int = 6
    step: int = 2
    cheap: int = 4
    sure: float = 0.95
    within: float = 0.05

    def looks(self) -> list[int]:
        """Number of architectures with a full-scale score at each look, ascending; the last one is `most`."""
        return [*range(self.first, self.most, self.step), self.most]


@dataclass(frozen=True)
class Course:
    """Where a sequential calibration stands.

    Attributes:
        judged: The proxies that have been judged, the cheapest first.
        recommended: The proxy to take, None for no proxy: at the end the choice that is most probably right, before
            it the cheapest proxy that is above, which may change.
        over: Whether nothing more is to be measured.
        wanted: The proxies to measure until the next look; none when it is over.
        looks: Number of looks that have been taken.
        full: Architectures with a full-scale score that the next look waits for; at the end those of the last look.
        chosen: Places of the architectures to measure at full scale, in the order in which they were chosen. Those of
            the next look are among them once the proxies' scores that it waits for are there.
        right: At the end the probability that `recommended` is right: a proxy's rho is at least the wanted one and that
            of each cheaper one is less, or for no proxy that of all is less, within `Rule.within`. None before the end,
            and where nothing could be judged.
    """

    judged: Mapping[str, Judged]
    recommended: str | None
    over: bool
    wanted: tuple[str, ...]
    looks: int
    full: int
    chosen: tuple[int, ...] = ()
    right: float | None = None


def follow(
    order: Sequence[str], cheap: Mapping[str, Floats], full: Callable[[Sequence[int]], Floats], rule: Rule
) -> Course:
    """Take every look for which there are scores. The same scores give the same looks, so nothing is remembered.

    It ends when the choice that is most probably right is so with the probability `Rule.sure`, or nothing is open.
    Until then a proxy that is above or below is not measured any more, and neither are those that cost more than one
    that is above. The cheapest one that is above goes on while cheaper ones are open: it tells most about them.

    Args:
        order: All proxies, the cheapest first.
        cheap: Of each proxy the scores of the leading architectures whose trials have ended, (architectures,); NaN for
            a trial that failed.
        full: Called with places of architectures, gives the full-scale scores of the leading ones of these whose trials
            have all ended, (architectures, seeds); NaN likewise.
        rule: When to look, and when to be sure.
    """
    judged: dict[str, Judged] = {}
    wanted, looks, choice = tuple(order), rule.looks(), _Choice(None, None)
    chosen: list[int] = []
    for number, count in enumerate(looks):
        width = count * rule.cheap
        if any(len(cheap[name]) < width for name in wanted):
            return Course(judged, _above(judged), False, wanted, number, count, tuple(chosen))
        of = {name: cheap[name][:width] for name in wanted}
        chosen += spread_out(_costliest(of), chosen, count - len(chosen))
        scores = full(chosen)
        if len(scores) < count:
            return Course(judged, _above(judged), False, wanted, number, count, tuple(chosen))
        found, drawn = _look(of, chosen, scores, rule, number)
        known = {name: of for name, of in judged.items() if of.state != "open"}
        judged = {name: {**judged, **found, **known}[name] for name in order if name in judged or name in found}
        choice = _choose(drawn, rule)
        if choice.right is not None and choice.right >= rule.sure:
            _settle(choice.name, judged)
            break
        wanted = _go_on(order, judged)
        if not wanted:
            break
    return Course(judged, choice.name, True, (), number + 1, count, tuple(chosen), choice.right)


def _costliest(cheap: Mapping[str, Floats]) -> Floats:
    """Return the scores of the costliest proxy of which at least half of the trials have a score."""
    usable = [own for own in cheap.values() if 2 * np.isfinite(own).sum() > len(own)]
    return usable[-1] if usable else next(iter(cheap.values()))


def spread_out(scores: Floats, chosen: Sequence[int], more: int) -> list[int]:
    """Choose more architectures, so that all that are chosen are spread evenly over the order of their scores.

    Without any before, the middle ones of equal groups; then one by one into the widest gap. Architectures without a
    score are chosen last.

    Args:
        scores: Of all architectures, (architectures,); NaN for none.
        chosen: Places of those that were chosen before.
        more: How many more, at most as many as there are.
    """
    order = [int(place) for place in np.argsort(scores, kind="stable")]
    usable = int(np.isfinite(scores).sum())
    order, rest = order[:usable], order[usable:]
    first = [] if chosen else [order[(2 * group + 1) * usable // (2 * more)] for group in range(min(more, usable))]
    found = list(dict.fromkeys(first))
    while len(found) < more:
        taken = {*chosen, *found}
        ranks = [rank for rank, place in enumerate(order) if place in taken]
        free = [rank for rank, place in enumerate(order) if place not in taken]
        if not free:
            return [*found, *[place for place in rest if place not in taken][: more - len(found)]]
        target = _widest_gap(ranks, usable)
        found.append(order[min(free, key=lambda rank: abs(rank - target))])
    return found


def _widest_gap(ranks: Sequence[int], count: int) -> float:
    """Say where one more fits best between these ranks of `count`; before the first one half a gap is right."""
    if not ranks:
        return (count - 1) / 2
    gaps = [
        (2 * (ranks[0] + 0.5), (ranks[0] - 1) / 3),
        (2 * (count - 0.5 - ranks[-1]), ranks[-1] + (count - ranks[-1]) * 2 / 3),
    ]
    gaps += [(after - before, (before + after) / 2) for before, after in pairwise(ranks)]
    return max(gaps)[1]


class _Choice(NamedTuple):
    """A proxy to take, or none, and the probability that this is right."""

    name: str | None
    right: float | None


def _choose(drawn: Mapping[str, Floats], rule: Rule) -> _Choice:
    """Choose what is most probably right, the cheaper of two that are equally so.

    Args:
        drawn: Draws of the rho of each proxy that may be taken, (draws,), the cheapest first.
        rule: Says which rho is wanted, and how near to it makes no difference.
    """
    if not drawn:
        return _Choice(None, None)
    cheaper_are_not = np.ones(len(next(iter(drawn.values()))), dtype=bool)
    right: dict[str | None, float] = {}
    for name, rho in drawn.items():
        right[name] = float(np.mean(cheaper_are_not & (rho >= rule.wanted - rule.within)))
        cheaper_are_not &= rho < rule.wanted + rule.within
    right[None] = float(cheaper_are_not.mean())
    best = max(right, key=lambda name: right[name])
    return _Choice(best, right[best])


def _settle(chosen: str | None, judged: dict[str, Judged]) -> None:
    """Close what is open, now that it is known which proxy to take: the order of `judged` is that of cost."""
    cheaper = True
    for name, of in judged.items():
        if name == chosen:
            judged[name], cheaper = replace(of, state="above"), False
        elif cheaper:
            judged[name] = replace(of, state="below")
        elif of.state == "open":
            judged[name] = replace(of, state="not needed")


def _go_on(order: Sequence[str], judged: dict[str, Judged]) -> tuple[str, ...]:
    """Close the proxies that are not needed any more, and return those to go on with."""
    above = _above(judged)
    cheaper = order if above is None else order[: order.index(above)]
    for name, of in judged.items():
        if name not in cheaper and of.state == "open":
            judged[name] = replace(of, state="not needed")
    left = tuple(name for name in cheaper if name not in judged or judged[name].state == "open")
    return (*left, above) if left and above is not None else left


def _above(judged: Mapping[str, Judged]) -> str | None:
    return next((name for name, of in judged.items() if of.state == "above"), None)


def _look(
    cheap: Mapping[str, Floats], chosen: Sequence[int], full: Floats, rule: Rule, seed: int
) -> tuple[dict[str, Judged], dict[str, Floats]]:
    """Judge each proxy of `cheap`, and draw its rho.

    Those of which half of the trials failed are left out, and those whose scores at the architectures with a full-scale
    score are all equal: they have no rho. None is judged where too few architectures have all scores, or the full-scale
    scores are equal.
    """
    at_full = np.full((len(next(iter(cheap.values()))), full.shape[1]), np.nan)
    at_full[list(chosen)] = full
    at_full[~np.isfinite(at_full).all(axis=1)] = np.nan
    cheap = _with_rho(cheap, measured=np.isfinite(at_full[:, 0]))
    if not cheap:
        return {}, {}
    scores = np.column_stack(list(cheap.values()))
    complete = np.isfinite(scores).all(axis=1)
    scores, at_full = scores[complete], at_full[complete]
    seen = np.isfinite(at_full[:, 0])
    means = at_full[seen].mean(axis=1)
    if seen.sum() < LEAST_PAIRS or any(len(set(side)) == 1 for side in (means, *scores[seen].T)):
        return {}, {}
    drawn = dict(zip(cheap, draw_rho(scores, at_full, np.random.default_rng(seed)).T, strict=True))
    found = {
        name: _judge(drawn[name], spearman(own[seen], means), len(scores), int(seen.sum()), rule)
        for name, own in zip(cheap, scores.T, strict=True)
    }
    return found, drawn


def _with_rho(cheap: Mapping[str, Floats], measured: NDArray[np.bool_]) -> dict[str, Floats]:
    """Leave out the proxies that have no rho, given which architectures are measured at full scale."""
    return {
        name: own
        for name, own in cheap.items()
        if 2 * np.isfinite(own).sum() > len(own) and len(set(own[measured & np.isfinite(own)])) > 1
    }


def _judge(rho: Floats, observed: float, architectures: int, full: int, rule: Rule) -> Judged:
    """Say what draws of a proxy's rho say of it, beside the rho that is observed."""
    low, high = np.quantile(rho, [1 - rule.sure, rule.sure])
    return Judged(
        state=_state(rho, rule),
        observed=observed,
        corrected=float(rho.mean()),
        low=float(low),
        high=float(high),
        above=float(np.mean(rho >= rule.wanted)),
        architectures=architectures,
        full=full,
    )


def _state(rho: Floats, rule: Rule) -> State:
    """Say what draws of a proxy's rho say: of `above` and `below`, where both are sure enough, the more probable."""
    if np.median(rho) >= rule.wanted:
        return "above" if np.mean(rho >= rule.wanted - rule.within) >= rule.sure else "open"
    return "below" if np.mean(rho < rule.wanted + rule.within) >= rule.sure else "open"
