"""A plan as the planner answers it: checked by rules, shown as a graph, turned into tasks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from axon.errors import UsageError
from axon.tasks import Draft, Priority
from axon.tasks.paths import overlap

MAX_TASKS = 60
MAX_CONTRACTS = 30
CONTRACTS_KEY = "contracts"
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "summary": _TEXT,
        "tasks": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "key": _TEXT,
                    "title": _TEXT,
                    "description": _TEXT,
                    "acceptance": _TEXTS,
                    "check": _TEXT,
                    "depends": _TEXTS,
                    "paths": _TEXTS,
                    "priority": {"type": "string", "enum": ["urgent", "high", "medium", "low"]},
                },
                "required": ["key", "title", "description", "acceptance", "check", "paths"],
            },
        },
        "contracts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"path": _TEXT, "content": _TEXT, "why": _TEXT},
                "required": ["path", "content", "why"],
            },
        },
    },
    "required": ["summary", "tasks"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTask:
    key: str
    title: str
    description: str
    acceptance: tuple[str, ...]
    check: str
    depends: tuple[str, ...]
    paths: tuple[str, ...]
    priority: Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A file that several tasks rely on, committed before they begin."""

    path: str
    content: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    summary: str
    tasks: tuple[PlannedTask, ...]
    contracts: tuple[Contract, ...] = ()


def parse(answer: Any) -> Plan | None:
    """The plan in a structured answer; None when it is none."""
    if not isinstance(answer, dict) or not isinstance(answer.get("tasks"), list):
        return None
    contracts = answer.get("contracts")
    return Plan(
        summary=_text(answer, "summary"),
        tasks=tuple(_task(entry) for entry in answer["tasks"] if isinstance(entry, dict)),
        contracts=tuple(
            Contract(
                path=_text(entry, "path"),
                content=str(entry.get("content", "")),
                why=_text(entry, "why"),
            )
            for entry in (contracts if isinstance(contracts, list) else [])
            if isinstance(entry, dict)
        ),
    )


def _task(entry: Mapping[str, Any]) -> PlannedTask:
    try:
        priority = Priority.named(_text(entry, "priority") or "medium")
    except UsageError:
        priority = Priority.MEDIUM
    return PlannedTask(
        key=_text(entry, "key"),
        title=_text(entry, "title"),
        description=str(entry.get("description", "")).strip(),
        acceptance=_texts(entry, "acceptance"),
        check=_text(entry, "check"),
        depends=_texts(entry, "depends"),
        paths=_texts(entry, "paths"),
        priority=priority,
    )


def _text(entry: Mapping[str, Any], name: str) -> str:
    return " ".join(str(entry.get(name) or "").split())


