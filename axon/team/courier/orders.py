"""What a chat may ask of a team: each command a function of the ledger that answers in words.

A command, the place reached among Telegram's updates and the answer are one transaction: killed
anywhere, a command is neither lost nor carried out twice.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from axon.core.terminal import one_line
from axon.errors import UsageError
from axon.integrations.telegram.updates import Incoming
from axon.ledger import Ledger
from axon.tasks import State, Task
from axon.tasks.moments import moment, told
from axon.team.overview import status_lines
from axon.team.screen.words import clock, event_detail, event_word, money
from axon.team.status import latest_run
from axon.team.steering import stop_runs

STALE_SECONDS = 300.0  # a command that has waited longer is not carried out
CONFIRM_SECONDS = 60.0
MOST_LINES = 15
HELP = (
    ("/status", "the run, its workers, what waits for you"),
    ("/next", "what is worked next"),
    ("/log [ENG-1]", "what happened last, in all or to a task"),
    ("/budget", "what was spent, and what may be"),
    ("/answer ENG-1 TEXT", "answer what its agent asked"),
    ("/retry ENG-1", "try a failed task again"),
    ("/pause [30m]", "begin no new task, for a time or until /resume"),
    ("/resume", "go on"),
    ("/stop", "end the team; what runs is parked"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    title: str
    body: str = ""
    buttons: tuple[tuple[str, str], ...] = ()  # label and data


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command, and when it is looked at."""

    incoming: Incoming
    now: float

    @property
    def actor(self) -> str:
        return f"telegram {self.incoming.sender}"

    @property
    def words(self) -> list[str]:
        return self.incoming.rest.split()


def obey(ledger: Ledger, order: Order) -> Answer:
    """AxonError: it cannot be done, and nothing was changed."""
    incoming = order.incoming
    if incoming.pressed:
        return _pressed(ledger, order)
    if incoming.at is not None and order.now - incoming.at > STALE_SECONDS:
        return Answer(
            title="Too late",
            body=f"/{incoming.name} was sent at {told(incoming.at)}, and it is {told(order.now)}"
            " here: it was not carried out. Send it again if you still want it.",
        )
    do = COMMANDS.get(incoming.name)
    if do is None:
        return Answer(title=f"There is no /{incoming.name}", body=_help_text())
    return do(ledger, order)


def refused(incoming: Incoming, why: str) -> Answer:
    name = incoming.name or "button"
    return Answer(title=f"/{name}: not done", body=why)


def _status(ledger: Ledger, order: Order) -> Answer:
    return Answer(title="Status", body="\n".join(status_lines(ledger)))


def _next(ledger: Ledger, order: Order) -> Answer:
    ready = ledger.tasks(states=(State.TODO,), sort="priority", limit=200)
    free = [task for task in ready if not task.blocked][:MOST_LINES]
    lines = [f"{t.identifier} {one_line(t.title)} ({t.priority.label})" for t in free]
    lines += [f"{w.identifier} {w.reason}" for w in ledger.waiting(limit=MOST_LINES)]
    return Answer(title="Next", body="\n".join(lines) or "nothing is to do")


def _log(ledger: Ledger, order: Order) -> Answer:
    name = order.words[0].upper() if order.words else ""
    task = ledger.task(name) if name else None
    events = ledger.latest(identifier=name, limit=MOST_LINES)
    tasks = {name: task} if task else {}
    lines = []
    for event in events:
        about = tasks.get(event.identifier)
        said = (clock(event.at), event.identifier, event_word(event), event_detail(event, about))
        lines.append(" ".join(part for part in said if part)[:300])
    return Answer(title=f"Log {name}".strip(), body="\n".join(lines) or "nothing has happened")


def _budget(ledger: Ledger, order: Order) -> Answer:
    run, day = latest_run(ledger), ledger.used()
    lines = [f"today: {money(day.usd)}, {day.tokens:,} tokens"]
    if run is not None:
        used = ledger.used(run=run.id)
        limits = [
            f"of {money(run.max_usd)}" if run.max_usd is not None else "",
            f"of {run.max_tokens:,} tokens" if run.max_tokens is not None else "",
        ]
        bounds = " ".join(filter(None, limits)) or "without a limit"
        lines.append(f"run {run.id}: {money(used.usd)}, {used.tokens:,} tokens, {bounds}")
    return Answer(title="Budget", body="\n".join(lines))


