"""Scripted turns in place of a model: what `script:FILE` holds, and which turn comes next.

A script is one JSON object, for demos and for testing gates, hooks and prompts without a key:

    {"model_text": "Nothing more to do.",
     "tasks": [
       {"task": "ENG-1",
        "turns": [
          {"text": "I write the file.",
           "tools": [{"name": "Write",
                      "input": {"file_path": "$WORKSPACE/a.py", "content": "A = 1\\n"}}],
           "usage": {"input_tokens": 1200, "output_tokens": 80},
           "delay_seconds": 0.5},
          {"text": "Done."}]},
       {"title": "The exact title of a task", "turns": []}]}

`model_text` (optional) is said wherever nothing is scripted: for other tasks and past the last
turn. A task is named by `task` (its identifier) or by `title`; an entry with `says` as well is for
those of its sessions whose first prompt has that text in it, such as a review. `agents` has the
turns of its subagents: {"coding": [turns]}, by the type of the agent or, before that, by the
`description` of the call that starts it. A turn has `text`, `tools` (calls made together) or both;
after a turn with tools the agent runs them and asks for the next one, after one without it stops.
`$WORKSPACE` in any text of a turn is the task's workspace. `usage` may hold input_tokens,
output_tokens, cache_read_input_tokens and cache_creation_input_tokens; what is left out is derived
from the sizes.

`fault` spoils a turn the first `times` (default 1) it is asked for, before it is served:
{"status": 529, "retry_after": 1}, {"cut": true} (in the middle of the answer),
{"malformed": true} (an event that is no JSON), {"refuse": true} (the connection is closed
without an answer), {"hang_seconds": 5} (a silence, then the answer) or {"stall_seconds": 5} (the
silence comes in the middle). `pace_seconds` is a pause between any two events of an answer.

A turn with `when`, a regular expression, is served whenever what was said to the model last (a
prompt, the output of a tool or of the gate) matches it; the others are counted without it.

Which turn is served follows from the request alone: the number of the model's messages in the
conversation. So a resumed session goes on, a new one begins anew, a retry gets the same turn.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axon.errors import UsageError
from axon.gateway import shapes

LARGEST_SCRIPT = 16 << 20
MODEL_TEXT = "Nothing more to do."
WORKSPACE = "$WORKSPACE"
TURN_KEYS = ("text", "tools", "usage", "delay_seconds", "pace_seconds", "when", "fault")
USAGE_KEYS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)
# What Claude Code puts into a conversation itself: in the model's name when it resumes a killed
# session, and in the person's after an answer that broke off (which is then to be said again).
NOT_THE_MODEL = "No response requested."
CUT_OFF = "Your response above was cut off mid-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    name: str
    input: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFault:
    """Exactly one of the kinds is set."""

    status: int = 0
    retry_after: float | None = None
    cut: bool = False
    malformed: bool = False
    refuse: bool = False
    hang_seconds: float = 0.0
    stall_seconds: float = 0.0
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    text: str = ""
    tools: tuple[ToolCall, ...] = ()
    usage: dict[str, int] = field(default_factory=dict)
    delay_seconds: float = 0.0
    pace_seconds: float = 0.0  # between two events of the answer
    when: str = ""  # a pattern: only said to what matches it, and then before any other turn
    fault: ScriptFault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedTask:
    task: str = ""
    title: str = ""
    says: str = ""
    turns: tuple[Turn, ...] = ()
    agents: Mapping[str, tuple[Turn, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    model_text: str = MODEL_TEXT
    tasks: tuple[ScriptedTask, ...] = ()

    def turn(self, task: ScriptedTask | None, number: int, newest: str = "") -> Turn:
        """The turn to serve; past the end the model has nothing more to do.

        `newest`: what was said to the model since it spoke last.
        """
        told = task.turns if task else ()
        for turn in told:
            if turn.when and re.search(turn.when, newest):
                return turn
        turns = [turn for turn in told if not turn.when]
        return turns[number] if number < len(turns) else Turn(text=self.model_text)

    def of_task(self, identifier: str, title: str, prompt: str = "") -> ScriptedTask | None:
        """The entry for a session of this task that began with `prompt`."""
        own = self.all_of_task(identifier, title)
        special = [task for task in own if task.says and task.says in prompt]
        return next(iter([*special, *(task for task in own if not task.says)]), None)

    def all_of_task(self, identifier: str, title: str) -> list[ScriptedTask]:
        return [
            task
            for task in self.tasks
            if (task.task and task.task == identifier) or (task.title and task.title == title)
        ]

    def of_text(self, text: str) -> ScriptedTask | None:
        """The task that `text` names first; of several names there the longest."""
        found = [
            (not task.says, text.find(name), -len(name), number)
            for number, task in enumerate(self.tasks)
            if (name := task.title or task.task) in text and task.says in text
        ]
        return self.tasks[min(found)[-1]] if found else None


def turn_number(document: Mapping[str, Any]) -> int:
    """How many whole turns of the model the conversation holds."""
    found = document.get("messages")
    messages = [m for m in (found if isinstance(found, list) else []) if isinstance(m, dict)]
    return sum(
        message.get("role") == "assistant"
        and text_of(message) != NOT_THE_MODEL
        and not any(text.startswith(CUT_OFF) for text in texts_of(after))
        for message, after in zip(messages, [*messages[1:], {}], strict=False)
    )


def first_prompt(document: Mapping[str, Any]) -> str:
    """What the conversation began with."""
    messages = document.get("messages")
    return json.dumps(messages[:1], ensure_ascii=False) if isinstance(messages, list) else ""


def text_of(message: Mapping[str, Any]) -> str:
    """The texts of a message's content, joined; "" when it calls a tool."""
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    if any(isinstance(block, dict) and block.get("type") == "tool_use" for block in blocks):
        return ""
    return "\n".join(texts_of(message))


