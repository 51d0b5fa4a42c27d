"""A recorded event as a person reads it: few lines, and none that can drive a terminal."""

import json
import re
from collections.abc import Callable
from typing import Any

from axon.core.playback.reading import is_blob
from axon.core.terminal import fit, one_line, plain, wrap

INDENT = "    "
_LINE_CHARS = 1000  # of a tool's input: no more is looked at for one line
_SHOWN = 20_000  # characters of one text
_WORKSPACE = re.compile(r"/[^\s'\"]*?/\.axon/work/[^\s'\"/]+/?")
_TOLD_BY = ("command", "file_path", "notebook_path", "pattern", "path", "url", "query", "skill")
_FIELD = re.compile(r'"(\w{1,40})":("(?:[^"\\]|\\.)*")')

Event = dict[str, Any]


def render(event: Event, columns: int = 80) -> list[str]:
    """The lines that show `event`: plain text, at most `columns` wide."""
    show = _SHOW.get(str(event.get("kind")), _other)
    lines = show(event, columns)
    agent = one_line(str(event.get("agent") or ""))
    if agent and lines:
        first = wrap(f"[{fit(agent, 30)}] {lines[0].lstrip()}", columns)
        lines = [*first, *lines[1:]]
    return lines


def tool_line(tool: str, given: Any, limit: int = 60) -> str:
    """What a tool is doing, in a few words: "Edit src/x.py", "$ pytest -q"."""
    name = one_line(tool)
    fields = _fields(given)
    if name.startswith("mcp__"):
        name = " ".join(name.removeprefix("mcp__").split("__"))
    if name in ("Task", "Agent"):
        who, what = fields.get("subagent_type", ""), fields.get("description", "")
        return fit(one_line(f"{name} {who}: {what}".rstrip(": ")), limit)
    told = next((fields[key] for key in _TOLD_BY if fields.get(key)), "")
    if name == "Bash":
        return fit(_command(told), limit)
    told = one_line(_shorter(told, ""))
    room = limit - len(name) - 1
    if "path" in next((key for key in _TOLD_BY if fields.get(key)), ""):
        told = fit(told, max(room, 8), keep_end=True)  # a path's end tells more
    return fit(f"{name} {told}".strip(), limit)


def _shorter(text: str, root: str) -> str:
    """Paths inside a workspace, as seen from there."""
    text = text[:_LINE_CHARS]
    return _WORKSPACE.sub(root, text) if "/.axon/work/" in text else text


def _command(text: str) -> str:
    return f"$ {one_line(_shorter(text, './')).removeprefix('cd ./ && ')}"


def _fields(given: Any) -> dict[str, str]:
    """The texts among a tool's input, also when only its beginning is at hand."""
    if is_blob(given):
        found = _FIELD.findall(given["head"])
        return {key: str(json.loads(value, strict=False)) for key, value in found}
    if isinstance(given, str):
        return {"command": given}
    if not isinstance(given, dict):
        return {}
    return {str(key): value for key, value in given.items() if isinstance(value, str)}


def _text(event: Event, columns: int) -> list[str]:
    return _Block(event.get("text"), columns).all()


def _thinking(event: Event, columns: int) -> list[str]:
    return _Block(event.get("text"), columns, first="thinks: ").cut(3, 0)


def _prompt(event: Event, columns: int) -> list[str]:
    return _Block(event.get("text"), columns, first="prompt: ").cut(6, 0)


def _message(event: Event, columns: int) -> list[str]:
    """What it was told in mid-run; its prompt stands above."""
    return _Block(event.get("text"), columns, first="told: ").cut(6, 0) if event.get("text") else []