def _pause(ledger: Ledger, order: Order) -> Answer:
    until = moment(order.words[0], order.now) if order.words else None
    if until is not None and until <= order.now:
        raise UsageError(f"{order.words[0]} has passed; give a time to come")
    ledger.pause(f"by {order.actor}", until=until, actor=order.actor)
    end = f"until {told(until)}" if until else "until /resume"
    return Answer(title=f"Paused {end}", body="What runs goes on; no new task is begun.")


def _resume(ledger: Ledger, order: Order) -> Answer:
    held = ledger.paused() is not None
    ledger.resume(actor=order.actor)
    return Answer(title="Goes on" if held else "Nothing was paused")


def _answer(ledger: Ledger, order: Order) -> Answer:
    name, _, text = order.incoming.rest.partition(" ")
    if "\n" in name:  # the text may begin on a line of its own
        name, _, text = order.incoming.rest.partition("\n")
    if not text.strip():
        raise UsageError("say which task and what, as /answer ENG-1 use the second one")
    task = ledger.answer(name.upper(), text.strip(), actor=order.actor)
    return Answer(title=f"{task.identifier} goes on with your answer", body=_title(task))


def _retry(ledger: Ledger, order: Order) -> Answer:
    if not order.words:
        raise UsageError("say which task, as /retry ENG-1")
    task = ledger.change(order.words[0].upper(), "retry", actor=order.actor)
    return Answer(title=f"{task.identifier} is tried again", body=_title(task))


def _stop(ledger: Ledger, order: Order) -> Answer:
    if [word.lower() for word in order.words] == ["yes"]:
        _confirmed(ledger, order, "stop", None)
        return _stopped(ledger)
    if not any(run.alive for run in ledger.runs()):
        raise UsageError("no team is running here")
    nonce = secrets.token_hex(8)
    asked = [nonce, "stop", order.incoming.sender, order.now + CONFIRM_SECONDS]
    ledger.set_bookmark(_place(order), json.dumps(asked))
    return Answer(
        title="Stop the team?",
        body="What runs is parked and nothing is lost. Within a minute: press, or /stop yes",
        buttons=(("Stop it", f"yes {nonce}"), ("No", f"no {nonce}")),
    )


def _stopped(ledger: Ledger) -> Answer:
    return Answer(title="The team ends", body="\n".join(f"asked {r}" for r in stop_runs(ledger)))


def _pressed(ledger: Ledger, order: Order) -> Answer:
    """A button counts for the question it stands under, for who asked, for a minute, once."""
    word, _, nonce = order.incoming.pressed.partition(" ")
    if word not in ("yes", "no") or not nonce:
        raise UsageError("that button is not known")
    _confirmed(ledger, order, "stop", nonce)
    return _stopped(ledger) if word == "yes" else Answer(title="Nothing was done")


def _confirmed(ledger: Ledger, order: Order, name: str, nonce: str | None) -> None:
    """UsageError unless this is what was asked about, by the same person, not long ago."""
    kept = ledger.bookmark(_place(order))
    asked: list[Any] = json.loads(kept) if kept else ["", "", 0, 0.0]
    known, what, sender, until = asked
    mine = bool(known) and what == name and sender == order.incoming.sender
    fresh = until - CONFIRM_SECONDS <= order.now <= until
    if not (mine and fresh and nonce in (None, known)):
        raise UsageError(f"nothing is to be confirmed, or not any more; send /{name} again")
    ledger.set_bookmark(_place(order), "")


def _place(order: Order) -> str:
    return f"telegram confirm {order.incoming.chat}"


def _help(ledger: Ledger, order: Order) -> Answer:
    return Answer(title="axon", body=_help_text())


def _help_text() -> str:
    return "\n".join(f"{command}: {what}" for command, what in HELP)


def _title(task: Task) -> str:
    return one_line(task.title)


READS = {"status", "next", "log", "budget", "help", "start"}  # they change nothing
COMMANDS: dict[str, Callable[[Ledger, Order], Answer]] = {
    "status": _status,
    "next": _next,
    "log": _log,
    "budget": _budget,
    "pause": _pause,
    "resume": _resume,
    "answer": _answer,
    "retry": _retry,
    "stop": _stop,
    "help": _help,
    "start": _help,
}
