"""Reports over HTTP: of every kind, safe against what users write, in need of nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from nas.data.class_maps import class_png, photo_jpeg
from nas.kinds.registry import kind_of
from nas.results.predictions import Examples, Predictions
from nas.results.status import TrialStatus
from nas.specs import AutoDeepLabSpec, BilevelSpec
from nas.yaml_text import parse_yaml

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
VOID = {"meta", "img", "br", "link", "input"}


class Reader(HTMLParser):
    """Collects tags, attributes and headings, and checks that elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.headings: list[str] = []
        self.styles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)
        if self.open and self.open[-1] == "style":
            self.styles.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def report(service, search_id: str) -> str:
    reply = service.http.get(f"/v1/searches/{search_id}/report")
    assert reply.status_code == 200, reply.text
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    return reply.text


COMMON = ["What it cost", "What it was measured with", "How to repeat it", "What the words mean"]
SHORT, TRUST = "In short", "Can the scores be trusted?"
TRIALS = "How its trials went"
WINNER = ["Best architecture", "Its measurement"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("black_box", [SHORT, *WINNER, "How the best score rose", TRUST, "Leaderboard", TRIALS]),
        ("auto_deeplab", [SHORT, "Answer", *WINNER, "How the best score rose", TRUST, "Leaderboard"]),
        ("reference", [SHORT, "Answer", *WINNER, "How the best score rose", TRUST, "Leaderboard"]),
        ("full_scale", [SHORT, "Answer", *WINNER, "How the best score rose", "Leaderboard"]),
        ("calibration", ["Answer"]),
    ],
)
def test_every_kind_has_a_report(service, every_kind, kind, expected):
    text = report(service, every_kind[kind])
    assert read(text).headings == [*expected, *COMMON]
    search = service.store.get_search(every_kind[kind])
    repeat = kind_of(search.spec).repeat(search.spec)
    assert kind_of(search.spec).question(search.spec).partition(" ")[0] in text
    assert repeat.command in text
    assert "<svg" in text
    assert (f"segnas export {search.id} --trial " in text) == ("Its measurement" in expected)


def test_it_needs_nothing_else_and_runs_nothing(service, every_kind):
    for search_id in every_kind.values():
        reader = read(report(service, search_id))
        assert not {"script", "link", "iframe", "object", "base", "form"} & set(reader.tags)
        for name, value in reader.attributes:
            assert not name.startswith("on")
            assert name != "style", "the policy allows no style of an element"
            if name in ("src", "href", "xlink:href", "action"):
                assert value.startswith("data:image/"), (name, value)
        policy = next(value for _, value in reader.attributes if value.startswith("default-src 'none'"))
        for style in reader.styles:
            digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy, "a browser would refuse this stylesheet"
            assert "url(" not in style


def test_the_service_sends_the_policy_of_the_file(service, every_kind):
    reply = service.http.get(f"/v1/searches/{every_kind['black_box']}/report")
    (policy,) = [value for _, value in read(reply.text).attributes if value.startswith("default-src")]
    assert reply.headers.get_list("Content-Security-Policy") == [policy]
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert every_kind["black_box"] in reply.headers["Content-Disposition"]


def test_what_users_write_is_text(service):
    search_id = service.search(name=HOSTILE[:90])
    service.store.edit_search(search_id, notes=f"first\n{HOSTILE}\x1b[31m", tags=["paper"])
    service.trial(search_id, 0, 0.5, 0.6, end=TrialStatus.COMPLETED)
    text = report(service, search_id)
    reader = read(text)
    assert not {"script", "img"} & set(reader.tags)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "The search is running: this is its state at" in text


