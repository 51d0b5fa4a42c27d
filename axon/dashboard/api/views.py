"""How the API shows what the ledger has, beyond `task_view`."""

from dataclasses import asdict
from typing import Any

from axon.errors import NotFound
from axon.ledger import Event, Ledger, Session
from axon.tasks import ENDED, MOVES, State, Task, task_view
from axon.team.screen.words import event_detail, event_mood, event_word

LONG = ("description", "result", "answers", "error")
PERSONAL = ("retry", "cancel", "reopen")  # moves that a person makes by their name
MOST_SESSIONS, MOST_LINKS = 200, 500


def moves_of(state: State) -> list[str]:
    """Where a person may move a task."""
    targets = dict.fromkeys(to.value for (before, _), to in MOVES.items() if before is state)
    return list(targets)


def actions_of(state: State) -> list[str]:
    actions = [action for action in PERSONAL if (state, action) in MOVES]
    if state is State.BLOCKED:
        actions.append("answer")
    if state not in ENDED:
        actions.append("tell")
    if state is not State.IN_PROGRESS:
        actions.append("delete")
    return [*actions, "edit", "comment"]


def etag_of(task: Task) -> str:
    return f'"{task.identifier}.{task.version}"'


def brief_view(task: Task) -> dict[str, Any]:
    view = task_view(task)
    for name in LONG:
        del view[name]
    return view


def event_view(event: Event) -> dict[str, Any]:
    """With the words that a terminal shows for it."""
    return asdict(event) | {
        "word": event_word(event),
        "detail": event_detail(event, None),
        "mood": event_mood(event),
    }


def session_view(session: Session, title: str | None) -> dict[str, Any]:
    view = asdict(session)
    return view | {"title": title, "live": session.ended_at is None}


def title_of(ledger: Ledger, identifier: str) -> str | None:
    try:
        return ledger.task(identifier).title if identifier else None
    except NotFound:  # it was taken out
        return None


def link_view(task: Task) -> dict[str, Any]:
    return {"identifier": task.identifier, "title": task.title, "state": task.state.value}


def detail_view(ledger: Ledger, task: Task) -> dict[str, Any]:
    """Everything about one task that a page needs at once."""
    sessions = ledger.sessions(task.identifier, limit=MOST_SESSIONS)
    related = ledger.related(task.identifier)
    return task_view(task) | {
        "comments": [asdict(comment) for comment in ledger.comments(task.identifier)],
        "sessions": [session_view(session, task.title) for session in reversed(sessions)],
        "children": [link_view(one) for one in related.children],
        "dependencies": [link_view(one) for one in related.needs],
        "dependents": [link_view(one) for one in related.needed_by],
        "waiting": [
            {"on": one.on, "stuck": one.stuck, "reason": one.reason}
            for one in ledger.waiting(identifier=task.identifier)
        ],
        "moves": moves_of(task.state),
        "actions": actions_of(task.state),
    }