def _tool(event: Event, columns: int) -> list[str]:
    tool, given = str(event.get("tool") or ""), event.get("input")
    line = tool_line(tool, given, columns)
    fields = _fields(given)
    if tool == "Bash" and "\n" in (command := fields.get("command", "").strip()):
        first, _, others = command.partition("\n")
        return [fit(_command(first), columns), *_Block(others, columns, indent=INDENT).cut(6, 2)]
    if tool == "Write" and isinstance(given, dict) and "content" in fields:
        count = len(fields["content"].splitlines())
        return [fit(f"{line} ({count} line{'s' if count != 1 else ''})", columns)]
    change: list[str] = []
    for key, sign in (("old_string", "- "), ("new_string", "+ ")):
        if fields.get(key):
            part = fields[key].expandtabs(4).strip("\n").split("\n")
            signed = "\n".join(sign + text for text in part)
            change += _Block(signed, columns, indent=INDENT).cut(4, 1)
    return [line, *change]


def _tool_result(event: Event, columns: int) -> list[str]:
    data = event.get("data")
    failed = isinstance(data, dict) and bool(data.get("is_error"))
    first = "error: " if failed else ""
    lines = _Block(event.get("output"), columns, indent=INDENT, first=first).cut(5, 5)
    return lines if any(map(str.strip, lines)) else [INDENT + "(no output)"]


def _result(event: Event, columns: int) -> list[str]:
    data = event.get("data")
    fault = data.get("fault") if isinstance(data, dict) else None
    if fault:
        return _Block(event.get("text"), columns, first=f"ended: {fault}: ").cut(4, 0)
    return ["finished"]  # its last words stand above


def _init(event: Event, columns: int) -> list[str]:
    data = event.get("data")
    data = data if isinstance(data, dict) else {}
    cli = f", Claude Code {data['claude_code_version']}" if data.get("claude_code_version") else ""
    return _Block(f"ready: {data.get('model') or 'model unknown'}{cli}", columns).all()


def _gap(event: Event, columns: int) -> list[str]:
    return wrap(f"gap: {event.get('lost')} events could not be recorded", columns)


def _damaged(event: Event, columns: int) -> list[str]:
    return wrap(f"damaged: {event.get('bytes')} bytes of the recording are no event", columns)


def _denied(event: Event, columns: int) -> list[str]:
    return _Block(event.get("text"), columns, first="denied: ").cut(4, 0)


def _other(event: Event, columns: int) -> list[str]:
    told = [_said(event[key]) for key in ("text", "input", "output", "data") if event.get(key)]
    return _Block("\n".join(told), columns, first=f"{event.get('kind') or 'event'}: ").cut(4, 2)


_SHOW: dict[str, Callable[[Event, int], list[str]]] = {
    "init": _init,
    "text": _text,
    "thinking": _thinking,
    "prompt": _prompt,
    "message": _message,
    "tool": _tool,
    "tool_result": _tool_result,
    "denied": _denied,
    "result": _result,
    "gap": _gap,
    "damaged": _damaged,
}


class _Block:
    """The lines of one value, wrapped and indented, with a word before the first."""

    def __init__(self, value: Any, columns: int, *, indent: str = "", first: str = "") -> None:
        text = plain(first + _said(value)[:_SHOWN]).strip("\n")
        self._lines = [indent + line for line in wrap(text, max(columns - len(indent), 8))]
        self._indent = indent
        self._note = f"{indent}{_apart(value)}" if is_blob(value) else ""

    def all(self) -> list[str]:
        return [*self._lines, self._note] if self._note else self._lines

    def cut(self, head: int, tail: int) -> list[str]:
        """The first and last lines, when there are more."""
        lines, hidden = self._lines, len(self._lines) - head - tail
        if hidden > 1:
            more = f"{self._indent}… {hidden} more lines"
            lines = [*lines[:head], more, *lines[len(lines) - tail :]]
        return [*lines, self._note] if self._note else lines


def _apart(value: Event) -> str:
    return f"… {value['bytes']:,} bytes, whole in .axon/blobs/{value['blob'][:12]}"


def _said(value: Any) -> str:
    """The text of a payload, whatever its shape."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if is_blob(value):
        return str(value["head"])
    if isinstance(value, list):
        return "\n".join(map(_said, value))
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        return str(value["text"])
    if isinstance(value, dict) and value.get("type") == "image":
        return "[image]"
    return json.dumps(value, ensure_ascii=False)
