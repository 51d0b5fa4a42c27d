"""Read an agent's file: front matter as Claude Code has it, and the prompt below it."""

import difflib
import re
from dataclasses import dataclass

from axon.agents.bundled import BUILT_IN, DELEGATE, ORCHESTRATOR, TALK, talk
from axon.config import INHERIT, check_model
from axon.errors import UsageError

KEYS = ("name", "description", "tools", "model", "color")  # the colour is of no use here
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
SERVER_TOOL = re.compile(r"mcp__[A-Za-z][A-Za-z0-9-]{0,30}(__[\w.-]{1,64})?")
MAX_DESCRIPTION = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFile:
    """What an agent's file says; what it leaves out is None or empty."""

    name: str
    description: str = ""
    prompt: str = ""
    tools: tuple[str, ...] | None = None
    model: str | None = None


def parse(text: str, stem: str) -> AgentFile:
    """The agent in the file `<stem>.md`. UsageError says in one line what is wrong."""
    head, body = _split(text.removeprefix("\ufeff"))
    values: dict[str, str] = {}
    for number, line in enumerate(head, 2):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, colon, value = line.partition(":")
        if not colon or line[0].isspace() or line[0] == "-":
            raise UsageError(f"line {number} is no `key: value` on one line")
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"use {', '.join(KEYS)}"
            raise UsageError(f"line {number}: unknown key {key!r}; {hint}")
        if key in values:
            raise UsageError(f"line {number}: {key} stands there twice")
        values[key] = _unquoted(value.strip(), number)
    name = values.get("name", "")
    if not NAME.fullmatch(name):
        raise UsageError("it needs a name of small letters, digits and -, as `name: docs`")
    if name != stem:
        raise UsageError(f"its name is {name!r}, so the file must be {name}.md")
    return AgentFile(
        name=name,
        description=_description(values.get("description", "")),
        prompt=body.strip(),
        tools=_tools(values["tools"], name) if "tools" in values else None,
        model=_model(values["model"]) if "model" in values else None,
    )


def _split(text: str) -> tuple[list[str], str]:
    lines = text.splitlines()
    if not lines or lines[0].rstrip() != "---":
        raise UsageError("it must begin with front matter: a line ---, `key: value` lines, ---")
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == "---":
            return lines[1:number], "\n".join(lines[number + 1 :])
    raise UsageError("its front matter does not end; a line --- is missing")


def _unquoted(value: str, number: int) -> str:
    if value[:1] in ("|", ">", "&", "*", "!", "{"):
        raise UsageError(f"line {number}: only plain values on one line are read here")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def _description(value: str) -> str:
    if len(value) >= MAX_DESCRIPTION:
        raise UsageError(
            f"its description has {len(value)} characters; {MAX_DESCRIPTION - 1} are the most"
        )
    return value


def _tools(value: str, name: str) -> tuple[str, ...]:
    listed = value.removeprefix("[").removesuffix("]")
    tools = tuple(dict.fromkeys(t.strip().strip("\"'") for t in listed.split(",") if t.strip()))
    for tool in tools:
        if tool == DELEGATE and name != ORCHESTRATOR:
            raise UsageError(f"only the orchestrator has {DELEGATE}; take it out of tools")
        if tool not in (*BUILT_IN, DELEGATE, *talk(*TALK)) and not _of_a_server(tool):
            near = difflib.get_close_matches(tool, (*BUILT_IN, *talk(*TALK)), 1, 0.6)
            hint = f"did you mean {near[0]}?" if near else f"use {', '.join(sorted(BUILT_IN))}"
            raise UsageError(f"unknown tool {tool!r}; {hint}")
    return tools


def _of_a_server(tool: str) -> bool:
    return bool(SERVER_TOOL.fullmatch(tool)) and not tool.startswith("mcp__axon__")


def _model(value: str) -> str:
    if value == INHERIT:
        return ""
    check_model(value, f" (or {INHERIT})")
    return value
