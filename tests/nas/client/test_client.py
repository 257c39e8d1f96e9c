"""The Python client against a real service."""

from __future__ import annotations

import itertools
import json
import queue
import socket
import sys
import threading
import time

import pytest
from pydantic import SecretStr

from nas.client import Client, ClientError, Event, find_url
from nas.client.events import read_lines, server_sent
from nas.drawing.draw import draw
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import BlackBoxSpec, Fidelity, ReferenceSpec
from search_spaces import read_architecture
from tests.builders import predictions


@pytest.fixture(scope="module")
def client(service):
    with Client(service.url) as client:
        yield client


def test_searches_are_created_read_listed_and_stopped(client, service):
    spec = BlackBoxSpec.model_validate(service.spec)
    first = client.create_search(spec, "key")
    assert client.create_search(service.spec, "key").id == first.id
    assert first.spec == spec
    assert client.search(first.id) == first
    second = client.create_search(service.spec)
    assert [search.id for search in itertools.islice(client.searches(), 2)] == [second.id, first.id]
    assert client.stop(first.id).status is SearchStatus.STOPPED
    assert first.id in [search.id for search in client.searches(SearchStatus.STOPPED)]
    assert second.id not in [search.id for search in client.searches(SearchStatus.STOPPED)]


def test_listings_go_over_all_pages(client, service, monkeypatch):
    search = service.search()
    for number in range(7):
        service.trial(search, number, number / 10, end=TrialStatus.PRUNED)
    pages = client._calls.pages
    monkeypatch.setattr(client._calls, "pages", lambda path, model, page, **params: pages(path, model, 3, **params))
    assert [trial.number for trial in client.trials(search)] == list(range(7))
    assert [trial.number for trial in client.trials(search, "-score")] == list(range(6, -1, -1))
    assert list(client.trials(search, status=TrialStatus.FAILED)) == []


