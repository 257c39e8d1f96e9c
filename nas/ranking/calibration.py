"""Compare proxies by cost and by rank correlation with full scale, over one sample of architectures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from nas.ranking.pairs import FullScore, full_scores, rank_training_free
from nas.ranking.report import Ranking, rank
from nas.ranking.sequential import Course
from nas.ranking.sequential_trials import course_of, outcomes
from nas.results.domination import pareto_set
from nas.results.judged import Judged
from nas.results.status import TrialStatus
from nas.specs import CalibrationSpec, TrainingFreeProxy
from nas.store.records import TrialRecord


@dataclass(frozen=True, slots=True)
class CalibratedProxy:
    """How well one proxy of a calibration orders the architectures, and what the proxy costs.

    Attributes:
        name: A key of `spec.proxies`, or the name of a training-free score.
        training_free: Whether the proxy is a training-free score. No search can run with such a proxy: a training-free
            score has no fidelity.
        ranking: Rank correlation with the full-scale scores, and the mean cost for one architecture.
        share: Mean cost of the proxy for one architecture, as a fraction of the full-scale cost; None while either is
            unknown.
        pareto: No other proxy costs at most as much and orders at least as well, with one of the two strictly better.
        judged: What a sequential calibration knows of it; None before the first look and in other calibrations.
    """

    name: str
    training_free: bool
    ranking: Ranking
    share: float | None
    pareto: bool = False
    judged: Judged | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """All proxies of a calibration beside each other, and the one to search with.

    Attributes:
        proxies: In the spec's order, training-free scores last.
        measured: Number of architectures with a full-scale score.
        device_seconds: Mean full-scale cost of one architecture with one seed; None while none is measured.
        recommended: Name of the cheapest proxy that orders well enough, never a training-free one; None without such.
        verdict: The reason for `recommended`, as one sentence.
    """

    proxies: tuple[CalibratedProxy, ...]
    measured: int
    device_seconds: float | None
    recommended: str | None
    verdict: str


def calibrate(
    spec: CalibrationSpec,
    trials: Sequence[TrialRecord],
    training_free: Mapping[str, Mapping[str, tuple[float, float]]],
) -> Calibration:
    """Compare the proxies of a calibration by what has been measured so far.

    Args:
        spec: The calibration's spec.
        trials: All trials of the calibration, at the proxies' fidelities and at full scale.
        training_free: Training-free scores as (value, seconds), by architecture key, then by name.

    Returns:
        The calibration's answer, which changes as further trials end.
    """
    full = full_scores(trial for trial in trials if trial.fidelity_key == spec.full_scale.key)
    cost = fmean(score.device_seconds for score in full.values()) if full else None
    proxies = [_trained(name, fidelity.key, trials, full, cost) for name, fidelity in spec.proxies.items()]
    proxies += _training_free(spec.training_free, training_free, full, cost)
    proxies = _mark_pareto(proxies)
    if spec.sequential is None:
        recommended, verdict = _recommend(proxies, spec.least_rho)
    else:
        course = course_of(spec, outcomes(trials))
        proxies = [replace(p, judged=None if p.training_free else course.judged.get(p.name)) for p in proxies]
        recommended, verdict = course.recommended, _known(course, spec.least_rho)
    return Calibration(tuple(proxies), len(full), cost, recommended, verdict)


def _trained(
    name: str, key: str, trials: Iterable[TrialRecord], full: Mapping[str, FullScore], cost: float | None
) -> CalibratedProxy:
    measured = [trial for trial in trials if trial.fidelity_key == key and trial.status is TrialStatus.COMPLETED]
    both = [trial for trial in measured if trial.architecture_key in full]
    seconds = fmean(trial.device_seconds or 0.0 for trial in measured) if measured else None
    pairs = ((trial.score or 0.0, full[trial.architecture_key].score) for trial in both)
    return CalibratedProxy(name, False, rank(pairs, "all", seconds), _share(seconds, cost))


def _training_free(
    names: Iterable[TrainingFreeProxy],
    scores: Mapping[str, Mapping[str, tuple[float, float]]],
    full: Mapping[str, FullScore],
    cost: float | None,
) -> list[CalibratedProxy]:
    rankings = rank_training_free({key: score.score for key, score in full.items()}, scores, names, "all")
    return [
        CalibratedProxy(name, True, ranking, _share(ranking.device_seconds, cost)) for name, ranking in rankings.items()
    ]


def _share(seconds: float | None, cost: float | None) -> float | None:
    return seconds / cost if seconds is not None and cost else None


def _mark_pareto(proxies: Sequence[CalibratedProxy]) -> list[CalibratedProxy]:
    marked = list(proxies)
    known = {
        index: (proxy.ranking.device_seconds, proxy.ranking.spearman)
        for index, proxy in enumerate(marked)
        if proxy.ranking.device_seconds is not None and proxy.ranking.spearman is not None
    }
    places = list(known)
    for place in pareto_set([(-seconds, rho) for seconds, rho in known.values()]):
        marked[places[place]] = replace(marked[places[place]], pareto=True)
    return marked


def _recommend(proxies: Sequence[CalibratedProxy], least_rho: float) -> tuple[str | None, str]:
    """Name of the cheapest proxy with a fidelity whose interval of rho lies above `least_rho`; one sentence why."""
    if all(proxy.ranking.interval is None for proxy in proxies):
        return None, f"no correlation can be computed: {proxies[0].ranking.reason}"
    good = sorted(
        (proxy for proxy in proxies if _passes(proxy, least_rho)), key=lambda proxy: proxy.ranking.device_seconds or 0
    )
    trained = [proxy for proxy in good if not proxy.training_free]
    free = ", ".join(proxy.name for proxy in good if proxy.training_free)
    also = f"; without any training, those of {free} do too" if free else ""
    if trained:
        interval = trained[0].ranking.interval
        assert interval is not None
        return trained[0].name, (
            f"{trained[0].name} is the cheapest proxy whose 95 % interval of rho, {interval.low:.2f} to "
            f"{interval.high:.2f}, lies above {least_rho:g}{also}"
        )
    return None, f"no proxy's 95 % interval of rho lies above {least_rho:g}" + (
        f"; only those of {free} do" if free else ""
    )


def _known(course: Course, wanted: float) -> str:
    """Say in one sentence what a sequential calibration knows."""
    if not course.judged:
        if course.over:
            return "no correlation can be computed: too few architectures have all scores, or they are equal"
        return f"the first look comes after {course.full} architectures at full scale"
    open_ = ", ".join(name for name, of in course.judged.items() if of.state == "open")
    more = "" if course.over else f"; the next look comes after {course.full} architectures at full scale"
    undecided = f"; not known of {open_}" if open_ else ""
    right = "" if course.right is None else f"; right with a probability of {100 * course.right:.0f} %"
    if course.recommended is None:
        known = "likely no proxy has" if course.over and open_ else "no proxy is known to have"
        return f"{known} a rho of at least {wanted:g}{right}{undecided}{more}"
    of = course.judged[course.recommended]
    known = "that likely has" if of.state == "open" else "known to have"
    return (
        f"{course.recommended} is the cheapest proxy {known} a rho of at least {wanted:g}: observed {of.observed:.2f}, "
        f"corrected for the seeds of full scale {of.corrected:.2f} ({of.low:.2f} to {of.high:.2f}), after {of.full} "
        f"architectures at full scale{right}{undecided}{more}"
    )


def _passes(proxy: CalibratedProxy, least_rho: float) -> bool:
    interval = proxy.ranking.interval
    return interval is not None and interval.low > least_rho and proxy.ranking.device_seconds is not None
