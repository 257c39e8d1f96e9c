"""Confirmations over HTTP; the store is filled as drivers do."""

from __future__ import annotations

import random
import re
import time
from typing import Any

import pytest

from nas.kinds.registry import kind_of
from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.specs import AutoDeepLabSpec, ConfirmationSpec
from search_spaces.auto_deeplab.space import sample
from tests.api.routes.test_rankings import searched, start
from tests.builders import measured

HEADS = ["published_dpc", {"name": "aspp", "channels": 16}]


def ask(service, search: str, **request: Any):
    return service.http.post(f"/v1/searches/{search}/confirmation", json=request)


def spec_of(service, search: str) -> ConfirmationSpec:
    spec = service.store.get_search(search).spec
    assert isinstance(spec, ConfirmationSpec)
    return spec


def measure(service, child: str, scores: list[float]) -> None:
    """As the driver does; `scores` by the architecture, a little better with each seed."""
    record = start(service, child)
    spec = spec_of(service, child)
    parent = {trial.number: trial for trial in service.store.all_trials(spec.of)}
    architectures = [*(parent[number].architecture for number in spec.trials), *spec.references]
    for number in range(spec.planned):
        turn, index = divmod(number, len(architectures))
        proposal = Proposal(number, architectures[index], spec.fidelity, spec.seed + turn)
        service.store.add_trial(child, record.attempt, proposal)
        score = scores[index] + 0.01 * turn
        service.store.record_measurement(child, number, 1, measured(spec.fidelity.iterations, score, 8.0))
        service.store.finish_trial(child, number, 1, TrialStatus.COMPLETED)


