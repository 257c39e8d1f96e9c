"""Use the client that openapi-generator generated as `segnas_client`: URL TOKEN SEARCH CALIBRATION."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from segnas_client import (
    ApiClient,
    ApiException,
    BlackBoxRequest,
    Choice,
    Configuration,
    DpcStrategy,
    Fidelity,
    FullScaleRequest,
    FullScaleSpec,
    NamedFidelity,
    Problem,
    RankingsApi,
    SearchesApi,
    SearchPublic,
    SearchRequest,
    Strategy,
    Top,
    TrialsApi,
    TrialStatus,
)


def problem(ask: Callable[[], object]) -> list[Any]:
    try:
        raise AssertionError(f"no problem, but {ask()}")
    except ApiException as refused:
        error = refused
    assert isinstance(error.data, Problem), error
    assert error.status == error.data.status
    return [error.data.status, error.data.detail, [wrong.path for wrong in error.data.errors or ()]]


url, token, search, calibration = sys.argv[1:]
with (
    ApiClient(Configuration(host=url, access_token=token)) as client,
    ApiClient(Configuration(host=url)) as stranger,
):
    searches, trials = SearchesApi(client), TrialsApi(client)
    request = BlackBoxRequest(
        kind="black_box",
        name="generated",
        trials=7,
        strategy=Strategy(DpcStrategy(name="dpc", near_best=0.25)),
        fidelity=NamedFidelity(Fidelity(dataset="scenes", crop=[129, 257], rungs=[10, 20])),
    )
    created = searches.create_search(SearchRequest(request), idempotency_key="mine")
    assert isinstance(created, SearchPublic)
    again = searches.create_search(SearchRequest(request), idempotency_key="mine")
    named = BlackBoxRequest(kind="black_box", name="by name", fidelity=NamedFidelity(f"{calibration}/short"))
    by_name = searches.create_search(SearchRequest(named))

    listed, pages, cursor = [], [], None
    while True:
        page = searches.list_searches(limit=1, cursor=cursor)
        listed += [[item.id, item.kind] for item in page.items]
        pages.append(len(page.items))
        if (cursor := page.next_cursor) is None:
            break
    got = searches.get_search(search)
    leaderboard = trials.list_trials(search, order_by="-score", status=TrialStatus.COMPLETED)
    detail = trials.get_trial(search, leaderboard.items[0].number)
    full_scale = RankingsApi(client).measure_at_full_scale(
        search,
        FullScaleRequest(
            fidelity=Fidelity(dataset="scenes", rungs=[1000]), choose=Choice(Top(how="top", count=2)), training_free=[]
        ),
    )
    full_scale_spec = full_scale.spec.actual_instance
    assert isinstance(full_scale_spec, FullScaleSpec)

    other = request.model_copy(update={"seed": 1})
    answer = {
        "created": {
            "id": created.id,
            "kind": created.kind,
            "status": created.status.value,
            "near_best": created.spec.actual_instance.strategy.actual_instance.near_best,
        },
        "replayed": again.id,
        "by_name": by_name.id,
        "listed": listed,
        "pages": pages,
        "got": {
            "id": got.id,
            "status": got.status.value,
            "completed": got.trials["completed"],
            "best": got.best.score,
        },
        "leaderboard": [[trial.number, trial.score] for trial in leaderboard.items],
        "curve": [[point.iteration, point.score] for point in detail.curve],
        "best": trials.best_trial(search),
        "best_of_deeplab": trials.best_trial(search, format="deeplab"),
        "full_scale": {
            "id": full_scale.id,
            "of": full_scale_spec.of,
            "sampling": full_scale_spec.sampling,
            "trials": full_scale_spec.trials,
        },
        "problems": {
            "missing": problem(lambda: searches.get_search("s000000000000")),
            # The client itself refuses a wrong seed; a model that was not validated goes out.
            "wrong": problem(
                lambda: searches.create_search(
                    SearchRequest.model_construct(actual_instance=request.model_copy(update={"seed": -1}))
                )
            ),
            "other request": problem(lambda: searches.create_search(SearchRequest(other), idempotency_key="mine")),
            "no token": problem(lambda: SearchesApi(stranger).get_search(search)),
        },
    }
print(json.dumps(answer))
