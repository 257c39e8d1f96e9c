"""Rankings and calibrations computed from the trials in a store."""

from __future__ import annotations

from collections.abc import Sequence

from nas.ranking.calibration import Calibration, calibrate
from nas.ranking.search_ranking import SearchRanking, rank_search
from nas.results.status import SCORED
from nas.specs import CalibrationSpec, Fidelity, FullScaleSpec
from nas.store import SearchRecord, Store, TrialRecord


def search_ranking(
    search: SearchRecord, evaluations: Sequence[tuple[str, FullScaleSpec]], store: Store
) -> tuple[SearchRanking, Fidelity]:
    """How well the scores of a search order its architectures by their full-scale scores.

    Args:
        search: The search whose trials were measured again.
        evaluations: Id and spec of each full-scale evaluation to join, at least one, all at one fidelity.
        store: Holds the trials of the search and of the evaluations.

    Returns:
        The ranking from the trials that have ended so far, and the fidelity of the search's own scores.
    """
    first = evaluations[0][1].trials[0]
    proxy = search.spec.fidelity_of(store.get_trial(search.id, first).fidelity_key)
    chosen = {number for _, spec in evaluations for number in spec.trials}
    keys = set(store.architecture_keys(search.id, chosen).values())
    trials = store.trials_of(search.id, keys)  # of a large search these are few
    counts = store.overview(search.id).trials
    ranking = rank_search(
        trials,
        store.rung_points(search.id, [trial.number for trial in trials], search.spec.goals),
        proxy.rungs,
        [(spec, store.all_trials(evaluation)) for evaluation, spec in evaluations],
        store.training_free(keys, proxy.key, search.spec.seed),
        others=sum(counts[status] for status in SCORED) > sum(trial.status in SCORED for trial in trials),
        goals=search.spec.goals,
    )
    return ranking, proxy


def calibration(search_id: str, spec: CalibrationSpec, store: Store) -> tuple[Calibration, list[TrialRecord]]:
    """How well each proxy of a calibration orders its architectures, by the trials that have ended so far.

    Args:
        search_id: Id of the calibration's search.
        spec: The calibration's spec.
        store: Holds the calibration's trials.

    Returns:
        The calibration's answer, and all of its trials.
    """
    trials = store.all_trials(search_id)
    first = next(iter(spec.proxies.values()))
    scores = store.training_free({trial.architecture_key for trial in trials}, first.key, spec.seed)
    return calibrate(spec, trials, scores), trials
