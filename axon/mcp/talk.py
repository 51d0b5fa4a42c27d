"""The tools by which an agent talks to the ledger, its colleagues and people while it works."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from axon.errors import Forbidden, NotFound, UsageError
from axon.ledger import Ledger
from axon.mcp.spec import ToolSpec
from axon.tasks import Claim, Draft, Priority, State, Task
from axon.tasks.text import shortened

MOST_LISTED = 50
MOST_COMMENTS = 20
MOST_FOLLOW_UPS = 10  # of one session
MAX_TEXT = 8000  # characters of one comment, question or reason
MAX_SHOWN = 20_000  # of one field
SHOWN = (
    "identifier", "title", "description", "priority", "type", "labels", "parent", "depends",
    "paths", "check", "branch", "error", "result",
)  # fmt: skip
NOT_YOURS = {
    State.DONE: "the check and the merge decide that; commit, then end your turn",
    State.REVIEW: "the runner hands your work in; commit, then end your turn",
    State.CANCELED: "a person decides that; say in a comment why it should be",
}

Given = dict[str, Any]
Call = Callable[[Given], Awaitable[str]]
TEXT = {"type": "string"}
TASK = {"type": "string", "description": "as ENG-12"}


def talk_tools(
    ledger: Ledger,
    claim: Claim,
    task: Task,
    on_progress: Callable[[str], None],
    clean: Callable[[str], str] = str,
) -> tuple[ToolSpec, ...]:
    """For the session of `claim`. `clean` takes secrets out of what the agent writes."""
    talk = _Talk(ledger, claim, task, on_progress, clean)
    return (
        _tool("read_task", "A task with its comments; yours when none is named.",
              talk.read_task, {"task": TASK}, read_only=True),
        _tool("list_tasks", "Tasks not ended yet, or those in a state.",
              talk.list_tasks, {"state": TEXT, "text": TEXT}, read_only=True),
        _tool("comment", "Keep a remark with a task: decisions, what the next one must know.",
              talk.comment, {"text": TEXT, "task": TASK}, ("text",)),
        _tool("create_followup",
              "Add a task: work found beside yours, or (part) a piece of yours, which then waits "
              "for all its pieces.",
              talk.create_followup,
              {"title": TEXT, "description": TEXT, "check": {**TEXT, "description": "command"},
               "paths": _many("globs it may change"), "depends": _many("tasks done first"),
               "part": {"type": "boolean"}},
              ("title", "description")),
        _tool("transition",
              "Give your task up: blocked (why = a question for a person) or failed. Done is not "
              "yours to say.",
              talk.transition, {"state": TEXT, "why": TEXT}, ("state", "why"), ends=True),
        _tool("message", "Tell the agent of another task something; it hears it at its next turn.",
              talk.message, {"to": TASK, "text": TEXT}, ("to", "text")),
        _tool("ask_person",
              "Ask a person one question, with the choices and your advice. Commit first: this "
              "session ends and goes on with the answer.",
              talk.ask_person, {"question": TEXT}, ("question",), ends=True),
        _tool("report_progress", "Say in one sentence what is done, for those who watch.",
              talk.report_progress, {"text": TEXT}, ("text",)),
    )  # fmt: skip


def _tool(
    name: str, description: str, call: Call, properties: Given, required: tuple[str, ...] = (),
    *, read_only: bool = False, ends: bool = False,
) -> ToolSpec:  # fmt: skip
    schema: Given = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    return ToolSpec(
        name=name,
        description=description,
        schema=schema,
        call=call,
        read_only=read_only,
        ends=ends,
    )


def _many(description: str) -> Given:
    return {"type": "array", "items": TEXT, "description": description}


@dataclass(slots=True)
class _Talk:
    ledger: Ledger
    claim: Claim
    task: Task
    on_progress: Callable[[str], None]
    clean: Callable[[str], str]
    made: int = 0

    async def read_task(self, given: Given) -> str:
        task = self._find(given.get("task", ""))
        view = {name: value for name in SHOWN if (value := getattr(task, name))}
        view |= {"state": task.state.label, "priority": task.priority.label}
        if task.answers:
            view["answers"] = task.answers
        view = {k: shortened(v, MAX_SHOWN) if isinstance(v, str) else v for k, v in view.items()}
        comments = self.ledger.comments(task.identifier)[-MOST_COMMENTS:]
        view["comments"] = [{"by": c.actor, "text": shortened(c.body, 2000)} for c in comments]
        return json.dumps(view, ensure_ascii=False, indent=1)

    async def list_tasks(self, given: Given) -> str:
        name = str(given.get("state") or "")
        states = [_state(name)] if name else [s for s in State if s not in _OVER]
        found = self.ledger.tasks(
            states=states, text=str(given.get("text") or ""), limit=MOST_LISTED + 1
        )
        lines = [_line(task) for task in found[:MOST_LISTED]]
        if len(found) > MOST_LISTED:
            lines.append("… and more; narrow it with state or text")
        return "\n".join(lines) or "no such tasks"

    async def comment(self, given: Given) -> str:
        task = self._find(given.get("task", ""))
        self.ledger.remark(self.claim, self._text(given, "text"), on=task.identifier)
        return f"kept with {task.identifier}"

    async def create_followup(self, given: Given) -> str:
        part = bool(given.get("part"))
        if part and self.task.parent:
            raise Forbidden(
                f"{self.task.identifier} is a part of {self.task.parent} itself and is not split"
                " again; do it, or add a task without part"
            )
        if self.made >= MOST_FOLLOW_UPS:
            raise Forbidden(f"you have added {self.made} tasks; put the rest in a comment")
        draft = Draft(
            title=self._text(given, "title"),
            description=self.clean(str(given.get("description") or "")),
            check=str(given.get("check") or ""),
            paths=tuple(given.get("paths") or ()),
            depends=tuple(map(_identifier, given.get("depends") or ())),
            parent=self.task.identifier if part else "",
            priority=self.task.priority if part else Priority.MEDIUM,
            team=self.task.team,
            project=self.task.project,
        )
        added = self.ledger.follow_up(self.claim, draft)
        self.made += 1
        return f"added {added.identifier}: {added.title}"

    async def transition(self, given: Given) -> str:
        state = _state(str(given.get("state") or ""))
        if state is State.BLOCKED:
            return await self.ask_person({"question": given.get("why")})
        if state is not State.FAILED:
            reason = NOT_YOURS.get(state, "it is what comes of itself")
            raise Forbidden(f"a task is not made {state.label} by its agent: {reason}")
        why = self._text(given, "why")
        self.ledger.fail(self.claim, f"given up: {why}", feedback=why)
        return "noted; this session ends here"

    async def message(self, given: Given) -> str:
        task = self._find(str(given.get("to") or ""))
        if task.identifier == self.claim.identifier:
            raise UsageError("that is your own task; name another, or use comment")
        text = self._text(given, "text")
        self.ledger.send(task.identifier, text, sender=self.claim.identifier, claim=self.claim)
        works = "" if task.state is State.IN_PROGRESS else f"; it is {task.state.label} now"
        return f"the agent of {task.identifier} will be told{works}"

    async def ask_person(self, given: Given) -> str:
        self.ledger.ask(self.claim, self._text(given, "question"))
        return "asked; this session ends here and goes on with the answer"

    async def report_progress(self, given: Given) -> str:
        text = shortened(" ".join(self._text(given, "text").split()), 300)
        self.ledger.report(self.claim, "progress", text)
        self.on_progress(text)
        return "noted"

    def _find(self, name: Any) -> Task:
        try:
            return self.ledger.task(_identifier(name) or self.claim.identifier)
        except NotFound:
            raise NotFound(f"no task {name}; list_tasks shows those there are") from None

    def _text(self, given: Given, name: str) -> str:
        text = self.clean(str(given.get(name) or "")).strip()
        if not text:
            raise UsageError(f"{name} is empty; say something")
        if len(text) > MAX_TEXT:
            raise UsageError(f"{name} has {len(text):,} characters; at most {MAX_TEXT:,}")
        return text


_OVER = (State.DONE, State.FAILED, State.CANCELED)


def _identifier(name: Any) -> str:
    return str(name or "").strip().upper()


def _state(name: str) -> State:
    try:
        return State("_".join(name.lower().split()))
    except ValueError:
        known = ", ".join(State)
        raise UsageError(f"there is no state {name!r}; there are {known}") from None


def _line(task: Task) -> str:
    paths = f" [{', '.join(task.paths)}]" if task.paths else ""
    return f"{task.identifier} {task.state.label}: {task.title}{paths}"