def test_the_three_best_are_confirmed_with_fresh_seeds_beside_textbook_heads(service):
    search = searched(service)
    reply = ask(service, search)
    assert reply.status_code == 201, reply.text
    child = reply.json()["id"]
    spec = spec_of(service, child)
    assert (spec.of, spec.trials, spec.seeds) == (search, (5, 3, 1), 4)
    assert service.store.get_search(child).parent == search
    assert spec.fidelity == service.store.get_search(search).spec.fidelity
    assert spec.seed == 1 + max(trial.seed for trial in service.store.all_trials(search))
    channels = spec.fidelity.head.channels
    names = [(getattr(head, "name", "cell"), head.channels) for head in spec.references]
    assert names == [
        ("cell", channels),
        ("aspp_separable", channels),
        *((name, width) for name in ("aspp", "ppm") for width in (channels, channels // 2)),
    ]
    assert spec.planned == (3 + 6) * 4


def test_a_confirmation_is_answered_by_its_own_id_and_by_its_search(service):
    search = searched(service)
    child = ask(service, search, choose={"how": "top", "count": 2}, references=HEADS, seeds=3).json()["id"]
    measure(service, child, [0.5, 0.6, 0.4, 0.55])
    found = service.http.get(f"/v1/searches/{search}/confirmation").json()
    assert found == service.http.get(f"/v1/searches/{child}/confirmation").json()
    assert (found["search"], found["confirmation"], found["kept_back"]) == (search, child, False)
    assert [row["trial"] for row in found["rows"]] == [5, 3, None, None]
    assert found["winner"] == found["rows"][1]["architecture_key"]
    assert found["rows"][1]["scores"] == {
        str(spec_of(service, child).seed + turn): 0.6 + 0.01 * turn for turn in range(3)
    }
    assert [round(gain["mean"], 6) for gain in found["gains"]] == [0.2, 0.05]
    text, table, links = service.http.get(f"/v1/searches/{child}/panels").json()
    compared = "Compared by mIoU, the first objective of the search: higher is better."
    assert text["lines"] == [found["sentence"], compared]
    assert found["objective"] == {"text": "mIoU", "direction": "maximise"}
    assert [row[4] for row in table["rows"]] == ["0.5100", "0.6100", "0.4100", "0.5600"]
    assert [link["target"] for link in links["links"]] == [f"#/{search}"]


def test_what_is_exported_is_the_confirmed_architecture_even_below_a_reference(service):
    search = searched(service)
    child = ask(service, search, choose={"how": "top", "count": 2}, references=HEADS, seeds=2).json()["id"]
    measure(service, child, [0.5, 0.6, 0.9, 0.9])
    best = service.http.get(f"/v1/searches/{child}/best").json()
    assert (
        best["architecture"] == service.http.get(f"/v1/searches/{search}/trials/3").json()["document"]["architecture"]
    )


def test_the_best_of_a_search_is_the_one_that_its_confirmation_prefers(service):
    """The leaderboard has 5, 3, 1; the confirmation prefers 3, until a better one is found that it did not measure."""
    search = searched(service)

    def best() -> tuple[int, dict[str, Any] | None]:
        provenance = service.http.get(f"/v1/searches/{search}/best").json()["provenance"]
        return provenance["trial"], provenance.get("confirmed")

    def confirmation_link() -> dict[str, str]:
        panels = service.http.get(f"/v1/searches/{search}/panels").json()
        ((link,),) = [panel["links"] for panel in panels if panel.get("title") == "Confirmation"]
        return dict(link)

    child = ask(service, search, choose={"how": "top", "count": 2}, references=HEADS, seeds=2).json()["id"]
    assert service.http.get(f"/v1/searches/{search}").json()["confirmation"] == child
    assert service.http.get(f"/v1/searches/{child}").json()["confirmation"] is None
    measure(service, child, [0.5, 0.6, 0.4, 0.55])
    assert best() == (5, None), "it is not completed yet"
    assert confirmation_link()["target"] == f"#/{child}"
    assert confirmation_link()["text"].endswith("(running):")
    service.finish(child)
    number, confirmed = best()
    assert confirmed is not None
    assert (number, confirmed["search"], confirmed["seeds"], confirmed["kept_back"]) == (3, child, 2, False)
    assert confirmed["score"] == pytest.approx(0.605)
    sentence = service.http.get(f"/v1/searches/{search}/confirmation").json()["sentence"]
    assert confirmation_link()["text"] == f"{sentence[:-1]}:"
    for said in (
        service.http.get(f"/v1/searches/{search}").json(),
        next(one for one in service.http.get("/v1/searches").json()["items"] if one["id"] == search),
    ):
        assert (said["best"]["number"], said["best"]["score"]) == (3, 0.6)
        assert said["best"]["confirmed"] == {
            "search": child,
            "mean": pytest.approx(0.605),
            "spread": pytest.approx(0.01 / 2**0.5),
            "seeds": 2,
            "kept_back": False,
        }
        assert said["best"]["worth"] == "0.6050 mIoU over 2 fresh seeds (0.6000 mIoU in the search)"
        assert (said["leaderboard_first"]["number"], said["leaderboard_first"]["confirmed"]) == (5, None)
    own = service.http.get(f"/v1/searches/{child}").json()
    assert (own["best"]["number"], own["best"]["confirmed"]["search"]) == (1, child), (
        "the first trial of trial 3's cell"
    )
    assert own["leaderboard_first"] is None, "trial 5, which leads, is the same cell with the next seed"
    assert own["best"]["named"] == f"trial 3 of {search}, here trial 1"
    assert own["best"]["worth"] == f"0.6050 mIoU over 2 fresh seeds (0.6000 mIoU with seed {own['spec']['seed']})"
    assert service.http.get(f"/v1/searches/{search}").json()["best"]["named"] == "trial 3"
    compared = service.http.get(f"/v1/comparison?search={search}&search={child}").json()["searches"]
    assert [one["winner"]["trial"] for one in compared] == [3, 1]
    assert compared[0]["winner"]["confirmed"]["mean"] == pytest.approx(0.605)
    service.trial(search, 6, 0.4, 0.9, end=TrialStatus.COMPLETED)
    assert best() == (6, None)
    said = service.http.get(f"/v1/searches/{search}").json()
    assert (said["best"]["number"], said["best"]["confirmed"], said["leaderboard_first"]) == (6, None, None)


def test_the_report_of_a_confirmation_has_the_numbers_of_its_search_beside_its_own(service):
    """Its trial 1 is the first that measures trial 3 again; a reference head, here trial 2, comes from no trial."""
    search = searched(service)
    child = ask(service, search, choose={"how": "top", "count": 2}, references=HEADS[:1], seeds=2).json()["id"]
    measure(service, child, [0.5, 0.6, 0.55])
    service.finish(child)
    report = service.http.get(f"/v1/searches/{child}/report").text
    named, seed = f"rial 3 of {search}, here trial 1", spec_of(service, child).seed
    worth = f"0.6050 mIoU over 2 fresh seeds (0.6000 mIoU with seed {seed})"
    assert f"The best is t{named}, with {worth} after 200 training iterations." in report
    assert f"T{named}: {worth} at iteration 200." in report
    assert f"trial 3 of {search} scores +0.050" in report
    assert f"Architectures, with their trials of {search}" in report
    rows = re.search(rf"<th[^>]*>Of {search}</th>(.*?)</table>", report, re.DOTALL)
    assert rows is not None
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row)[1:3] for row in rows[1].split("<tr>")[1:]]
    assert cells == [["#4", "#3"], ["#1", "#3"], ["#5", ""], ["#2", ""], ["#3", "#5"], ["#0", "#5"]]
    (_, winners, *_) = service.http.get("/v1/comparison", params={"search": [search, child]}).json()["panels"]
    assert next(row for row in winners["rows"] if row[0] == "trial") == ["trial", "#3", f"#3 of {search}, here #1"]
    assert "The best is trial 3, with" in service.http.get(f"/v1/searches/{search}/report").text


