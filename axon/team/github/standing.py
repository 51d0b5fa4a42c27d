"""How far a task has come on GitHub, read from its events."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from axon.ledger import Event, Ledger
from axon.tasks import State, Task

ACTOR = "github"
PUSHING, PROPOSED, REFUSED = "github_push", "pull_request", "pull_request_failed"
ENOUGH = 1_000_000
_REVIEWS = re.compile(r"review ((?:\d+, )*\d+) of pull request #\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What axon has done there for one task."""

    number: int = 0  # of its latest pull request
    url: str = ""
    commit: str = ""  # what that shows of the work as it was handed in last
    pushed: frozenset[str] = frozenset()  # commits axon has put, or was about to put, on its branch
    reviews: frozenset[int] = frozenset()  # those the task has been sent back with
    refused: tuple[str, str, str] = ("", "", "")  # run, commit and reason of the last failure


def standing(events: Sequence[Event]) -> Standing:
    """Read from a task's events, oldest first."""
    facts: dict[str, Any] = {}
    pushed: set[str] = set()
    reviews: set[int] = set()
    for event in events:
        if event.action == "submit":
            facts |= {"commit": "", "refused": ("", "", "")}
        if event.actor != ACTOR:
            continue
        commit = str(event.data.get("commit", ""))
        if event.action == PUSHING:
            pushed.add(commit)
        elif event.action == PROPOSED:
            number, url = event.data.get("number"), str(event.data.get("url", ""))
            facts |= {"number": int(number or 0), "url": url, "commit": commit}
        elif event.action == REFUSED:
            facts["refused"] = (event.run, commit, event.why)
        elif event.action in ("fail", "give_up") and (found := _REVIEWS.search(event.why)):
            reviews |= {int(number) for number in found[1].split(", ")}
    return Standing(**facts, pushed=frozenset(pushed), reviews=frozenset(reviews))


def standing_of(ledger: Ledger, task: Task) -> Standing:
    return standing(ledger.latest(identifier=task.identifier, limit=ENOUGH))


def handed_in(ledger: Ledger) -> list[Task]:
    """Work of ours that waits, oldest first."""
    return [task for task in ledger.tasks(states=[State.REVIEW]) if task.commit]


def proposed(ledger: Ledger, task: Task) -> bool:
    """Its pull request shows the work as it was handed in last."""
    return standing_of(ledger, task).commit == task.commit


def unsent(ledger: Ledger, run: str) -> list[Task]:
    """Work that is still to become a pull request in this run; what was refused is not."""
    return [
        task
        for task in handed_in(ledger)
        if (found := standing_of(ledger, task)).commit != task.commit
        and found.refused[:2] != (run, task.commit)
    ]


@dataclass(slots=True)
class Told:
    """Lines that say what was done, or would be."""

    dry: bool = False
    lines: list[str] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)

    def add(self, line: str, **entry: Any) -> None:
        self.lines.append(line)
        self.entries.append(entry)
