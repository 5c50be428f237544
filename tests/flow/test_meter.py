"""What is measured, and that the dashboard shows nothing that isn't."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bridge.flow.meter import Meter
from bridge.storage.figures import LANES, Figures
from tests.domain.given import CLAIRE, NOW, waiting

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana-dashboard.json"


def _everything() -> str:
    """All metrics, each with a value."""
    meter = Meter()
    meter.inputs.labels("mail", "decided").inc()
    meter.effects.labels("mail", "done").inc()
    meter.drift.labels("levels").inc()
    meter.answered(200, 0.1)
    asked = waiting()
    taken = replace(asked, owner=CLAIRE.user_id, taken_at=NOW + timedelta(hours=3))
    meter.changed(asked, taken)
    meter.changed(taken, replace(taken, answered_at=NOW + timedelta(hours=5)))
    lanes = dict.fromkeys(LANES, (0, 0.0))
    return meter.text(Figures(outbox=lanes, needs={"database": True}, groups={"derm": (2, 60.0)})).decode()


def _queries(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def test_the_time_to_claim_and_to_the_first_answer_is_counted_once_each() -> None:
    text = _everything()
    assert "colloque_claims_total 1.0" in text
    assert 'colloque_taken_after_seconds_sum{group="derm"} 10800.0' in text
    assert 'colloque_answered_after_seconds_sum{group="derm"} 18000.0' in text
    assert 'colloque_answered_after_seconds_count{group="derm"} 1.0' in text


def test_a_group_shows_how_many_wait_and_for_how_long() -> None:
    assert 'colloque_group_waiting{of="derm"} 2.0' in _everything()
    assert 'colloque_group_oldest_seconds{of="derm"} 60.0' in _everything()


def test_the_dashboard_asks_for_metrics_and_labels_that_exist() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    text = _everything()
    queries = _queries(dashboard)
    assert len(queries) >= 20
    for query in queries:
        for name in re.findall(r"colloque_\w+", query):
            samples = re.findall(rf"^{name}(?:\{{(.*)\}})? ", text, re.MULTILINE)
            assert samples, name
            for label in re.findall(r"(?:by \(|, )(?!le\b)(\w+)(?=[,)])", query):
                assert f"{label}=" in samples[0], (query, label)


def test_the_dashboard_shows_every_metric() -> None:
    shown = " ".join(_queries(json.loads(DASHBOARD.read_text())))
    exposed = set(
        re.findall(r"^# TYPE (colloque_\w+) (?:gauge|counter|histogram)", _everything(), re.MULTILINE)
    )
    created = {name for name in exposed if name.endswith("_created")}
    assert {name for name in exposed - created if name not in shown} == set()


def test_the_panels_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
