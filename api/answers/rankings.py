"""Makes the REST interface's answers of rankings and calibrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from api.answers.base import answer
from api.answers.objectives import objective_public
from nas.schemas.calibrations import CalibratedPublic, CalibrationPublic, RecommendedPublic
from nas.schemas.rankings import (
    FullScorePublic,
    MeasuredPublic,
    PairPublic,
    ProxyScorePublic,
    RankingPublic,
    RungPublic,
    TrainingFreePublic,
)
from nas.specs import CalibrationSpec, Fidelity, TrainingFreeProxy
from nas.specs.training_free import TRAINING_FREE_SOURCES
from nas.store import SearchRecord, TrialRecord
from search_spaces.text import architecture_text, short_text

# Only for the types: importing numpy and scipy, which the computations need, would be most of the service's start time.
if TYPE_CHECKING:
    from nas.ranking.calibration import CalibratedProxy, Calibration
    from nas.ranking.pairs import JoinedPair
    from nas.ranking.report import Ranking
    from nas.ranking.search_ranking import SearchRanking


def ranking_public(
    search_id: str, full_scale_ids: Sequence[str], found: SearchRanking, proxy: Fidelity, full_scale: Fidelity
) -> RankingPublic:
    """Make the answer of a search's ranking, with the two fidelities that it compares."""
    return answer(
        RankingPublic,
        found.ranking,
        search=search_id,
        objective=objective_public(found.goals.objectives[0]),
        full_scale_searches=full_scale_ids,
        chosen=found.chosen,
        warnings=found.warnings,
        proxy=MeasuredPublic(fidelity=proxy, device_seconds=found.ranking.device_seconds),
        full_scale=MeasuredPublic(fidelity=full_scale, device_seconds=found.full_seconds),
        share=found.share,
        pairs=[_pair(pair) for pair in found.pairs],
        rungs=[answer(RungPublic, rung, iteration=iteration) for iteration, rung in found.rungs.items()],
        training_free=[_training_free(name, one) for name, one in found.training_free.items()],
    )


def calibration_public(
    search: SearchRecord, spec: CalibrationSpec, trials: Sequence[TrialRecord], found: Calibration
) -> CalibrationPublic:
    """Make the answer of a calibration, from the trials so far."""
    recommended = None
    if found.recommended is not None:
        name = found.recommended
        use = search.id if search.status.terminal else f"{search.id}/{name}"
        recommended = RecommendedPublic(name=name, use=use, fidelity=spec.proxies[name])
    return answer(
        CalibrationPublic,
        search,
        ended=sum(trial.status.terminal for trial in trials),
        measured=found.measured,
        proxies=tuple(_calibrated(proxy, spec.proxies) for proxy in found.proxies),
        full_scale=MeasuredPublic(fidelity=spec.full_scale, device_seconds=found.device_seconds),
        recommended=recommended,
        verdict=found.verdict,
        final=search.status.terminal,
    )


def _training_free(name: TrainingFreeProxy, found: Ranking) -> TrainingFreePublic:
    source = TRAINING_FREE_SOURCES[name]
    return answer(
        TrainingFreePublic,
        found,
        name=name,
        sign=source.sign,
        measures=source.measures,
        citation=source.citation,
    )


def _pair(pair: JoinedPair) -> PairPublic:
    return answer(
        PairPublic,
        pair.candidate,
        label=architecture_text(pair.candidate.architecture),
        short_label=short_text(pair.candidate.architecture),
        proxy=answer(ProxyScorePublic, pair.candidate, rank=pair.proxy_rank),
        full_scale=answer(FullScorePublic, pair.full, rank=pair.full_rank),
    )


def _calibrated(proxy: CalibratedProxy, fidelities: Mapping[str, Fidelity]) -> CalibratedPublic:
    source = next(
        (known for name, known in TRAINING_FREE_SOURCES.items() if proxy.training_free and name == proxy.name), None
    )
    return answer(
        CalibratedPublic,
        proxy.ranking,
        name=proxy.name,
        training_free=proxy.training_free,
        fidelity=None if proxy.training_free else fidelities[proxy.name],
        sign=None if source is None else source.sign,
        citation=None if source is None else source.citation,
        share=proxy.share,
        pareto=proxy.pareto,
        judged=proxy.judged,
    )