def texts_of(message: Mapping[str, Any]) -> list[str]:
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    blocks = content if isinstance(content, list) else []
    return [str(block.get("text") or "") for block in blocks if isinstance(block, dict)]


def is_side_request(document: Mapping[str, Any], agent_id: str) -> bool:
    """Not the main conversation: a subagent's, or one without tools, such as for a title."""
    return bool(agent_id) or not document.get("tools")


def filled(value: Any, workspace: str) -> Any:
    """`value` with $WORKSPACE replaced in every text."""
    if isinstance(value, str):
        return value.replace(WORKSPACE, workspace)
    if isinstance(value, dict):
        return {key: filled(item, workspace) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, workspace) for item in value]
    return value


def load_script(path: Path) -> Script:
    """UsageError names the file and the place in it."""
    try:
        if path.stat().st_size > LARGEST_SCRIPT:
            raise UsageError(f"{path} is larger than {LARGEST_SCRIPT >> 20} MiB; shorten it")
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read script {path}: {error.strerror}; correct the path") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8; save it as that") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not valid JSON: {error}; correct it") from None
    try:
        return parse_script(document)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def parse_script(document: Any) -> Script:
    """UsageError names the place."""
    table = shapes.table(document, "script", ("model_text", "tasks"))
    tasks = tuple(
        _task(entry, f"tasks[{number}]")
        for number, entry in enumerate(shapes.items(table.get("tasks", []), "tasks"))
    )
    names = [(task.task, task.title, task.says) for task in tasks]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise UsageError(f"tasks[{number}] is scripted twice; keep one of them")
    return Script(
        model_text=shapes.text(table.get("model_text", MODEL_TEXT), "model_text"), tasks=tasks
    )


