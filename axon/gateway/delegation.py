"""Which scripted turns a subagent plays: told by the words it was sent off with."""

from collections.abc import Iterable, Mapping
from typing import Any

from axon.gateway.script import WORKSPACE, Script, ScriptedTask, Turn, texts_of

DELEGATES = ("Agent", "Task")


def subagent_turn(
    script: Script, tasks: Iterable[ScriptedTask], document: Mapping[str, Any], number: int
) -> Turn | None:
    """None when no call in `tasks` that starts a subagent has turns for it."""
    messages = document.get("messages")
    given = "\n".join(texts_of(messages[0])) if isinstance(messages, list) and messages else ""
    found = [
        (len(prompt), turns)
        for task in tasks
        for played in (task.turns, *task.agents.values())
        for call in (call for turn in played for call in turn.tools if call.name in DELEGATES)
        if (prompt := str(call.input.get("prompt") or "")) and _is_in(prompt, given)
        if (turns := _turns(task, call.input)) is not None
    ]
    if not found:
        return None
    turns = max(found, key=lambda one: one[0])[1]
    return turns[number] if number < len(turns) else Turn(text=script.model_text)


def _turns(task: ScriptedTask, given: Mapping[str, Any]) -> tuple[Turn, ...] | None:
    """By the call's description, else by the type of its agent."""
    names = [str(given.get(key)) for key in ("description", "subagent_type")]
    return next((task.agents[name] for name in names if name in task.agents), None)


def _is_in(prompt: str, text: str) -> bool:
    return all(part.strip() in text for part in prompt.split(WORKSPACE))
