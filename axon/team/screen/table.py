"""The live view of a run on a terminal: news scroll by, the team's table stays below them."""

from collections import deque
from collections.abc import Callable, Sequence

from axon.core.terminal import fit, one_line, pad, paint, unpainted, width
from axon.ledger import Event, WorkerStatus
from axon.tasks import State, Task
from axon.team.screen.closing import summary_lines
from axon.team.screen.grid import GAP, Column, grid
from axon.team.screen.pump import Output
from axon.team.screen.view import Summary, View
from axon.team.screen.words import (
    clock,
    duration,
    event_detail,
    event_mood,
    event_word,
    is_news,
    money,
)

MAX_NEWS = 500  # lines kept while the terminal takes none
Size = Callable[[], tuple[int, int]]  # columns, rows

_COLUMNS = (
    Column(head="worker"),
    Column(head="task"),
    Column(head="title", least=14, most=44, rank=4),
    Column(head="doing", least=12, most=60),
    Column(head="turns", right=True, rank=3),
    Column(head="cost", right=True, rank=2),
    Column(head="time", right=True, rank=1),
)
_MOODS = {"good": "green", "bad": "red", "warn": "yellow"}


class Table:
    """Redraws its last lines in place; everything above them is ordinary history."""

    def __init__(self, output: Output, size: Size, color: bool) -> None:
        self._output = output
        self._size = size
        self._color = color
        self._canvas = Canvas()
        self._news: deque[str] = deque(maxlen=MAX_NEWS)

    def update(self, view: View) -> None:
        columns, rows = self._size()
        for event in filter(is_news, view.events):
            task = view.tasks.get(event.identifier)
            self._news.append(news_line(event, task, columns - 1, self._color))
        if not self._output.idle:
            return  # it does not keep up: the next frame will do
        lines = frame(view, columns - 1, rows - 1, self._color)
        if text := self._canvas.draw(list(self._news), lines, columns):
            self._output.put(text)
        self._news.clear()

    def finish(self, summary: Summary) -> None:
        columns, _ = self._size()
        closing = summary_lines(summary, columns - 1, self._color)
        self._output.put(self._canvas.draw([*self._news, "", *closing], [], columns), must=True)
        self._output.drain()


class Canvas:
    """What it drew last, so that the next frame takes its place with few bytes."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._columns = 0

    def draw(self, news: Sequence[str], lines: Sequence[str], columns: int) -> str:
        """The text that scrolls `news` in above `lines`; "" when nothing has changed.

        One write: the terminal holds it back until it is complete where it can (mode 2026).
        The cursor is hidden within the write only, so that no kill can leave it hidden.
        """
        same = not news and columns == self._columns and len(lines) == len(self._lines)
        if same and list(lines) == self._lines:
            return ""
        parts = ["\x1b[?2026h\x1b[?25l"]
        if height := self._height(columns):
            parts.append(f"\x1b[{height}A")
        parts.append("\r")
        parts += [f"{line}\x1b[K\r\n" for line in news]
        for index, line in enumerate(lines):
            kept = same and line == self._lines[index]
            parts.append("\r\n" if kept else f"{line}\x1b[K\r\n")
        parts.append("\x1b[J\x1b[?25h\x1b[?2026l")
        self._lines, self._columns = list(lines), columns
        return "".join(parts)

    def _height(self, columns: int) -> int:
        """Rows the last frame takes now: a terminal that got narrower has wrapped its lines."""
        return sum(max(1, -(-width(unpainted(line)) // columns)) for line in self._lines)


def frame(view: View, columns: int, rows: int, color: bool) -> list[str]:
    """The table as it stands now: at most `rows` lines, none wider than `columns`."""
    notice = [paint(fit(one_line(view.notice), columns), "yellow", color)] if view.notice else []
    foot = [*notice, progress_line(view, columns, color)]
    room = rows - len(foot) - 1
    workers = list(view.workers)
    if not workers or room < 2:
        return foot[-max(rows, 1) :]
    hidden = max(0, len(workers) - room + (1 if len(workers) > room else 0))
    shown = sorted(workers, key=lambda w: not w.identifier)[: len(workers) - hidden]
    shown.sort(key=workers.index)
    more = [paint(fit(f"… and {hidden} more", columns), "dim", color)] if hidden else []
    air = [""] if room > len(workers) + 6 else []  # between the history and the table
    return [*air, *_worker_lines(shown, view, columns, color), *more, *foot]


def news_line(event: Event, task: Task | None, columns: int, color: bool) -> str:
    """One event, cut to the line; a narrow one has no room for the time."""
    at = [clock(event.at)] if columns >= 60 else []
    name = pad(fit(one_line(event.identifier) or "-", 10), 6)
    word = fit(pad(event_word(event), 10 if at else 8), min(14, columns - width(name) - len(GAP)))
    room = columns - width(GAP.join([*at, name, word, ""]))
    detail = fit(event_detail(event, task), max(room, 0))
    if mood := _MOODS.get(event_mood(event)):
        word = paint(word, mood, color)
    return GAP.join([*(paint(text, "dim", color) for text in at), name, word, detail]).rstrip()


def progress_line(view: View, columns: int, color: bool) -> str:
    """How far the work is; what matters least is left out when it is narrow."""
    counts = view.counts
    total = sum(counts.values()) - counts.get(State.CANCELED, 0)
    done = counts.get(State.DONE, 0)
    review, failed, blocked = (
        (f"{counts[s]} {s.label.lower()}" if counts.get(s) else "")
        for s in (State.REVIEW, State.FAILED, State.BLOCKED)
    )
    parts = {
        "done": f"{done}/{total} done",
        "review": review.replace("review", "in review"),
        "blocked": blocked,
        "failed": failed,
        "cost": money(view.run.cost_usd),
        "time": duration(view.now - view.run.started_at),
    }
    parts = {name: part for name, part in parts.items() if part}
    for name in ("review", "blocked", "cost", "failed", "time"):
        if width(" · ".join(parts.values())) > columns:
            parts.pop(name, None)
    text = fit(" · ".join(parts.values()), columns)
    room = min(24, columns - width(text) - len(GAP))
    if room < 8:
        return text
    filled = room * done // total if total else 0
    bar = paint("━" * filled, "green", color) + paint("─" * (room - filled), "dim", color)
    return f"{bar}{GAP}{text}"


def _worker_lines(
    workers: Sequence[WorkerStatus], view: View, columns: int, color: bool
) -> list[str]:
    rows = [_row(worker, view) for worker in workers]
    head, *body = grid(_COLUMNS, rows, columns, steady=True)
    lines = [paint(GAP.join(head.values()).rstrip(), "dim", color)]
    for worker, cells in zip(workers, body, strict=True):
        line = GAP.join(cells.values()).rstrip()
        lines.append(line if worker.identifier else paint(line, "dim", color))
    return lines


def _row(worker: WorkerStatus, view: View) -> list[str]:
    task = view.tasks.get(worker.identifier)
    name, doing = fit(one_line(worker.name), 14), one_line(worker.doing)
    if not worker.identifier:
        return [name, "-", "", doing or "idle", "", "", ""]
    return [
        name,
        fit(one_line(worker.identifier), 12),
        one_line(task.title) if task else "",
        doing,
        str(worker.turns or "-"),
        pad(money(worker.cost_usd or None) or "-", 6, right=True),  # room to grow without a jolt
        pad(duration(view.now - worker.since) if worker.since else "-", 5, right=True),
    ]