def _texts(entry: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = entry.get(name)
    return tuple(str(item).strip() for item in found) if isinstance(found, list) else ()


def problems(plan: Plan) -> list[str]:
    """Why this plan cannot be taken, one line each; empty when it can."""
    found = [*_naming(plan), *_contracts(plan)]
    if found:
        return found
    after = _order(plan)
    found += [f"{t.key} depends on itself in a circle" for t in plan.tasks if t.key in after[t.key]]
    for number, one in enumerate(plan.tasks):
        for other in plan.tasks[number + 1 :]:
            ordered = other.key in after[one.key] or one.key in after[other.key]
            if not ordered and overlap(one.paths, other.paths):
                found.append(
                    f"{one.key} and {other.key} may change the same files and neither waits for "
                    "the other: order them by depends, or part their paths"
                )
    return found


def _naming(plan: Plan) -> Iterable[str]:
    if not plan.tasks:
        yield "the plan has no tasks"
    if len(plan.tasks) > MAX_TASKS:
        yield f"the plan has {len(plan.tasks)} tasks; {MAX_TASKS} are the most"
    keys = [task.key for task in plan.tasks]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield f"several tasks have the key {key!r}"
    for task in plan.tasks:
        if not task.key or task.key == CONTRACTS_KEY or not task.title:
            yield f"a task lacks a key or a title of its own: {task.key or task.title!r}"
        if not task.check:
            yield f"{task.key} has no check: name the command whose exit code 0 means it is done"
        if not task.acceptance:
            yield f"{task.key} has no acceptance criteria"
        if not task.paths:
            yield f"{task.key} names no paths it may change"
        for key in task.depends:
            if key not in keys:
                yield f"{task.key} depends on {key!r}, which is not in the plan"


def _contracts(plan: Plan) -> Iterable[str]:
    if len(plan.contracts) > MAX_CONTRACTS:
        yield f"the plan has {len(plan.contracts)} contract files; {MAX_CONTRACTS} are the most"
    for contract in plan.contracts:
        parts = PurePosixPath(contract.path.lower()).parts  # some file systems know no case
        if not parts or contract.path.startswith("/") or {"..", ".git", ".axon"} & set(parts):
            yield f"contract path {contract.path!r} is not a file inside the project"


def _order(plan: Plan) -> dict[str, set[str]]:
    """For each key all keys it waits for, directly or not."""
    direct = {task.key: set(task.depends) for task in plan.tasks}
    after: dict[str, set[str]] = {}
    for key in direct:
        seen: set[str] = set()
        todo = list(direct[key])
        while todo:
            if (name := todo.pop()) not in seen:
                seen.add(name)
                todo += direct.get(name, ())
        after[key] = seen
    return after


def drafts(plan: Plan, *, label: str) -> list[Draft]:
    """The plan as tasks. Contract files are a task of their own that all others wait for."""
    first: list[Draft] = []
    if plan.contracts:
        lines = [f"- `{c.path}`: {c.why}" for c in plan.contracts]
        first = [
            Draft(
                key=CONTRACTS_KEY,
                title=f"Contract files of the plan {label}",
                description="\n".join(["The files on which the tasks of the plan agree:", *lines]),
                type="contracts",
                labels=(label,),
                paths=tuple(c.path for c in plan.contracts),
                priority=Priority.HIGH,
            )
        ]
    extra = (CONTRACTS_KEY,) if first else ()
    return first + [
        Draft(
            key=task.key,
            title=task.title,
            description=_described(task, plan.contracts),
            priority=task.priority,
            labels=(label,),
            depends=(*extra, *task.depends),
            paths=task.paths,
            check=task.check,
        )
        for task in plan.tasks
    ]


def _described(task: PlannedTask, contracts: Sequence[Contract]) -> str:
    criteria = "\n".join(f"- {line}" for line in task.acceptance)
    parts = [task.description, f"It is done when:\n{criteria}"]
    if contracts:
        names = ", ".join(f"`{c.path}`" for c in contracts)
        parts.append(f"Keep to the contract files, and leave them as they are: {names}.")
    return "\n\n".join(parts)


def graph_lines(plan: Plan) -> list[str]:
    """The plan for a terminal: waves of what can be worked at the same time."""
    after, shown = _order(plan), set[str]()
    lines = [plan.summary, ""] if plan.summary else []
    lines += [f"first   {c.path}: {c.why}" for c in plan.contracts]
    for wave in range(1, len(plan.tasks) + 1):
        ready = [t for t in plan.tasks if t.key not in shown and after[t.key] <= shown]
        if not ready:
            break
        for task in ready:
            waits = f"  after {', '.join(task.depends)}" if task.depends else ""
            lines.append(f"wave {wave}  {task.key}  {task.title}{waits}")
            lines.append(f"        check {task.check}   paths {', '.join(task.paths)}")
        shown |= {task.key for task in ready}
    return lines


def plan_view(plan: Plan) -> dict[str, Any]:
    """The stable JSON form; `parse` reads it back."""
    return {
        "summary": plan.summary,
        "tasks": [
            {
                "key": t.key,
                "title": t.title,
                "description": t.description,
                "acceptance": list(t.acceptance),
                "check": t.check,
                "depends": list(t.depends),
                "paths": list(t.paths),
                "priority": t.priority.label,
            }
            for t in plan.tasks
        ],
        "contracts": [{"path": c.path, "content": c.content, "why": c.why} for c in plan.contracts],
    }
