"""A search and its confirmation on the command line: each names the other, and the best is the confirmed one."""

from __future__ import annotations

import json

import pytest

from tests.api.routes.test_confirmations import HEADS, ask, measure
from tests.api.routes.test_rankings import searched


@pytest.fixture
def confirmed(service) -> tuple[str, str]:
    """A completed search whose confirmation prefers trial 3 to trial 5, the first of the leaderboard."""
    return searched_and_confirmed(service)


def searched_and_confirmed(service) -> tuple[str, str]:
    search = searched(service)
    service.finish(search)
    child = ask(service, search, choose={"how": "top", "count": 2}, references=HEADS, seeds=2).json()["id"]
    measure(service, child, [0.5, 0.6, 0.4, 0.55])
    service.finish(child)
    return search, child


def test_what_is_exported_is_the_confirmed_best_and_says_so(segnas, confirmed, tmp_path):
    search, child = confirmed
    code, out, _ = segnas("export", search, "-o", tmp_path / "best.json")
    assert code == 0
    written, note = out.splitlines()
    assert written == f"wrote {tmp_path / 'best.json'}"
    by = f"the best by the confirmation {child}, with a mean of 0.6050 over 2 fresh seeds"
    assert note == f"trial 3 of {search}: {by}"
    document = json.loads((tmp_path / "best.json").read_text())
    assert document["provenance"]["trial"] == 3
    assert document["provenance"]["confirmed"]["search"] == child
    assert json.loads(segnas("export", search)[1]) == document
    assert "confirmed" not in json.loads(segnas("export", search, "--trial", 3)[1])["provenance"]


def test_search_and_confirmation_name_each_other(segnas, confirmed):
    search, child = confirmed
    assert f"confirmed by  {child}" in " ".join(segnas("show", search)[1].split(" "))
    assert search in segnas("show", child)[1]


def test_watching_a_search_goes_on_to_its_confirmation(segnas, confirmed):
    search, child = confirmed
    code, out, _ = segnas("watch", search)
    assert code == 0
    assert f"its best are measured again by {child}" in out
    assert f"Gain: trial 3 of {search} scores" in out
    assert f"(trial 3 of {search}, here trial 1, at iteration" in segnas("show", child)[1].replace("\n" + 14 * " ", " ")
    assert "0.6050" in out
    code, out, _ = segnas("watch", search, "--json")
    assert json.loads(out)["id"] == search
    assert json.loads(out)["confirmation"] == child


def test_the_link_to_a_confirmation_is_the_one_that_people_use(serve, home, command_at):
    service = serve(home.model_copy(update={"public_url": "https://nas.example/"}))
    search, child = searched_and_confirmed(service)
    code, out, _ = command_at(service.url)("watch", search)
    assert code == 0
    assert f"measured again by {child}, live at https://nas.example/#/{child}\n" in out
    assert service.url not in out


def test_learning_rates_are_asked_for(segnas, service):
    search = searched(service)
    child = segnas("confirm", search, "--top", 1, "--references", "aspp", "--learning-rates", "0.5,0.02")[1].strip()
    assert service.store.get_search(child).spec.learning_rates == (0.5, 0.02)
    code, _, err = segnas("confirm", search, "--learning-rates", "much")
    assert code == 2 or "takes numbers" in err
