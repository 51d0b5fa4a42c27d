"""The words a person reads for events, times and money: the same on a terminal and in a pipe."""

import time
from typing import Literal

from axon.core.terminal import one_line
from axon.ledger import Event
from axon.tasks import Task

Mood = Literal["good", "bad", "warn", "plain"]

WORDS = {
    "add": "added",
    "claim": "claimed",
    "submit": "submitted",
    "land": "landed",
    "ask": "asked",
    "answer": "answered",
    "release": "released",
    "fail": "retrying",
    "give_up": "failed",
    "retry": "retried",
    "cancel": "canceled",
    "reopen": "reopened",
    "edit": "edited",
    "depend": "edited",
    "delete": "deleted",
    "undo": "taken-back",
    "message": "told",
    "pause": "paused",
    "resume": "resumed",
    "session_fault": "fault",
    "gateway_refused": "refused",
    "landing_deferred": "deferred",
    "batch_red": "batch-red",
    "heartbeat": "stuck",
    "pull_request": "proposed",
    "pull_request_failed": "unproposed",
}
MOODS: dict[str, Mood] = {
    "land": "good",
    "brought_over": "good",
    "pull_request": "good",
    "pull_request_failed": "bad",
    "give_up": "bad",
    "run_halted": "bad",
    "run_lost": "bad",
    "worker_died": "bad",
    "fail": "warn",
    "release": "warn",
    "cancel": "warn",
    "ask": "warn",
    "pause": "warn",
    "guard": "warn",
    "denied": "warn",
    "budget": "warn",
    "session_fault": "warn",
    "gateway_refused": "warn",
    "errand_failed": "warn",
    "not_told": "warn",
    "landing_deferred": "warn",
    "batch_red": "warn",
    "replay_mismatch": "warn",
    "heartbeat": "warn",
}
# Part of the story, but no news: `axon logs` and a pipe have them, the live table leaves them out.
QUIET = frozenset(
    {
        "add",
        "submit",
        "comment",
        "edit",
        "depend",
        "session",
        "phase",
        "plan",
        "run_started",
        "run_ended",
        "github_push",
        "issue_taken",
        "issue_told",
        "issue_closed",
    }
)


def event_word(event: Event) -> str:
    """One stable word for what happened."""
    if event.action == "gate" and (passed := gate_passed(event)) is not None:
        return "gate-green" if passed else "gate-red"
    return one_line(WORDS.get(event.action, event.action.replace("_", "-")))


def event_detail(event: Event, task: Task | None) -> str:
    """The rest of the line, without power over a terminal."""
    return one_line(_detail(event, task))


def event_mood(event: Event) -> Mood:
    if event.action == "gate":
        return "plain" if gate_passed(event) else "bad"
    if event.action == "land" and event.data.get("verified") is False:
        return "warn"
    return MOODS.get(event.action, "plain")


def is_news(event: Event) -> bool:
    """Whether somebody who watches the live table should be told."""
    if event.action == "gate":
        return not gate_passed(event)
    return event.action not in QUIET


def gate_passed(event: Event) -> bool | None:
    """None: the event does not tell."""
    passed, code = event.data.get("passed"), event.data.get("code")
    if isinstance(passed, bool):
        return passed
    return code == 0 if isinstance(code, int) else None


def clock(at: float) -> str:
    try:
        return time.strftime("%H:%M:%S", time.localtime(at))
    except (OverflowError, ValueError, OSError):  # a time no clock shows
        return "--:--:--"


def duration(seconds: float) -> str:
    """ "0:07", "12:40", "3:02:11": no wider than it must be, and never negative."""
    whole = int(max(0.0, seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def question_line(task: Task) -> str:
    """What a task that is blocked waits for, and how to answer."""
    return (
        f"{one_line(task.identifier)} asks: {one_line(task.question)};"
        f" axon task answer {one_line(task.identifier)} TEXT"
    )


def money(usd: float | None) -> str:
    """ "$0.12"; small sums keep two digits that count; "" when unknown."""
    if usd is None:
        return ""
    return f"${usd:.4f}" if 0 < usd < 0.01 else f"${usd:,.2f}"


def _detail(event: Event, task: Task | None) -> str:
    title = task.title if task else ""
    match event.action:
        case "add":
            return title or event.why
        case "claim":
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            return f"by {event.actor}{again}: {title}".rstrip(": ")
        case "submit":
            branch = task.branch if task else ""
            commit = str(event.data.get("commit") or "")[:7]
            return " at ".join(part for part in (branch, commit) if part) + _because(event)
        case "land":
            return _landing(event, task)
        case "fail" | "give_up" if event.attempt:
            return f"after attempt {event.attempt}" + _because(event)
        case "session":
            return " ".join(str(event.data.get(key) or "") for key in ("engine", "model")).strip()
        case "phase":
            return str(event.data.get("phase") or "") + _because(event)
        case "review":
            return str(event.data.get("verdict") or "").replace("_", " ") + _because(event)
        case "gate" if event.data.get("where") == "landing":
            return f"on the merge: {event.why}"
        case "edit" | "depend" | "undo" | "delete":
            return f"by {event.actor}" + _because(event)
        case "retry" | "cancel" | "reopen" | "answer" | "pause" | "resume" | "comment" | "message":
            return f"by {event.actor}" + _because(event)
    return event.why


def _landing(event: Event, task: Task | None) -> str:
    target = event.data.get("target") or (task.target if task else "")
    commit = event.data.get("commit") or (task.landed_commit if task else "")
    verified = event.data.get("verified", task.verified if task else None)
    judged = "" if verified is None else " (verified)" if verified else " (unverified)"
    return f"on {target} as {str(commit)[:7]}{judged}"


def _because(event: Event) -> str:
    return f": {event.why}" if event.why else ""
