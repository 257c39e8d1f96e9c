"""Use the client that openapi-python-client generated as `segnas_client`: URL TOKEN SEARCH CALIBRATION."""

from __future__ import annotations

import json
import sys
from typing import Any

from segnas_client import AuthenticatedClient, Client
from segnas_client.api.rankings import measure_at_full_scale
from segnas_client.api.searches import create_search, get_search, list_searches
from segnas_client.api.trials import best_trial, get_trial, list_trials
from segnas_client.models import (
    BestTrialFormat,
    BlackBoxRequest,
    DpcStrategy,
    Fidelity,
    FullScaleRequest,
    FullScaleSpec,
    ListTrialsOrderBy,
    Problem,
    SearchPublic,
    Top,
    TrialStatus,
)
from segnas_client.types import Response


def problem(response: Response) -> list[Any]:
    assert isinstance(response.parsed, Problem), response
    errors = [error.path for error in response.parsed.errors or ()]
    assert response.status_code == response.parsed.status
    return [response.parsed.status, response.parsed.detail, errors]


url, token, search, calibration = sys.argv[1:]
stranger = Client(base_url=url)
with AuthenticatedClient(base_url=url, token=token) as client:
    request = BlackBoxRequest(
        kind="black_box",
        name="generated",
        trials=7,
        strategy=DpcStrategy(name="dpc", near_best=0.25),
        fidelity=Fidelity(dataset="scenes", crop=[129, 257], rungs=[10, 20]),
    )
    created = create_search.sync(client=client, body=request, idempotency_key="mine")
    assert isinstance(created, SearchPublic)
    again = create_search.sync(client=client, body=request, idempotency_key="mine")
    named = BlackBoxRequest(kind="black_box", name="by name", fidelity=f"{calibration}/short")
    by_name = create_search.sync(client=client, body=named)

    listed, pages, cursor = [], [], None
    while True:
        page = list_searches.sync(client=client, limit=1, cursor=cursor)
        listed += [[item.id, item.kind] for item in page.items]
        pages.append(len(page.items))
        if (cursor := page.next_cursor) is None:
            break
    got = get_search.sync(search, client=client)
    leaderboard = list_trials.sync(
        search, client=client, order_by=ListTrialsOrderBy.VALUE_3, status=TrialStatus.COMPLETED
    )
    detail = get_trial.sync(search, leaderboard.items[0].number, client=client)
    full_scale = measure_at_full_scale.sync(
        search,
        client=client,
        body=FullScaleRequest(
            fidelity=Fidelity(dataset="scenes", rungs=[1000]), choose=Top(how="top", count=2), training_free=[]
        ),
    )
    assert isinstance(full_scale.spec, FullScaleSpec)

    request.seed = -1
    wrong = create_search.sync_detailed(client=client, body=request)
    request.seed = 1
    answer = {
        "created": {
            "id": created.id,
            "kind": created.kind,
            "status": created.status.value,
            "near_best": created.spec.strategy.near_best,
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
        "best": best_trial.sync(search, client=client),
        "best_of_deeplab": best_trial.sync(search, client=client, format_=BestTrialFormat.DEEPLAB),
        "full_scale": {
            "id": full_scale.id,
            "of": full_scale.spec.of,
            "sampling": full_scale.spec.sampling.value,
            "trials": full_scale.spec.trials,
        },
        "problems": {
            "missing": problem(get_search.sync_detailed("s000000000000", client=client)),
            "wrong": problem(wrong),
            "other request": problem(create_search.sync_detailed(client=client, body=request, idempotency_key="mine")),
            "no token": problem(get_search.sync_detailed(search, client=stranger)),
        },
    }
print(json.dumps(answer))