def test_a_search_that_starts_from_another_begins_with_the_confirmed_best(service):
    search = searched(service)
    service.finish(search)
    child = ask(service, search, choose={"how": "top", "count": 2}, references=HEADS[:1], seeds=2).json()["id"]
    measure(service, child, [0.5, 0.6, 0.55])
    service.finish(child)
    reply = service.http.post("/v1/searches", json={**service.spec, "start": [search]})
    assert reply.status_code == 201, reply.text
    begun = service.store.get_search(reply.json()["id"])
    assert set(begun.origins) == {search, child}
    proposal = kind_of(begun.spec).plan(begun.spec, begun.id, service.store).propose()
    assert proposal is not None
    assert proposal.architecture == service.store.get_trial(search, 3).architecture


def test_the_panel_of_choices_marks_the_confirmed_best(service):
    search = searched(service)

    def marked() -> tuple[list[int], list[str]]:
        for _ in range(400):
            panels = service.http.get(f"/v1/searches/{search}/panels").json()
            if not any(panel.get("pending") for panel in panels):
                break
            time.sleep(0.05)
        (choices,) = [panel for panel in panels if panel["type"] == "choices"]
        return [trial["number"] for trial in choices["trials"] if trial["mark"] == "best"], choices["notes"]

    assert marked()[0] == [5]
    child = ask(service, search, choose={"how": "top", "count": 2}, references=HEADS, seeds=2).json()["id"]
    measure(service, child, [0.5, 0.6, 0.4, 0.55])
    assert marked()[0] == [5], "it is not completed yet"
    service.finish(child)
    numbers, (_, preferred) = marked()
    assert numbers == [3]
    said = f"trial 3, which the confirmation {child} prefers to trial 5, the first of the leaderboard"
    assert said in preferred


def test_a_dry_run_says_what_follows(service):
    def then(**changes: Any) -> tuple[str | None, Any]:
        reply = service.http.post("/v1/searches?dry_run=true", json={**service.spec, **changes}).json()
        return next((fact["text"] for fact in reply["facts"] if fact["name"] == "then"), None), reply["follow_up"]

    kept = {**service.spec["fidelity"], "holdout": {"share": 0.25}}
    assert then() == (None, None)
    text, follow_up = then(fidelity=kept)
    assert text == (
        "a confirmation of the 3 best and 6 reference heads with 4 fresh seeds, on images kept back; "
        "their cost is not known"
    )
    assert follow_up["trials"] == 36
    assert then(fidelity=kept, confirm=False) == (None, None)
    text, _ = then(confirm={"top": 1, "references": ["aspp"]})
    assert text is not None
    assert "the 1 best and 1 reference heads with 4 fresh seeds, on images that the search measured on, too" in text


