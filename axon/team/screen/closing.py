"""How a run ended: a table for people, one object for programs."""

from collections.abc import Sequence
from typing import Any

from axon.core.terminal import fit, one_line, paint, wrap
from axon.tasks import State, Task
from axon.team.screen.grid import GAP, Column, grid
from axon.team.screen.view import Summary, unverified
from axon.team.screen.words import duration, money, question_line

_COLUMNS = (
    Column(head="task"),
    Column(head="title", least=16, most=48, rank=5),
    Column(head="state"),
    Column(head="attempts", right=True, rank=3),
    Column(head="time", right=True, rank=2),
    Column(head="turns", right=True, rank=4),
    Column(head="cost", right=True, rank=1),
    Column(head="branch", rank=6),
    Column(head="commit", rank=2),
)
_SHOWN = {State.DONE: "green", State.FAILED: "red", State.BLOCKED: "yellow"}


def summary_lines(summary: Summary, columns: int, color: bool) -> list[str]:
    """The whole closing text, no line wider than `columns`."""
    lines = _table(summary.tasks, columns, color) if summary.tasks else []
    for task in summary.tasks:
        if task.state is State.FAILED:
            name = one_line(task.identifier)
            said = f"{name} failed: {one_line(task.error) or 'no reason was kept'}"
            lines += [paint(line, "red", color) for line in wrap(said, columns)]
            lines += wrap(f"  axon logs {name} tells what happened", columns)
    for hint in _hints(summary):
        lines += [paint(line, "yellow", color) for line in wrap(hint, columns)]
    lines += [paint(line, "bold", color) for line in wrap(_closing(summary), columns)]
    return lines


def _table(tasks: Sequence[Task], columns: int, color: bool) -> list[str]:
    head, *rows = grid(_COLUMNS, [_row(task) for task in tasks], columns)
    lines = [paint(GAP.join(head.values()).rstrip(), "dim", color)]
    for task, cells in zip(tasks, rows, strict=True):
        shown = "yellow" if unverified(task) else _SHOWN.get(task.state, "")
        if shown:
            cells["state"] = paint(cells["state"], shown, color)
        lines.append(GAP.join(cells.values()).rstrip())
    return [*lines, ""]


def summary_view(summary: Summary) -> dict[str, Any]:
    """The stable JSON form: `team --json` ends with it."""
    return {
        "run": summary.run,
        "exit_code": summary.exit_code,
        "reason": summary.reason or None,
        "seconds": round(summary.seconds, 3),
        "cost_usd": summary.cost_usd,
        "counts": summary.counts,
        "tasks": [_task_view(task) for task in summary.tasks],
    }


def state_text(task: Task) -> str:
    return f"{task.state.label}, unverified" if unverified(task) else task.state.label


def cost_text(task: Task) -> str:
    """ "-" when no model was used, "unknown" when its price is."""
    return money(task.cost_usd) or ("unknown" if task.tokens else "-")


def _row(task: Task) -> list[str]:
    return [
        one_line(task.identifier),
        one_line(task.title),
        state_text(task),
        str(task.attempts),
        duration(task.seconds),
        str(task.turns or "-"),
        cost_text(task),
        fit(one_line(task.branch), 30) or "-",
        one_line(task.landed_commit)[:7] or "-",
    ]


def _task_view(task: Task) -> dict[str, Any]:
    return {
        "identifier": task.identifier,
        "title": task.title,
        "state": task.state.value,
        "attempts": task.attempts,
        "seconds": round(task.seconds, 3),
        "turns": task.turns,
        "cost_usd": task.cost_usd,
        "branch": task.branch or None,
        "target": task.target or None,
        "landed_commit": task.landed_commit or None,
        "verified": task.verified,
        "error": task.error or None,
    }


def _hints(summary: Summary) -> list[str]:
    """What a person should know or do next."""
    hints = []
    if summary.unverified:
        hints.append(
            f"{summary.unverified} landed unverified: no gate was there to judge; "
            "set gate.command in axon.toml"
        )
    beside = {t.target for t in summary.tasks if t.landed_commit and t.target.startswith("axon/")}
    for target in sorted(map(one_line, beside)):
        name = target.removeprefix("axon/")
        hints.append(f"landed on {target}, beside {name}; axon land brings it to {name}")
    finished = [one_line(t.identifier) for t in summary.tasks if t.state is State.REVIEW]
    if finished:
        how = "axon github status shows" if summary.proposes else "axon land --all lands"
        hints.append(f"finished, in Review: {', '.join(finished)}; {how} them")
    asking = [t for t in summary.tasks if t.state is State.BLOCKED and t.question]
    return hints + [question_line(task) for task in asking]


def _closing(summary: Summary) -> str:
    counts = summary.counts
    total = len(summary.tasks)
    said = f"{counts[State.DONE]} of {total} done" if total else "no task was worked"
    others = [f"{n} {State(s).label.lower()}" for s, n in counts.items() if n and s != State.DONE]
    cost = f"{money(summary.cost_usd)} spent" if summary.cost_usd is not None else ""
    parts = [said, *others, duration(summary.seconds), cost, one_line(summary.reason)]
    return " · ".join(part for part in parts if part)
