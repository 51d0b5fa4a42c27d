"""Read a WORKFLOW.md of Symphony: how tasks are to be worked, which is itself one task here.

It holds no tasks: those are in the tracker that it names. Its settings are told as lines of
axon.toml, and its prompt becomes the description of a task that brings them into this project; a
prompt that names no issue is work to be done as it stands.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from axon.errors import UsageError
from axon.tasks.exchange.entry import Entry
from axon.tasks.exchange.foreign.item import Item
from axon.tasks.exchange.foreign.making import Said, entry_of
from axon.tasks.exchange.foreign.yaml import parse
from axon.tasks.exchange.notes import Notes
from axon.tasks.exchange.source import Source

PREFIX = "symphony:"
SECTIONS = ("tracker", "polling", "workspace", "hooks", "agent", "codex")
TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
TAKE_OVER = """\
WORKFLOW.md of Symphony says how tasks of this project are to be worked. Bring what still holds of
its prompt, below, into the project's own instructions for agents (CLAUDE.md), without what
concerns Symphony, its tracker or one single issue."""
# Settings that axon has as well, and how many of its units one of theirs is.
NUMBERS = {
    "agent.max_concurrent_agents": ("team", "workers", 1),
    "codex.turn_timeout_ms": ("limits", "max_minutes", 60_000),
    "codex.stall_timeout_ms": ("limits", "stall_minutes", 60_000),
    "hooks.timeout_ms": ("workspace", "setup_minutes", 60_000),
}
SETUP = "hooks.after_create"


def is_workflow(head: str) -> bool:
    """Does front matter with sections of Symphony stand at its beginning?"""
    lines = head.splitlines()
    if not lines or lines[0].rstrip() != "---":
        return False
    found = set()
    for line in lines[1:]:
        if line.rstrip() == "---":
            break
        found.add(line.partition(":")[0])
    return bool(found & {"tracker", "codex"}) and len(found & set(SECTIONS)) > 1


def entries(source: Source, name: str, notes: Notes) -> Iterator[Entry]:
    head, body = _split(source.whole())
    toml = _settings(head, notes)
    prompt = body.strip()
    if not prompt:
        raise UsageError("below its front matter is no prompt")
    sections = {"": prompt}
    first = next(line for line in prompt.splitlines() if line.strip())
    title = first.strip().lstrip("#").strip()
    if TEMPLATE.search(prompt):
        title = f"Take over how {name} has tasks worked"
        sections = {"": TAKE_OVER, "Prompt of WORKFLOW.md": prompt}
        notes.add(
            "its prompt is a template for the issues of its tracker: one task takes it over", 0
        )
    if toml:
        sections["Settings"] = f"For axon.toml, where wanted:\n\n```toml\n{toml}\n```"
    if hint := _tracker(head):
        notes.add(hint, 0)
    item = Item({}, "line 1", notes)
    yield entry_of(item, Said(origin=PREFIX + name, title=title, sections=sections))


def _split(text: str) -> tuple[dict[str, Any], str]:
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != "---":
        return {}, text
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "---":
            return parse(lines[1:number], 2), "\n".join(lines[number + 1 :])
    raise UsageError("line 1: its front matter does not end; a line --- is missing")


def _tracker(head: Mapping[str, Any]) -> str:
    tracker = head.get("tracker")
    kind = tracker.get("kind") if isinstance(tracker, Mapping) else None
    if kind in ("linear", "github"):
        return (
            f"its issues are in {kind}: export them there, and use axon task import --from {kind}"
        )
    return f"its issues are in {kind}, not in the file" if kind else ""


def _settings(head: Mapping[str, Any], notes: Notes) -> str:
    """What axon has as well, as lines of axon.toml; what it has not is noted."""
    tables: dict[str, list[str]] = {}
    for section, held in head.items():
        if held is None:
            continue
        if not isinstance(held, Mapping):
            if section in SECTIONS:
                raise UsageError(f"{section} must be a map of keys")
            held = {"": held}
        for key, found in held.items():
            name = f"{section}.{key}".rstrip(".")
            if name in NUMBERS:
                table, ours, size = NUMBERS[name]
                number = _number(name, found) / size
                line = f"{ours} = {number:g}"
            elif name == SETUP and isinstance(found, str):
                table, line = "workspace", f"setup = {_toml(found.strip())}"
            else:
                notes.add(f"not taken over: {name}", 0)
                continue
            tables.setdefault(table, []).append(line)
            notes.add(
                f"{name} is [{table}] {line.partition(' =')[0]} in axon.toml: see the task", 0
            )
    return "\n\n".join("\n".join([f"[{table}]", *lines]) for table, lines in tables.items())


def _number(name: str, found: Any) -> float:
    """Symphony takes numbers also as texts."""
    try:
        if isinstance(found, bool):
            raise ValueError
        number = float(found)
    except (TypeError, ValueError):
        raise UsageError(f"{name} must be a number") from None
    if not 0 < number < 10**12:
        raise UsageError(f"{name} must be a number above 0")
    return number


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