def test_images_that_were_kept_back_are_measured_on(service):
    fidelity = {**service.spec["fidelity"], "holdout": {"share": 0.25}}
    search = searched(service, fidelity=fidelity)
    child = ask(service, search, iterations=50).json()["id"]
    holdout = spec_of(service, child).fidelity.holdout
    assert holdout is not None
    assert (holdout.share, holdout.measure_on) == (0.25, "kept_back")
    assert spec_of(service, child).fidelity.iterations == 50
    assert service.http.get(f"/v1/searches/{child}/confirmation").json()["kept_back"] is True


@pytest.mark.parametrize(
    ("request_", "path", "words"),
    [
        ({"seed": 0}, "seed", "so that it is fresh"),
        ({"choose": {"how": "top", "count": 7}}, "choose.count", "6 have a score"),
        ({"choose": {"how": "explicit", "trials": [9]}}, "choose.trials", "no such trial"),
        ({"references": ["asp"]}, "references.0", "asp"),
        ({"references": ["fpn"]}, "", "fpn reads several feature maps"),
        ({"seeds": 1}, "seeds", "greater than or equal to 2"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_stored(service, request_, path, words):
    search = searched(service)
    before = service.http.get("/v1/searches").json()
    reply = ask(service, search, **request_)
    assert reply.status_code == 422, reply.text
    (error,) = reply.json()["errors"]
    assert error["path"].startswith(path)
    assert words in error["message"]
    assert service.http.get("/v1/searches").json() == before


def test_a_search_without_a_score_and_one_of_another_kind_say_why_not(service):
    empty = service.search()
    assert "no trial that ended with a score" in ask(service, empty).json()["detail"]
    search = searched(service)
    child = ask(service, search).json()["id"]
    reply = ask(service, child)
    assert (reply.status_code, f"rank its search, {search}" in reply.json()["detail"]) == (409, True)
    assert "segnas confirm" in service.http.get(f"/v1/searches/{empty}/confirmation").json()["detail"]


def strides_drawn(service, search: str) -> int:
    return int(service.http.get(f"/v1/searches/{search}/trials/0/drawing").text.count(">stride "))


def test_networks_are_drawn_on_the_strides_of_their_space(service):
    """Also where a confirmation measures them again; a report has the same drawing."""
    space = {"kind": "auto_deeplab", "layers": 4, "blocks": 2, "levels": 3}
    search = service.search(space=space, fidelity={**service.spec["fidelity"], "crop": [128, 256]})
    record = service.store.get_search(search)
    network = sample(2, 4, random.Random(0), 2)
    service.store.add_trial(search, record.attempt, Proposal(0, network, record.spec.fidelity, 0))
    service.store.record_measurement(search, 0, 1, measured(200, 0.4, 8.0))
    service.store.finish_trial(search, 0, 1, TrialStatus.COMPLETED)
    child = ask(service, search).json()["id"]
    spec = spec_of(service, child)
    service.store.add_trial(child, start(service, child).attempt, Proposal(0, network, spec.fidelity, spec.seed))
    assert max(network.path) < 2, "the path alone does not tell"
    assert (strides_drawn(service, search), strides_drawn(service, child)) == (3, 3)
    assert service.http.get(f"/v1/searches/{search}/report").text.count(">stride ") == 3


def test_entire_networks_are_confirmed_without_heads(service, snapshot_at):
    spec = AutoDeepLabSpec.model_validate(
        {
            "name": "trellis",
            "bilevel": {"dataset": "scenes", "crop": [65, 65]},
            "scoring": {"dataset": "scenes", "crop": [129, 129], "rungs": [20]},
        }
    )
    search, _ = service.store.create_search(spec)
    record = start(service, search.id)
    network = snapshot_at(1).architecture
    assert spec.scoring is not None
    service.store.add_trial(search.id, record.attempt, Proposal(0, network, spec.scoring, 0))
    service.store.record_measurement(search.id, 0, 1, measured(20, 0.4, 8.0))
    service.store.finish_trial(search.id, 0, 1, TrialStatus.COMPLETED)
    assert spec_of(service, ask(service, search.id).json()["id"]).references == ()
    assert strides_drawn(service, search.id) == 4
    refused = ask(service, search.id, references=["aspp"])
    assert "entire networks" in refused.json()["errors"][0]["message"]
