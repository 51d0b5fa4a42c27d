"""Files of other tools: which tool wrote one, and what it says of tasks."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from axon.tasks.exchange.entry import Entry
from axon.tasks.exchange.foreign import beads, github, linear, symphony, taskmaster, vibekanban
from axon.tasks.exchange.foreign.tables import columns_of
from axon.tasks.exchange.notes import Notes
from axon.tasks.exchange.source import Source
from axon.tasks.exchange.window import DECODER

TOOLS: dict[str, Callable[[Source, str, Notes], Iterator[Entry]]] = {
    "symphony": symphony.entries,
    "beads": beads.entries,
    "task-master": taskmaster.entries,
    "vibe-kanban": vibekanban.entries,
    "linear": linear.entries,
    "github": github.entries,
}
LINEAR_COLUMNS = {"ID", "Team", "Title", "Status", "Creator", "Created"}
VIBE_COLUMNS = {"Issue ID", "Title", "Status", "Project"}


def recognised(head: str, name: str) -> str:
    """The tool that wrote the file, where its beginning leaves no doubt; empty otherwise."""
    if head.startswith(vibekanban.ZIP):
        return "vibe-kanban"
    if symphony.is_workflow(head):
        return "symphony"
    begin = head.removeprefix("\ufeff").lstrip()
    if begin[:1] not in ("{", "["):
        columns = columns_of(head)
        if columns >= LINEAR_COLUMNS:
            return "linear"
        return "vibe-kanban" if columns >= VIBE_COLUMNS else ""
    first = _first(begin.lstrip("[ \t\r\n"))
    return _by_keys(first) if first else _by_beginning(begin)


def _first(text: str) -> Mapping[str, Any]:
    """The first object, where it is whole."""
    try:
        found, _ = DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _by_keys(first: Mapping[str, Any]) -> str:
    keys = first.keys()
    if keys >= {"id", "title", "issue_type"}:
        return "beads"
    if keys >= {"number", "title"} and "identifier" not in keys:
        return "github"
    if keys >= {"identifier", "title"} and (
        isinstance(first.get("state"), dict)
        or keys & {"priorityLabel", "branchName", "inverseRelations"}
    ):
        return "linear"
    if keys >= {"id", "project_id", "title", "status"}:
        return "vibe-kanban"
    if isinstance(first.get("data"), list) and "success" in keys:
        return "vibe-kanban"
    if keys == {"data"} or keys & {"issues", "nodes"}:
        return "linear" if '"identifier"' in json.dumps(first)[:100_000] else ""
    held = [first] if "tasks" in keys else list(first.values())
    tagged = all(isinstance(one, dict) and isinstance(one.get("tasks"), list) for one in held)
    return "task-master" if tagged else ""


def _by_beginning(begin: str) -> str:
    """Of one object that is longer than what was read of it: its first keys tell."""
    plain = "".join(begin[:2000].split())
    if plain.startswith('{"success":'):
        return "vibe-kanban"
    if plain.startswith(('{"data":{', '{"issues":{', '{"nodes":[')) and '"identifier"' in begin:
        return "linear"
    if plain.startswith('{"tasks":[') or '":{"tasks":[' in plain[:200]:
        return "task-master"
    return ""
