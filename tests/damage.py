"""A ledger with something of everything in it, all that can be asked of it, and what a fault does.

Whatever happens to its files, an answer is the right one or an error of one line.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from axon.errors import AxonError, LedgerError, NotFound
from axon.ledger import Ledger, Usage, WorkerStatus
from axon.ledger.file import FileLedger
from axon.tasks import Claim, Draft, Priority, State
from tests.world import World, add, claim, finish, landing, session, started

RUN = "run-1"


def fill(world: World) -> None:
    """Tasks in every state, with all that can hang on them."""
    ledger = world.open(create=True)
    started(ledger, RUN, max_tasks=50)
    add(ledger, "done", "in review", "fails", "asks", "works", description="x" * 600)
    ledger.add([Draft(title="whole", key="w"), Draft(title="part", parent="w")])
    add(ledger, "waits", depends=("ENG-1", "ENG-3"))
    add(ledger, "scoped", "scoped too", paths=("src/**", "docs/*.md"), priority=Priority.LOW)
    add(ledger, "later", not_before=world.wall + 1000)
    add(ledger, *(f"task {n}" for n in range(20)), labels=("many", "of them"), team="OPS")
    finish(ledger, claim(ledger, run=RUN))
    ledger.submit(claim(ledger, run=RUN), commit="c2", verified=True)
    ledger.fail(claim(ledger, run=RUN), "red", feedback="its output " * 20)
    ledger.ask(claim(ledger, run=RUN), "which of the two?")
    held = claim(ledger, run=RUN, seconds=10**6)
    ledger.start_session(session(held), token_hash="hash", claim=held)
    for n in range(5):
        ledger.spend(Usage(session="s1", model="m", status=200, output_tokens=n, cost_usd=0.1))
        ledger.comment("ENG-5", f"comment {n} " * 5)
        ledger.send("ENG-5", f"message {n}")
    ledger.acknowledge([1, 2], held)
    ledger.set_worker(WorkerStatus(name="w1", run=RUN, pid=1, identifier="ENG-5"))
    ledger.edit(["OPS-3", "OPS-4"], {"title": "edited"})
    ledger.change("OPS-5", "cancel")
    assert landing(ledger)
    ledger.pause("lunch", until=world.wall + 50)
    ledger.record("note", actor="gateway", run=RUN, data={"of": "the run"})
    world.sleep(60)


ASKED: dict[str, Callable[[Ledger], Any]] = {
    "tasks": lambda ledger: ledger.tasks(),
    "todo": lambda ledger: ledger.tasks(states=[State.TODO], sort="priority"),
    "failed": lambda ledger: ledger.tasks(states=[State.BLOCKED, State.REVIEW]),
    "found": lambda ledger: ledger.tasks(text="scoped", label="", priority=Priority.LOW),
    "task": lambda ledger: [ledger.task(f"ENG-{n}") for n in (1, 2, 3, 5, 8, 9)],
    "absent": lambda ledger: _absent(ledger),
    "counts": lambda ledger: ledger.counts(),
    "teams": lambda ledger: ledger.teams(),
    "figures": lambda ledger: ledger.figures(),
    "waiting": lambda ledger: (ledger.waiting(), ledger.waiting(identifier="ENG-8")),
    "ready_in": lambda ledger: (ledger.ready_in(), ledger.ready_in(RUN)),
    "claims": lambda ledger: ledger.claims(RUN),
    "comments": lambda ledger: ledger.comments("ENG-5"),
    "messages": lambda ledger: (ledger.unread("ENG-5"), ledger.messages("ENG-5")),
    "events": lambda ledger: ledger.events(),
    "of task": lambda ledger: ledger.events(identifier="ENG-5"),
    "of run": lambda ledger: ledger.events(run=RUN),
    "latest": lambda ledger: ledger.latest(identifier="ENG-1"),
    "steps": lambda ledger: ledger.steps(),
    "spending": lambda ledger: ledger.spending(),
    "runs": lambda ledger: (ledger.runs(), ledger.run(RUN)),
    "workers": lambda ledger: ledger.workers(RUN),
    "sessions": lambda ledger: (ledger.sessions(), ledger.sessions("ENG-5"), ledger.session("s1")),
    "token": lambda ledger: ledger.session_of("hash"),
    "spent": lambda ledger: (ledger.spent(run=RUN), ledger.spent(identifier="ENG-5")),
    "used": lambda ledger: (ledger.used(), ledger.used(run=RUN)),
    "paused": lambda ledger: ledger.paused(),
    "related": lambda ledger: (ledger.related("ENG-6"), ledger.related("ENG-1")),
    "exported": lambda ledger: ledger.take_out(ledger.tasks()),
    # what writes comes last
    "landed": lambda ledger: finish_review(ledger),
    "undone": lambda ledger: ledger.undo(),
    "claimed": lambda ledger: list(_drain(ledger)),
}


def _absent(ledger: Ledger) -> str:
    try:
        return ledger.task("ENG-77").title
    except NotFound as error:
        return str(error)


def finish_review(ledger: Ledger) -> Any:
    lease = ledger.lease("landing", "lander", 30)
    assert lease is not None
    return ledger.landed(lease, "ENG-2", commit="m2", target="main", verified=True)


def _drain(ledger: Ledger) -> Iterator[tuple[str, int]]:
    for _ in range(3):
        task = ledger.claim(worker="w", run="", lease_seconds=10**6)
        assert task is not None
        yield task.identifier, task.token
        held = Claim(identifier=task.identifier, token=task.token, worker="w", run="")
        ledger.submit(held, commit="c", verified=True)


@contextmanager
def opened(world: World, path: Path) -> Iterator[Ledger]:
    other = World(path, wall=world.wall, boot=world.boot)
    with closing(FileLedger.open(str(path), clock=other.clock)) as ledger:
        yield ledger


def answers(world: World, path: Path) -> dict[str, Any]:
    """What each question is answered: a value, or the one line that says why there is none."""
    found: dict[str, Any] = {}
    try:
        with opened(world, path) as ledger:
            try:
                found["check"] = ledger.check()
            except LedgerError as error:
                found["check"] = line(error)
            for name, ask in ASKED.items():
                try:
                    found[name] = ask(ledger)
                except LedgerError as error:
                    found[name] = line(error)
    except LedgerError as error:
        return {name: line(error) for name in ("check", *ASKED)}
    return found


class Line(str):
    """An error."""


def line(error: AxonError) -> Line:
    assert "\n" not in str(error)
    return Line(error)


def copied(source: Path, target: Path) -> Path:
    """All files of a ledger, as a crash would leave them."""
    for end in ("", "-wal", ".lock"):
        if (part := source.with_name(source.name + end)).exists():
            shutil.copyfile(part, target.with_name(target.name + end))
    return target


def remove(path: Path) -> None:
    for part in path.parent.glob(f"{path.name}*"):
        part.unlink()


def verdict(right: dict[str, Any], found: dict[str, Any]) -> str:
    """What became of a fault: harmless, or found. Wrong answers are an AssertionError."""
    errors = {name for name, answer in found.items() if isinstance(answer, Line)}
    wrong = {n for n in ASKED if n not in errors and found[n] != right[n]}
    if errors & {"landed", "undone"}:  # what was not written changes what comes after it
        wrong -= {"undone", "claimed"}
    assert not wrong, {name: (found[name], right[name]) for name in wrong}
    if not errors and not found["check"]:
        return "harmless"
    assert found["check"], f"not found by the check: {errors}"
    return "found"
