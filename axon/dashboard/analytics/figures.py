"""What the tally tells of a range of days; what is unknown is None, never a made-up zero."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from axon.dashboard.analytics.day import Day, Spent
from axon.dashboard.analytics.tally import Story, Tally
from axon.tasks import State

MOST_LISTED, MOST_SPENDERS = 50, 100
LEAST_STAYS = 5  # before the usual time in a state is known
UNUSUAL = 3.0  # times the usual
UNTOLD_SECONDS = 4 * 3600.0  # long, where nothing usual is known
BLOCKED_SECONDS = 3600.0


def days_of(tally: Tally, days: int) -> list[tuple[int, Day | None]]:
    first, last = tally.range(days)
    return [(number, tally.days.get(number)) for number in range(first, last + 1)]


def velocity(tally: Tally, days: int, team: str) -> dict[str, Any]:
    rows, landed = [], []
    for number, day in days_of(tally, days):
        row = {name: _of_team(getattr(day, name), team) if day else 0 for name in ENDS}
        rows.append({"date": date.fromordinal(number).isoformat(), **row})
        landed.append(row["landed"])
    total = sum(landed)
    happened = any(row[name] for row in rows for name in ENDS)
    return {
        "days": rows,
        "weekly_average": round(7 * total / days, 2) if happened else None,
        "trend": _trend(landed),
        "total": total,
        "empty": not happened,
    }


ENDS = ("landed", "created", "failed")


def _of_team(counts: Counter[str], team: str) -> int:
    return counts[team] if team else counts.total()


def _trend(values: list[int]) -> float | None:
    """The slope of the straight line through them, per week, as a share of the mean."""
    count, total = len(values), sum(values)
    if not total or count < 2:
        return None
    middle, mean = (count - 1) / 2, total / count
    spread = sum((x - middle) ** 2 for x in range(count))
    slope = sum((x - middle) * (y - mean) for x, y in enumerate(values)) / spread
    return round(7 * slope / mean, 4)


def efficiency(tally: Tally, days: int) -> dict[str, Any]:
    found = _happened(tally, days)
    landed = sum(day.landed.total() for day in found)
    ended = landed + sum(day.failed.total() for day in found)
    cycles = _sorted(day.cycles for day in found)
    busy, active = sum(day.busy for day in found), sum(day.active for day in found)
    peak = max((day.peak for day in found), default=0)
    return {
        "success_rate": _share(landed, ended),
        "first_pass_rate": _share(sum(day.first_pass for day in found), landed),
        "cycle_seconds": {
            "median": _quantile(cycles, 0.5),
            "p90": _quantile(cycles, 0.9),
            "mean": sum(cycles) / len(cycles) if cycles else None,
        },
        "attempts_per_task": _share(sum(day.attempts for day in found), ended),
        "retry_rate": _share(sum(day.repeated for day in found), ended),
        "parallel_efficiency": _share(busy, active * peak),
        "busy_seconds": busy or None,
        "active_seconds": active or None,
        "most_at_once": peak or None,
        "count": landed,
        "empty": not ended,
    }


def bottlenecks(tally: Tally, days: int, now: float) -> dict[str, Any]:
    found = _happened(tally, days)
    stays = {
        state.value: _sorted(day.stays[state] for day in found if state in day.stays)
        for state in State
    }
    reasons: Counter[str] = Counter()
    for day in found:
        reasons.update(day.reasons)
    retried = _retried(tally, days, now)
    return {
        "time_in_state": {
            state: {
                "median": _quantile(seconds, 0.5),
                "p90": _quantile(seconds, 0.9),
                "total": sum(seconds),
                "count": len(seconds),
            }
            for state, seconds in stays.items()
            if seconds
        },
        "stuck": _stuck(tally, stays, now),
        "retried": retried,
        "failures": [{"reason": why, "count": n} for why, n in reasons.most_common(MOST_LISTED)],
        "empty": not any(stays.values()) and not retried,
    }


def _retried(tally: Tally, days: int, now: float) -> list[dict[str, Any]]:
    since = now - days * 86_400
    names = [
        (story.failures, name, story)
        for name, story in tally.stories.items()
        if story.failures and story.failed_at >= since
    ]
    names.sort(key=lambda one: (-one[0], one[1]))
    return [
        {"identifier": name, "attempts": story.attempts, "failures": failures}
        for failures, name, story in names[:MOST_LISTED]
    ]


def _stuck(tally: Tally, stays: dict[str, list[float]], now: float) -> list[dict[str, Any]]:
    """Tasks in hands that stay where they are for far longer than others did."""
    found = []
    for name, story in tally.open.items():
        limit = _limit(story, stays)
        if limit is not None and (seconds := now - story.since) > limit:
            label = State(story.state).label
            reason = "its question waits for an answer"
            if story.state != State.BLOCKED:
                reason = f"in {label} for longer than usual"
            found.append((seconds, name, story.state, reason))
    found.sort(reverse=True)
    return [
        {"identifier": name, "state": state, "seconds": seconds, "reason": reason}
        for seconds, name, state, reason in found[:MOST_LISTED]
    ]


def _limit(story: Story, stays: dict[str, list[float]]) -> float | None:
    """Seconds in its state that are too many; None: waiting there is no trouble."""
    if story.state == State.BLOCKED:
        return BLOCKED_SECONDS
    if story.state not in (State.IN_PROGRESS, State.REVIEW):
        return None
    usual = stays[story.state]
    if len(usual) < LEAST_STAYS:
        return UNTOLD_SECONDS
    return max(60.0, UNUSUAL * (_quantile(usual, 0.9) or 0.0))


def activity(tally: Tally, days: int) -> list[list[int]]:
    """Events of each hour of the week, Monday first."""
    week = [[0] * 24 for _ in range(7)]
    for number, day in days_of(tally, days):
        if day:
            row = week[date.fromordinal(number).weekday()]
            for hour, count in enumerate(day.hours):
                row[hour] += count
    return week


def spending(tally: Tally, days: int) -> dict[str, Any]:
    rows, total = [], Spent()
    kinds: dict[str, defaultdict[str, Spent]] = {
        name: defaultdict(Spent) for name in ("models", "agents", "tasks")
    }
    for number, day in days_of(tally, days):
        spent = day.spent if day else Spent()
        usd = spent.price if spent.requests else 0.0
        rows.append(
            {"date": date.fromordinal(number).isoformat(), "usd": usd, "tokens": spent.tokens}
        )
        total.merge(spent)
        for name, sums in kinds.items():
            for key, one in getattr(day, name).items() if day else ():
                sums[key].merge(one)
    return {
        "days": rows,
        "models": _spenders(kinds["models"], "name"),
        "agents": _spenders(kinds["agents"], "name"),
        "tasks": _spenders(kinds["tasks"], "identifier"),
        "total_usd": total.price,
        "total_tokens": total.tokens,
        "unknown_price_requests": total.unpriced,
        "empty": not total.requests,
    }


def _spenders(sums: dict[str, Spent], label: str) -> list[dict[str, Any]]:
    """Those who spent most, first."""
    order = sorted(sums.items(), key=lambda one: (-one[1].usd, -one[1].tokens, one[0]))
    return [
        {label: name, "usd": spent.price, "tokens": spent.tokens, "requests": spent.requests}
        for name, spent in order[:MOST_SPENDERS]
    ]


def landed_in(tally: Tally, days: int) -> int:
    return sum(day.landed.total() for day in _happened(tally, days))


def _happened(tally: Tally, days: int) -> list[Day]:
    return [day for _, day in days_of(tally, days) if day is not None]


def _sorted(parts: "Iterable[array[float]]") -> list[float]:
    return sorted(_joined(parts))


def _joined(parts: "Iterable[array[float]]") -> Iterator[float]:
    for part in parts:
        yield from part


def _quantile(ordered: list[float], share: float) -> float | None:
    """Between the two nearest of a sorted list."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
