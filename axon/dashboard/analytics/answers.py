"""How the work goes, over the last days: what the API answers. Nothing of it is needed to start."""

import csv
import io
import json
import time
from collections.abc import Iterator
from typing import Any

from axon.dashboard.analytics import figures
from axon.dashboard.analytics.tally import Tally
from axon.dashboard.api.views import title_of
from axon.dashboard.desk import Body, Desk, File
from axon.tasks import Priority, State


def _fresh(desk: Desk) -> Tally:
    tally = desk.shared.tally
    tally.update(desk.ledger)
    return tally


def velocity(desk: Desk, body: Body) -> dict[str, Any]:
    tally = _fresh(desk)
    with tally.lock:
        found = figures.velocity(tally, body["days"], body.get("team", "").upper())
    return found | {"days_asked": body["days"]}


def efficiency(desk: Desk, body: Body) -> dict[str, Any]:
    tally = _fresh(desk)
    with tally.lock:
        return figures.efficiency(tally, body["days"]) | {"days_asked": body["days"]}


def bottlenecks(desk: Desk, body: Body) -> dict[str, Any]:
    tally = _fresh(desk)
    with tally.lock:
        found = figures.bottlenecks(tally, body["days"], time.time())
    known = {one["identifier"] for one in found["stuck"]}
    for waiting in desk.ledger.waiting():
        if waiting.stuck and waiting.identifier not in known:
            found["stuck"].append(
                {
                    "identifier": waiting.identifier,
                    "state": State.TODO.value,
                    "seconds": None,
                    "reason": waiting.reason,
                }
            )
    for row in (*found["stuck"], *found["retried"]):
        row["title"] = title_of(desk.ledger, row["identifier"])
    found["empty"] = found["empty"] and not found["stuck"]
    return found | {"days_asked": body["days"]}


def summary(desk: Desk, body: Body) -> dict[str, Any]:
    tally, days = _fresh(desk), body["days"]
    with tally.lock:
        spent, landed = figures.spending(tally, days), figures.landed_in(tally, days)
        week = figures.activity(tally, days)
    priorities: dict[str, dict[str, int]] = {
        priority.label: dict.fromkeys((state.value for state in State), 0) for priority in Priority
    }
    for figure in desk.ledger.figures():
        priorities[figure.priority.label][figure.state.value] += figure.count
    usd = spent["total_usd"]
    counts = desk.ledger.counts()
    return {
        "counts": counts,
        "priorities": priorities,
        "activity": week,
        "landed": landed,
        "spend_usd": usd,
        "tokens": spent["total_tokens"],
        "cost_per_landed_usd": usd / landed if usd is not None and landed else None,
        "days_asked": days,
        "empty": not any(counts.values()) and not any(map(any, week)),
    }


def cost(desk: Desk, body: Body) -> dict[str, Any]:
    tally = _fresh(desk)
    with tally.lock:
        found = figures.spending(tally, body["days"])
    for row in found["tasks"]:
        row["title"] = title_of(desk.ledger, row["identifier"])
    return found | {"days_asked": body["days"]}


PARTS = {
    "velocity": velocity,
    "efficiency": efficiency,
    "bottlenecks": bottlenecks,
    "summary": summary,
    "cost": cost,
}


def export(desk: Desk, body: Body) -> File:
    """All of it; as CSV a row per figure."""
    found = {name: part(desk, body) for name, part in PARTS.items()}
    name = f"analytics-{body['days']}-days"
    if body["format"] == "json":
        text = json.dumps(found, indent=1)
        return File(body=text.encode(), kind="application/json; charset=utf-8", name=f"{name}.json")
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("part", "figure", "value"))
    for part, value in found.items():
        writer.writerows((part, figure, _cell(said)) for figure, said in _flat(value, ""))
    kind = "text/csv; charset=utf-8"
    return File(body=out.getvalue().encode("utf-8", "replace"), kind=kind, name=f"{name}.csv")


def _flat(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _flat(item, f"{place}[{number}]")
    else:
        yield place, value


def _cell(value: Any) -> Any:
    """No spreadsheet takes it for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value
