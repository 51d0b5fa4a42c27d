"""Read a moment as people write it: 18:30, 30m, 2026-03-01T09:00."""

import re
from datetime import datetime, timedelta

from axon.errors import UsageError

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def iso(text: str) -> float:
    """Unix seconds of an ISO date or time; local time when it names no zone."""
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"cannot read the time {text!r}; write it as 2026-03-01T09:00 or 2026-03-01"
        ) from None


def moment(text: str, now: float) -> float:
    """Unix seconds of `text`: a clock time to come, a span from now, or an ISO time."""
    text = text.strip()
    if span := re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smhd])", text):
        return now + float(span[1]) * SECONDS[span[2]]
    if clock := re.fullmatch(r"(\d{1,2}):(\d{2})", text):
        hour, minute = int(clock[1]), int(clock[2])
        if hour < 24 and minute < 60:
            today = datetime.fromtimestamp(now)
            at = today.replace(hour=hour, minute=minute, second=0, microsecond=0)
            return (at if at > today else at + timedelta(days=1)).timestamp()
    if not re.match(r"\d{4}-?\d\d", text):
        raise UsageError(f"cannot read the time {text!r}; write 30m, 2h, 18:30 or 2026-03-01T09:00")
    return iso(text)


def told(seconds: float) -> str:
    """Unix seconds as local time for people: 2026-03-01 09:00."""
    try:
        return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f}"
