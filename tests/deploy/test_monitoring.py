"""The examples for Prometheus and Grafana name metrics and labels that a running service sends, and no others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from nas.results.status import TrialStatus

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "segnas.json").read_text())
RULES = yaml.safe_load((DEPLOY / "prometheus" / "segnas.rules.yml").read_text())
OPERATING = Path(__file__).parents[2] / "docs" / "concepts" / "operating.md"

OF_PROMETHEUS = {"up": {"job", "instance"}}
"""Metrics that Prometheus itself makes of a scrape."""

TARGET = {"job", "instance"}
"""Labels that Prometheus adds to every sample."""


@pytest.fixture(scope="module")
def sent(service) -> dict[str, set[str]]:
    """The labels of every metric that a service sends which has answered some requests, by the sample's name."""
    search = service.search()
    service.trial(search, 0, 0.1, 0.2, end=TrialStatus.COMPLETED)
    service.settings.cache.mkdir(exist_ok=True)
    service.http.get(f"/v1/searches/{search}")
    text = service.http.get("/metrics").text
    return {
        sample.name: set(sample.labels) for family in text_string_to_metric_families(text) for sample in family.samples
    }


def expressions() -> Iterator[tuple[str, str]]:
    """Every query of the dashboard and the rules, with the title of its panel or alert."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m")
    for group in RULES["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def nodes(expression: Any, kind: type[Any]) -> list[Any]:
    """The parts of a parsed query that are of a kind, the query itself included."""
    found: list[Any] = []
    promql_parser.walk(expression, lambda node: found.append(node) if isinstance(node, kind) else None)
    return found


def selectors(expression: Any) -> list[Any]:
    """Every selector of time series within a parsed query."""
    return nodes(expression, promql_parser.VectorSelector)


@pytest.mark.parametrize(("title", "query"), list(expressions()), ids=lambda value: value[:40])
def test_a_query_names_what_is_sent(sent, title, query):
    known = {**sent, **OF_PROMETHEUS}
    parsed = promql_parser.parse(query)
    assert selectors(parsed), title
    for selector in selectors(parsed):
        assert selector.name in known, (title, selector.name)
        asked = {matcher.name for matcher in selector.matchers.matchers}
        assert asked <= known[selector.name] | TARGET, (title, asked)
    for aggregate in nodes(parsed, promql_parser.AggregateExpr):
        labels = set() if aggregate.modifier is None else set(aggregate.modifier.labels)
        for selector in selectors(aggregate.expr):
            assert labels <= known[selector.name] | TARGET, (title, labels)


def test_labels_of_a_query_are_values_that_are_sent(service):
    """A status or an outcome that is spelt wrong would match nothing, for ever."""
    values: dict[tuple[str, str], set[str]] = {}
    for family in text_string_to_metric_families(service.http.get("/metrics").text):
        for sample in family.samples:
            for label, value in sample.labels.items():
                values.setdefault((sample.name, label), set()).add(value)
    closed = {"status", "fault", "outcome", "entry", "action"}
    checked = 0
    for title, query in expressions():
        for selector in selectors(promql_parser.parse(query)):
            if "http" in selector.name:
                continue
            for matcher in selector.matchers.matchers:
                if matcher.name in closed:
                    known = values[selector.name, matcher.name]
                    assert set(matcher.value.split("|")) <= known, (title, matcher.value)
                    checked += 1
    assert checked > 5


def test_every_metric_is_explained(sent):
    explained = set(re.findall(r"^\| `(segnas_\w+)`", OPERATING.read_text(), re.MULTILINE))
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in sent if name.startswith("segnas_")}
    assert explained == families


def test_the_dashboard_can_be_imported():
    """What Grafana asks of the file: ids that differ, a place for each panel, a data source chosen at import."""
    panels = DASHBOARD["panels"]
    assert DASHBOARD["uid"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    sources = [
        part["datasource"] for panel in panels for part in (panel, *panel.get("targets", ())) if "targets" in panel
    ]
    assert {source["uid"] for source in sources} == {"${datasource}"}
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(panels))) - {"__rate_interval"}
    assert used == variables


def test_the_scrape_asks_where_the_service_serves():
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["127.0.0.1:8000"]}]
    assert job.get("metrics_path", "/metrics") == "/metrics"
    assert job["authorization"].keys() == {"credentials_file"}  # its type is Bearer where none is given
    assert config["rule_files"] == ["segnas.rules.yml"]
