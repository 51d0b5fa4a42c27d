"""Write tasks as JSON, JSON lines, CSV or Markdown, so that reading them back loses nothing."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from axon.errors import UsageError
from axon.tasks import Draft, State, Task
from axon.tasks.exchange.cells import guarded
from axon.tasks.exchange.checklist import BLOCKS, entries
from axon.tasks.exchange.entry import Entry
from axon.tasks.fields import CHECKS, FACTS, LISTS, listing
from axon.tasks.moments import exact

TIMES = ("not_before", "created_at", "updated_at")
COLUMNS = (
    "identifier", "title", "state",
    *(name for name in CHECKS if name not in ("title", "key")),
    *FACTS,
)  # fmt: skip
TEXTS = tuple(name for name in BLOCKS if name not in ("comment", "description"))
ATTRIBUTES = (
    "priority", "type", "labels", "project", "parent", "depends", "paths",
    "max_attempts", "max_usd", "max_turns", "max_minutes", "not_before",
)  # fmt: skip
DEFAULTS = Draft(title="")
NOTHING = Entry(where="", title="")
HEAD = "# Tasks\n\nWritten by axon task export; axon task import reads this file.\n"

Comments = Sequence[tuple[float, str, str]]  # at, actor, body
Pair = tuple[Task, Comments]


def exported(pairs: Iterable[Pair], kind: str) -> Iterator[str]:
    """The text of the file, piece by piece. UsageError: no such format."""
    if kind not in FORMATS:
        raise UsageError(f"unknown format {kind!r}; use one of {', '.join(FORMATS)}")
    return FORMATS[kind](pairs)


def record_view(task: Task, comments: Comments) -> dict[str, Any]:
    """All that an import keeps of a task, by stable names; nothing that counts here only."""
    view: dict[str, Any] = {}
    for name in COLUMNS[:-1]:
        found = getattr(task, name)
        view[name] = list(found) if isinstance(found, tuple) else found
        if found == "" and name not in ("title", "description", "type"):
            view[name] = None
    view["state"], view["priority"] = task.state.value, task.priority.label
    view["comments"] = [{"at": at, "actor": who, "body": body} for at, who, body in comments]
    return view


def _json(pairs: Iterable[Pair]) -> Iterator[str]:
    between = "[\n"
    for task, comments in pairs:
        text = json.dumps(record_view(task, comments), ensure_ascii=False, indent=2)
        yield between + text
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"


def _json_lines(pairs: Iterable[Pair]) -> Iterator[str]:
    for task, comments in pairs:
        yield json.dumps(record_view(task, comments), ensure_ascii=False) + "\n"


def _csv(pairs: Iterable[Pair]) -> Iterator[str]:
    yield "\ufeff" + _row(COLUMNS)  # the mark tells spreadsheets that it is UTF-8
    for task, comments in pairs:
        view = record_view(task, comments)
        yield _row([guarded(_cell(name, view[name])) for name in COLUMNS])


def _row(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(name: str, found: Any) -> str:
    if found is None or found == []:
        return ""
    if name in LISTS:
        return listing(found)
    if name in TIMES:
        return exact(found)
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


# ── Markdown ──


def _markdown(pairs: Iterable[Pair]) -> Iterator[str]:
    yield HEAD
    for task, comments in pairs:
        lines = [f"- [{'x' if task.state is State.DONE else ' '}] {task.title}"]
        data: dict[str, Any] = {}
        for part in _parts(task, comments, data):
            lines += [f"  {line}" if line else "" for line in part]
        if data:
            lines.insert(2, f"  data: {json.dumps(data, ensure_ascii=True)}")
        yield "\n".join(["", *lines, ""])


def _parts(task: Task, comments: Comments, data: dict[str, Any]) -> Iterator[list[str]]:
    """Attributes, facts, blocks, and the description last. `data`: what no line can say."""
    yield [f"identifier: {task.identifier}"]
    if task.state is not State.TODO:
        yield [f"state: {task.state}"]
    for name in ATTRIBUTES:
        found = getattr(task, name)
        if found != getattr(DEFAULTS, name) or name == "priority":
            yield from _attribute(name, found, data)
    yield from _facts(task, data)
    for name in TEXTS:
        if text := getattr(task, name):
            yield from _said(name, text, data)
    yield from _remarks(comments, data)
    if task.description:
        yield from _description(task.description, data)


def _facts(task: Task, data: dict[str, Any]) -> Iterator[list[str]]:
    yield [f"created_at: {exact(task.created_at)}"]
    yield [f"updated_at: {exact(task.updated_at)}"]
    for name in [n for n in FACTS if n not in (*TEXTS, *TIMES, "comments")]:
        found = getattr(task, name)
        if found or found is False or (found is not None and name == "cost_usd"):
            data[name] = found


def _attribute(name: str, found: Any, data: dict[str, Any]) -> Iterator[list[str]]:
    text = listing(found) if name in LISTS else exact(found) if name in TIMES else str(found)
    if name == "priority":
        text = found.label
    if name == "depends":  # a line each: what has a comma could be a title
        yield [f"depends: {one}" for one in found]
    elif _as_read(f"{name}: {text}").values.get(name) == found:
        yield [f"{name}: {text}"]
    else:
        data[name] = list(found) if isinstance(found, tuple) else found


def _said(name: str, text: str, data: dict[str, Any]) -> Iterator[list[str]]:
    """On a line where that reads the same, else in a block of its own."""
    for lines in ([f"{name}: {text}"], _block(name, text)):
        entry = _as_read("\n".join(lines))
        if (entry.facts | entry.values).get(name) == text:
            yield lines
            return
    data[name] = text


def _remarks(comments: Comments, data: dict[str, Any]) -> Iterator[list[str]]:
    """A block each; where one cannot be, all stand in `data`, in their order."""
    blocks = [_block(f"comment {exact(at)} {actor}", body) for at, actor, body in comments]
    for block, said in zip(blocks, comments, strict=True):
        if _as_read("\n".join(block)).comments != [said]:
            data["comments"] = [{"at": a, "actor": who, "body": b} for a, who, b in comments]
            return
    yield from blocks


def _description(text: str, data: dict[str, Any]) -> Iterator[list[str]]:
    for lines in (["", *text.split("\n")], _block("description", text)):
        if _as_read("\n".join(lines)).description == text:
            yield lines
            return
    data["description"] = text


def _block(name: str, text: str) -> list[str]:
    """Fenced, with more backticks than any line of it begins with."""
    lines = text.split("\n")
    most = max((len(s) - len(s.lstrip("`")) for s in map(str.lstrip, lines)), default=0)
    fence = "`" * max(3, most + 1)
    return [fence + name, *lines, fence]


def _as_read(text: str) -> Entry:
    """What is read of these lines below an item: nothing when they are read as several things."""
    lines = [f"  {line}" if line else "" for line in text.split("\n")]
    try:
        found = entries("\n".join(["- [ ] title", "  identifier: A-1", *lines]))
    except UsageError:
        return NOTHING
    entry = found[0]
    said = len(entry.values) + len(entry.facts) + len(entry.comments) + bool(entry.description)
    return entry if len(found) == 1 and said == 1 else NOTHING


FORMATS: dict[str, Callable[[Iterable[Pair]], Iterator[str]]] = {
    "json": _json,
    "jsonl": _json_lines,
    "csv": _csv,
    "markdown": _markdown,
}
