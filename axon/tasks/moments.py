"""Read a moment as people write it: 18:30, 30m, 2026-03-01T09:00."""

import re
from datetime import UTC, datetime, timedelta

from axon.errors import UsageError

FRACTION = re.compile(r"(.+:\d\d)\.(\d+)(|Z|[+-]\d\d:?\d\d)")
NUMBER = re.compile(r"\d+(\.\d+(e[+-]?\d+)?|e[+-]?\d+)")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def exact(seconds: float) -> str:
    """An ISO time that `iso` turns into the very same number again."""
    whole, _, fraction = repr(float(seconds)).partition(".")
    try:
        moment = datetime.fromtimestamp(int(whole), UTC).strftime("%Y-%m-%dT%H:%M:%S")
        text = f"{moment}.{fraction}Z" if fraction != "0" else f"{moment}Z"
        return text if iso(text) == seconds else repr(seconds)
    except (ValueError, OverflowError, OSError, UsageError):
        return repr(seconds)


def iso(text: str) -> float:
    """Unix seconds of an ISO date or time; local time when it names no zone."""
    text = text.strip()
    try:
        if found := FRACTION.fullmatch(text):  # of any length, and not rounded
            whole = datetime.fromisoformat(found[1] + found[3]).timestamp()
            return float(f"{whole:.0f}.{found[2]}")
        if NUMBER.fullmatch(text):
            return float(text)
        return datetime.fromisoformat(text).timestamp()
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