def test_a_stranger_reads_first_what_was_tried_what_won_and_what_it_rests_on(service):
    search_id = service.search(name="for a stranger")
    service.trial(search_id, 0, 0.5, 0.6, end=TrialStatus.COMPLETED)
    service.trial(search_id, 1, 0.4, end=TrialStatus.PRUNED)
    service.trial(search_id, 2, end=TrialStatus.FAILED)
    text = report(service, search_id)
    assert "3 trainings on scenes: 1 to the end, 1 stopped early, as others were ahead, 1 failed." in text
    assert "The best is trial 0, with 0.6000 mIoU after 200 training iterations." in text
    assert f"`segnas confirm {search_id}` does that" in text
    assert "It was not measured whether trainings of this length order architectures as long ones do." in text
    assert "mean intersection over union" in text
    assert "Spearman" not in text, "only words that the report uses"
    found = service.http.post(f"/v1/searches/{search_id}/confirmation", json={"choose": {"how": "top", "count": 1}})
    assert found.status_code == 201, found.text
    text = report(service, search_id)
    assert "measured again with seeds that the search had not used: the answer says what came of it" in text
    assert "does that" not in text


def test_the_request_in_it_repeats_the_search(service, every_kind):
    text = report(service, every_kind["reference"])
    code = re.search(r"Save this as <code>search.yaml</code>:</p><pre[^>]*><code>(.*?)</code>", text, re.S)
    assert code is not None
    content = parse_yaml(code[1].replace("&#39;", "'").replace("&#34;", '"'))
    again = service.http.post("/v1/searches", json=content)
    assert again.status_code == 201, again.text
    spec = service.store.get_search(every_kind["reference"]).spec
    assert service.store.get_search(again.json()["id"]).spec.key == spec.key


def test_before_anything_is_measured(service):
    assert read(report(service, service.search(running=False))).headings == [TRIALS, *COMMON]
    bilevel = BilevelSpec(dataset="scenes", crop=(65, 65))
    record, _ = service.store.create_search(AutoDeepLabSpec(name="new", bilevel=bilevel))
    assert read(report(service, record.id)).headings == ["Answer", *COMMON]


def test_a_differentiable_search_without_measured_networks(service, snapshot_at):
    bilevel = BilevelSpec(dataset="scenes", crop=(65, 65))
    record, _ = service.store.create_search(AutoDeepLabSpec(name="unscored", bilevel=bilevel))
    service.store.add_snapshot(record.id, service.store.begin_driver(record.id), 0, snapshot_at(3, supernet_miou=0.25))
    text = report(service, record.id)
    assert read(text).headings == ["Answer", "Best architecture", *COMMON]
    assert "Run 0, epoch 3: supernet 0.2500 mIoU" in text


def test_predictions_are_inside_the_file(service):
    np = pytest.importorskip("numpy")
    search_id = service.search(name="with pictures")
    service.trial(search_id, 0, 0.5, 0.6, end=TrialStatus.COMPLETED)
    palette = np.array([[128, 64, 128], [0, 130, 180]], np.uint8)
    classes = np.array([[0, 1], [1, 1]], np.uint8)
    examples = Examples(
        key="e",
        rows=(0,),
        size=(2, 2),
        class_names=("road", "sky & <clouds>"),
        colours=((128, 64, 128), (0, 130, 180)),
        images=(photo_jpeg(palette[classes], (2, 2)),),
        masks=(class_png(classes, palette),),
        mask_classes=((1, 0),),
    )
    found = Predictions(
        iteration=200,
        examples=examples,
        maps=(class_png(classes, palette),),
        map_classes=((1, 0),),
        agreement=(0.75,),
    )
    assert service.store.record_predictions(search_id, 0, 1, found)
    text = report(service, search_id)
    reader = read(text)
    assert "What it predicts" in reader.headings
    assert [value[:16] for name, value in reader.attributes if name == "src"] == [
        "data:image/jpeg;",
        *["data:image/png;b"] * 2,
    ]
    assert "75% of the labelled pixels are right" in text
    assert "sky &amp; &lt;clouds&gt;" in text
    assert "#0082b4" in text


def test_no_such_search(service):
    assert service.http.get("/v1/searches/s000000000000/report").status_code == 404
