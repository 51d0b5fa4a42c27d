"""Go where the server has gone without us: somebody else moved or changed an issue there."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from axon.errors import UsageError
from axon.ledger.moves import step
from axon.ledger.rows import fetch, save
from axon.ledger.task_mcp.copies import ELSEWHERE, REMOTE, Copy, copy_of, is_pending, set_told
from axon.ledger.task_mcp.issues import Issue
from axon.ledger.transaction import Tx
from axon.tasks import MOVES, Action, State
from axon.tasks.text import titled

log = logging.getLogger(__name__)


def follow(tx: Tx, before: Copy, issue: Issue) -> None:
    """Go where the server has gone without us; unless we moved since, or have not told all."""
    copy = copy_of(tx, before.identifier)
    if copy is None or copy != before or copy.bidding:
        return
    if is_pending(tx, copy.identifier):
        return
    if issue.state_name != copy.told:
        _go(tx, copy, issue)
    if fetch(tx, copy.identifier).task.state is State.TODO:
        refresh(tx, copy.identifier, issue, ("title", "priority", "labels"))
    set_told(tx, copy.identifier, issue.state_name)


def _go(tx: Tx, copy: Copy, issue: Issue) -> None:
    target = issue.state
    if target in (None, State.IN_PROGRESS, State.REVIEW):  # not ours to start, nor to land
        target = State.IN_PROGRESS
        if copy.state in (State.IN_PROGRESS, State.REVIEW):
            return
    assert target is not None
    why = f"the task server has it in {issue.state_name}"
    for action in _way(copy.state, target):
        row = fetch(tx, copy.identifier)
        changes: dict[str, Any] = {}
        if action == "claim":
            changes = {"owner": ELSEWHERE, "token": row.task.token + 1}
        elif action in ("retry", "reopen"):
            changes = {"failures": 0, "losses": 0, "error": ""}
        hidden = {"backoff_boot": "", "backoff_until": 0.0, "run": ""}
        step(tx, row, action, actor=REMOTE, why=why, hidden=hidden, **changes)
    log.info("followed task=%s to=%s", copy.identifier, target)


def _way(start: State, target: State) -> list[Action]:
    """The fewest moves of the table from one state to another."""
    ways: dict[State, list[Action]] = {start: []}
    queue = [start]
    for state in queue:
        for (before, action), after in MOVES.items():
            if before is state and after not in ways:
                ways[after] = [*ways[state], action]
                queue.append(after)
    return ways[target]


def refresh(tx: Tx, identifier: str, issue: Issue, names: Iterable[str] = ()) -> None:
    """What the issue says now, as far as it says anything; all of it unless `names` are given."""
    before = fetch(tx, identifier).task
    said = {name: v for name, v in issue.facts.items() if name not in ("depends", "parent")}
    try:
        title, description = titled(issue.title, issue.description)
    except UsageError:
        return
    said |= {"title": title, "description": description}
    changes = {name: value for name, value in said.items() if not names or name in names}
    save(tx, before, replace(before, **changes, updated_at=before.updated_at), {})