def test_trials_as_a_table_of_pandas(client, service, monkeypatch):
    search = service.search()
    service.trial(search, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    service.trial(search, 1, 0.125, end=TrialStatus.PRUNED)
    service.trial(search, 2)
    pages = client._calls.pages
    monkeypatch.setattr(client._calls, "pages", lambda path, model, page, **params: pages(path, model, 2, **params))
    trials = list(client.trials(search))
    frame = client.dataframe(search)
    assert frame["number"].tolist() == [0, 1, 2]
    assert frame["status"].tolist() == ["completed", "pruned", "running"]
    assert frame["architecture"].tolist() == [trial.text for trial in trials]
    assert frame["score_100"].tolist()[:2] == [0.25, 0.125]
    assert frame["score_200"].isna().tolist() == [False, True, True]
    assert frame["device_seconds"].tolist()[:2] == [trial.device_seconds for trial in trials[:2]]
    assert frame["parameters"].isna().tolist() == [trial.parameters is None for trial in trials]
    assert frame["seed"].tolist() == [7, 7, 7]
    assert [str(frame.dtypes[name]) for name in ("number", "score_200", "multiply_adds")] == [
        "int64",
        "float64",
        "Int64",
    ]
    assert client.dataframe(service.search()).empty


def test_panels_drawing_and_predictions(client, service, tmp_path):
    search = service.search()
    service.trial(search, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    recorded = predictions(200)
    service.store.record_predictions(search, 0, 1, recorded)
    assert [panel.type for panel in client.panels(search, 0)] == ["pictures", "row", "row", "commands"]
    assert {panel.part for panel in client.panels(search) if panel.type != "ask"} == {"analysis"}
    heads, _ = service.store.create_search(ReferenceSpec(name="heads", fidelity=Fidelity(dataset="scenes")))
    assert [panel.type for panel in client.panels(heads.id)] == ["table"]
    drawing = client.drawing(search, 0)
    drawing.save(tmp_path / "cell.svg")
    assert (tmp_path / "cell.svg").read_text() == draw(client.trial(search, 0).document).svg
    listed = client.predictions(search, 0)
    assert (listed.iteration, len(listed.images)) == (200, 2)
    assert client.picture(search, 0, 1) == recorded.maps[1]
    assert client.picture(search, 0, 0, "image") == recorded.examples.images[0]
    with pytest.raises(ClientError, match="there is no image 2"):
        client.picture(search, 0, 2)
    service.trial(search, 1)
    with pytest.raises(ClientError, match="measured nothing yet"):
        client.predictions(search, 1)


def test_a_table_needs_pandas(client, service, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ValueError, match=r"needs pandas: pip install 'segnas\[pandas\]'"):
        client.dataframe(service.search())


def test_scores_of_rungs_come_only_when_asked_for(client, service):
    search = service.search()
    service.trial(search, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    service.trial(search, 1)
    assert [trial.scores for trial in client.trials(search)] == [None, None]
    scored, empty = client.trials(search, scores=True)
    assert [(rung.iteration, rung.score) for rung in scored.scores] == [(100, 0.25), (200, 0.5)]
    assert empty.scores == ()


def test_a_trial_and_the_best(client, service):
    search = service.search()
    service.trial(search, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)
    trial = client.trial(search, 0)
    assert [point.score for point in trial.curve] == [0.25, 0.5]
    best = client.best(search)
    assert best == trial.document
    assert read_architecture(client.best(search, "deeplab")).architecture == read_architecture(best).architecture
    assert client.search(search).best.number == 0


def test_the_catalogue_and_the_server(client):
    assert client.alive()
    assert not client.ready()
    assert client.server().parts["ray"].message == "no cluster is configured"
    assert client.spaces()[0].kind == "dense_cell"
    assert client.datasets()[0].name == "scenes"
    assert client.logs(client.create_search({"name": "x", "fidelity": {"dataset": "scenes"}}).id) == ""


def test_errors_carry_the_services_sentence(client):
    with pytest.raises(ClientError, match=r"there is no search 's000000000000'") as missing:
        client.search("s000000000000")
    assert missing.value.status == 404
    with pytest.raises(ClientError, match=r"fidelity\.dataset: data set 'other' is not registered") as wrong:
        client.create_search({"name": "x", "fidelity": {"dataset": "other"}})
    assert [problem.path for problem in wrong.value.problems] == ["fidelity.dataset"]


def test_no_service_is_a_sentence_too():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with Client(url) as client:
            assert not client.alive()
            with pytest.raises(ClientError, match=f"no service answers at {url}"):
                list(client.searches())
            with pytest.raises(ClientError, match="no service answers"):
                next(client.events("s000000000000"))
    with pytest.raises(ClientError, match="is not an address"):
        Client("http://127.0.0.1:port")


def test_waiting_for_the_end(client, service):
    search = service.search()
    with pytest.raises(TimeoutError, match=r"still running after 0\.1 s"):
        client.wait(search, timeout=0.1, poll=0.02)
    threading.Timer(0.3, service.finish, [search]).start()
    assert client.wait(search, timeout=20, poll=0.05).status is SearchStatus.COMPLETED


@pytest.mark.slow
def test_events_survive_a_restart_of_the_service(serving, home):
    with socket.create_server(("127.0.0.1", 0)) as free:
        settings = home.model_copy(update={"port": free.getsockname()[1]})
    heard: queue.Queue[Event | None] = queue.Queue()
    with serving(settings) as service:
        search = service.search()
        service.trial(search, 0, 0.2)

        def listen() -> None:
            with Client(service.url) as client:
                for event in client.events(search):
                    heard.put(event)
            heard.put(None)

        listener = threading.Thread(target=listen)
        listener.start()
        first, second = heard.get(timeout=20), heard.get(timeout=20)
        assert first is not None
        assert first.search is not None
        assert first.search.id == search
        assert second is not None
        assert second.trial is not None
        assert second.trial.number == 0
    time.sleep(0.2)
    with serving(settings) as service:
        service.trial(search, 1, 0.3, end=TrialStatus.PRUNED)
        service.finish(search)
        events = list(iter(lambda: heard.get(timeout=30), None))
        listener.join(timeout=10)
    assert 1 in [event.trial.number for event in events if event.trial]
    assert events[-1].name == "end"
    assert events[-1].search is not None
    assert events[-1].search.status is SearchStatus.COMPLETED


def test_server_sent_lines_become_fields():
    lines = [
        ": ping",
        "",
        "event: trial",
        "id: 7",
        "data: {}",
        "",
        "data: a",
        "data: b",
        "",
        "event: empty",
        "",
        "data",
    ]
    assert list(server_sent(lines)) == [{"event": "trial", "id": "7", "data": "{}"}, {"data": "a\nb"}]


def test_lines_end_at_line_feeds_only():
    # U+2028, U+0085 and the like end lines for str.splitlines, and may stand in a name.
    text = "data: a\u2028b\x85c\x0bd\r\n\r\nlast"
    whole = text.encode()
    for cut in range(len(whole)):
        assert list(read_lines([whole[:cut], whole[cut:]])) == ["data: a\u2028b\x85c\x0bd", ""]


def test_an_endless_event_is_not_read():
    with pytest.raises(ClientError, match="longer than 0 MiB"):
        list(read_lines(itertools.repeat(b"data: x\n"), 1000))
    with pytest.raises(ClientError, match="longer than 0 MiB"):
        list(read_lines(itertools.repeat(b"x"), 1000))
    assert len(list(itertools.islice(read_lines(itertools.repeat(b"data: x\n\n"), 1000), 3000))) == 3000


def test_where_the_service_is(home, monkeypatch):
    monkeypatch.delenv("SEGNAS_URL", raising=False)
    assert find_url(home) == "http://127.0.0.1:8000"
    file = home.folder / "server.json"
    file.write_text(json.dumps({"url": "http://127.0.0.1:4321", "pid": 1}))
    assert find_url(home) == "http://127.0.0.1:4321"
    for broken in ("", "[]", "{}", '{"url": null}', '{"url": 7}', '{"url": "http://1', "\xff"):
        file.write_text(broken, "latin-1")
        assert find_url(home) == "http://127.0.0.1:8000"
    monkeypatch.setenv("SEGNAS_URL", "http://elsewhere:1")
    assert find_url(home) == "http://elsewhere:1"


def test_a_token_is_sent(serve, home, monkeypatch):
    service = serve(home.model_copy(update={"token": SecretStr("a-secret-of-enough-length")}))
    monkeypatch.setenv("SEGNAS_URL", service.url)
    with Client.from_home(service.settings) as client:
        assert list(client.searches()) == []
    with Client(service.url) as stranger, pytest.raises(ClientError, match="bearer token"):
        list(stranger.searches())