def _task(entry: Any, where: str) -> ScriptedTask:
    table = shapes.table(entry, where, ("task", "title", "says", "turns", "agents"))
    task = shapes.text(table.get("task", ""), f"{where}.task")
    title = shapes.text(table.get("title", ""), f"{where}.title")
    if bool(task) == bool(title):
        raise UsageError(f"{where} needs a name; give it either task or title")
    agents = table.get("agents", {})
    if not isinstance(agents, dict):
        raise UsageError(f"{where}.agents must be an object")
    return ScriptedTask(
        task=task,
        title=title,
        says=shapes.text(table.get("says", ""), f"{where}.says"),
        turns=_turns(table.get("turns", []), f"{where}.turns"),
        agents={name: _turns(turns, f"{where}.agents.{name}") for name, turns in agents.items()},
    )


def _turns(entry: Any, where: str) -> tuple[Turn, ...]:
    return tuple(_turn(turn, f"{where}[{n}]") for n, turn in enumerate(shapes.items(entry, where)))


def _turn(entry: Any, where: str) -> Turn:
    table = shapes.table(entry, where, TURN_KEYS)
    tools = shapes.items(table.get("tools", []), f"{where}.tools")
    turn = Turn(
        text=shapes.text(table.get("text", ""), f"{where}.text"),
        tools=tuple(_tool(tool, f"{where}.tools[{n}]") for n, tool in enumerate(tools)),
        usage=_usage(table.get("usage", {}), f"{where}.usage"),
        delay_seconds=shapes.seconds(table.get("delay_seconds", 0), f"{where}.delay_seconds"),
        pace_seconds=shapes.seconds(table.get("pace_seconds", 0), f"{where}.pace_seconds"),
        when=_pattern(table.get("when", ""), f"{where}.when"),
        fault=_fault(table["fault"], f"{where}.fault") if "fault" in table else None,
    )
    if not turn.text and not turn.tools:
        raise UsageError(f"{where} says nothing; give it text or tools")
    return turn


def _pattern(entry: Any, where: str) -> str:
    pattern = shapes.text(entry, where)
    try:
        re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{where} is no regular expression: {error}") from None
    return pattern


def _tool(entry: Any, where: str) -> ToolCall:
    table = shapes.table(entry, where, ("name", "input"))
    name = shapes.text(table.get("name", ""), f"{where}.name")
    if not name:
        raise UsageError(f"{where} names no tool; give it a name")
    if not isinstance(table.get("input", {}), dict):
        raise UsageError(f"{where}.input must be an object")
    return ToolCall(name=name, input=table.get("input", {}))


def _usage(entry: Any, where: str) -> dict[str, int]:
    table = shapes.table(entry, where, USAGE_KEYS)
    for name, count in table.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise UsageError(f"{where}.{name} must be a whole number")
    return table


def _fault(entry: Any, where: str) -> ScriptFault:
    kinds = ("status", "cut", "malformed", "refuse", "hang_seconds", "stall_seconds")
    table = shapes.table(entry, where, (*kinds, "retry_after", "times"))
    if len([kind for kind in kinds if table.get(kind)]) != 1:
        raise UsageError(f"{where} must have one of {', '.join(kinds)}")
    status, times = table.get("status", 0), table.get("times", 1)
    for kind in ("cut", "malformed", "refuse"):
        if not isinstance(table.get(kind, False), bool):
            raise UsageError(f"{where}.{kind} must be true")
    if not isinstance(status, int) or (status and not 300 <= status <= 599):
        raise UsageError(f"{where}.status must be from 300 to 599")
    if not isinstance(times, int) or times < 1:
        raise UsageError(f"{where}.times must be at least 1")
    wait = table.get("retry_after")
    return ScriptFault(
        status=status,
        retry_after=None if wait is None else shapes.seconds(wait, f"{where}.retry_after"),
        **{kind: table.get(kind, False) for kind in ("cut", "malformed", "refuse")},
        hang_seconds=shapes.seconds(table.get("hang_seconds", 0), f"{where}.hang_seconds"),
        stall_seconds=shapes.seconds(table.get("stall_seconds", 0), f"{where}.stall_seconds"),
        times=times,
    )
