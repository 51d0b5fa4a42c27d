"""A run on a terminal, in a pipe and as JSON: what is shown, how wide, and that it never blocks."""

import fcntl
import io
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from axon.core.terminal import unpainted, width
from axon.ledger import Event, Run, WorkerStatus
from axon.tasks import State, Task
from axon.team.screen import Reporter, Summary, View, choose_reporter
from axon.team.screen.closing import summary_lines, summary_view
from axon.team.screen.grid import Column, grid
from axon.team.screen.lines import event_line
from axon.team.screen.pump import Pump, encoded
from axon.team.screen.table import Canvas, frame, news_line, progress_line
from axon.team.screen.words import duration, money

NOW = 1_700_000_000.0
HOSTILE = "\x1b[2Jbad\x07 title\nwith lines \u202e設定 \ud800"

RUN = Run(
    id="run-1", pid=1, host="h", target="main", engine="claude", workers=2, started_at=NOW - 302
)
COUNTS = {state.value: 0 for state in State} | {"todo": 4, "done": 4, "review": 1, "failed": 1}
TASKS = {
    "ENG-3": Task(identifier="ENG-3", title="Parse the header of a request", target="main"),
    "ENG-4": Task(identifier="ENG-4", title="設定ファイルを読み込む", attempts=2),
}


def worker(name: str, identifier: str = "", **facts: Any) -> WorkerStatus:
    return WorkerStatus(name=name, run="run-1", pid=2, identifier=identifier, **facts)


WORKERS = (
    worker("w1", "ENG-3", doing="Edit src/header.py", turns=12, cost_usd=0.04, since=NOW - 72),
    worker("w2", "ENG-4", doing="$ pytest -q", turns=3, since=NOW - 20),
    worker("w3", doing="idle"),
)


def view(**changes: Any) -> View:
    given: dict[str, Any] = {"run": RUN, "workers": WORKERS, "counts": COUNTS, "tasks": TASKS}
    return View(**{**given, "now": NOW, **changes})


def event(action: str, identifier: str = "ENG-3", **facts: Any) -> Event:
    given: dict[str, Any] = {"run": "run-1", "actor": "w1", "before": None, "after": None}
    given |= {"seq": 7, "at": NOW, "attempt": 1, "why": "", "data": {}}
    return Event(action=action, identifier=identifier, **{**given, **facts})


LANDED = event(
    "land", actor="landing", data={"target": "main", "commit": "1a2b3c4d5e", "verified": True}
)
RED = event("gate", why="exit 1: 1 failed", data={"passed": False})
AT = time.strftime("%H:%M:%S", time.localtime(NOW))


def text(lines: list[str]) -> str:
    return "\n".join(lines)


# ── one frame ──


def test_a_frame_at_80_columns() -> None:
    assert (
        text(frame(view(), 79, 23, False))
        == """
worker  task   title                 doing                 turns    cost   time
w1      ENG-3  Parse the header of…  Edit src/header.py       12   $0.04   1:12
w2      ENG-4  設定ファイルを読み…   $ pytest -q               3       -   0:20
w3      -                            idle
━━━━━━━━━───────────────  4/10 done · 1 in review · 1 failed · 5:02"""
    )


def test_a_narrow_frame_leaves_out_what_matters_less() -> None:
    shown = frame(view(notice="paused until 14:05: rate limit"), 44, 23, False)
    assert (
        text(shown)
        == """
worker  task   doing             cost   time
w1      ENG-3  Edit src/head…   $0.04   1:12
w2      ENG-4  $ pytest -q          -   0:20
w3      -      idle
paused until 14:05: rate limit
4/10 done · 1 in review · 1 failed · 5:02"""
    )


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("columns", [19, 39, 45, 60, 79, 119, 199])
def test_no_line_is_wider_than_the_terminal(columns: int, color: bool) -> None:
    odd = worker(HOSTILE * 3, "ENG-5", doing=HOSTILE * 9, turns=10**6, cost_usd=1e6, since=1.0)
    tasks = {"ENG-5": Task(identifier="ENG-5", title=HOSTILE * 9, error=HOSTILE, tokens=1)}
    tasks["ENG-5"] = replace(tasks["ENG-5"], state=State.FAILED, branch=HOSTILE, target=HOSTILE)
    shown = frame(view(workers=(odd, *WORKERS), tasks=tasks, notice=HOSTILE), columns, 23, color)
    shown += [
        news_line(event(action, "ENG-5", why=HOSTILE, actor=HOSTILE), task, columns, color)
        for action in ("claim", "land", "give_up", HOSTILE)
        for task in (None, tasks["ENG-5"])
    ]
    summary = Summary(run="r", exit_code=1, reason=HOSTILE, tasks=[*tasks.values()])
    shown += summary_lines(summary, columns, color)
    assert max(width(unpainted(line)) for line in shown) <= columns
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e\ud800]", "".join(map(unpainted, shown)))


@pytest.mark.parametrize("rows", range(1, 30))
def test_a_frame_leaves_room_on_a_low_terminal(rows: int) -> None:
    many = [worker(f"w{n}", "ENG-3" if n > 10 else "") for n in range(20)]
    shown = frame(view(workers=many, notice="paused"), 79, rows, False)
    assert len(shown) <= rows
    assert shown[-1] == progress_line(view(), 79, False)
    if 6 < rows < 20:
        assert "… and " in text(shown) and "w11" in text(shown)  # those at work come first


def test_time_passing_changes_only_the_times() -> None:
    before, after = (frame(view(now=now), 79, 23, False) for now in (NOW, NOW + 1))
    cleaned = [re.sub(r"\d+:\d\d$", "", line) for line in (*before, *after)]
    assert cleaned[: len(before)] == cleaned[len(before) :] and before != after


def test_without_color_nothing_is_painted_and_with_it_widths_stay() -> None:
    plain, painted = (frame(view(), 79, 23, color) for color in (False, True))
    assert "\x1b" not in text(plain)
    assert plain == [unpainted(line) for line in painted] and plain != painted


def test_columns_share_the_room() -> None:
    columns = (
        Column(head="a"),
        Column(head="b", least=3, most=10, rank=2),
        Column(head="c", rank=1),
    )
    rows = [["aa", "bbbbbbbb", "cc"]]
    assert [list(r.values()) for r in grid(columns, rows, 20)] == [
        ["a ", "b       ", "c "],
        ["aa", "bbbbbbbb", "cc"],
    ]
    assert list(grid(columns, rows, 13)[1].values()) == ["aa", "bbbb…", "cc"]
    assert list(grid(columns, rows, 9)[1].values()) == ["aa", "cc"]
    assert list(grid(columns, rows, 3)[1].values()) == ["aa"]
    assert list(grid(columns, rows, 1)[1].values()) == ["…"]


def test_words_for_times_and_money() -> None:
    assert [duration(s) for s in (-5, 7.9, 760, 10_931, 400_000)] == [
        "0:00",
        "0:07",
        "12:40",
        "3:02:11",
        "111:06:40",
    ]
    assert [money(v) for v in (None, 0.0, 0.0042, 0.12, 1234.5)] == [
        "",
        "$0.00",
        "$0.0042",
        "$0.12",
        "$1,234.50",
    ]


# ── events ──


@pytest.mark.parametrize(
    ("happened", "line"),
    [
        (LANDED, "ENG-3    landed      on main as 1a2b3c4 (verified)"),
        (
            replace(LANDED, data={**LANDED.data, "verified": False}),
            "ENG-3    landed      on main as 1a2b3c4 (unverified)",
        ),
        (event("claim"), "ENG-3    claimed     by w1: Parse the header of a request"),
        (
            event("claim", "ENG-4", attempt=2),
            "ENG-4    claimed     by w1, attempt 2: 設定ファイルを読み込む",
        ),
        (RED, "ENG-3    gate-red    exit 1: 1 failed"),
        (event("gate", data={"passed": True}), "ENG-3    gate-green"),
        (
            event("gate", why="exit 2", data={"passed": False, "where": "landing"}),
            "ENG-3    gate-red    on the merge: exit 2",
        ),
        (
            event("fail", why="the gate\nis red"),
            "ENG-3    retrying    after attempt 1: the gate is red",
        ),
        (event("give_up", why="red"), "ENG-3    failed      after attempt 1: red"),
        (event("cancel", actor="person"), "ENG-3    canceled    by person"),
        (event("worker_died", "", why="w1 died"), "-        worker-died  w1 died"),
        (event("some_new_thing", why="x"), "ENG-3    some-new-thing  x"),
    ],
)
def test_each_event_has_its_words(happened: Event, line: str) -> None:
    assert event_line(happened, TASKS.get(happened.identifier)) == f"{AT}  {line}"


def test_lines_in_a_pipe() -> None:
    out = io.StringIO()
    reporter = choose_reporter(out, json=False, color=True)
    reporter.update(view(events=[event("claim"), RED]))
    reporter.update(view(events=[LANDED], notice="paused: rate limit"))
    reporter.update(view(notice="paused: rate limit"))
    reporter.finish(Summary(run="run-1", exit_code=0, tasks=[TASKS["ENG-3"]]))
    lines = out.getvalue().split("\n")
    assert [line.split()[1:3] for line in lines[:4]] == [
        ["ENG-3", "claimed"],
        ["ENG-3", "gate-red"],
        ["ENG-3", "landed"],
        ["-", "notice"],
    ]
    assert lines[4] == "" and lines[5].startswith("task") and "\x1b" not in out.getvalue()


def test_json_lines_hold_every_event_and_end_with_the_summary() -> None:
    out = io.StringIO()
    reporter = choose_reporter(out, json=True, color=True)
    reporter.update(view(events=[LANDED, event("comment", why=HOSTILE)], notice="paused"))
    done = replace(TASKS["ENG-3"], state=State.DONE, verified=True, landed_commit="1a2b3c4d")
    reporter.finish(Summary(run="run-1", exit_code=0, seconds=1.5, tasks=[done]))
    assert out.getvalue().isascii()
    first, second, last = map(json.loads, out.getvalue().splitlines())
    assert first["event"] == {
        "seq": 7,
        "at": NOW,
        "identifier": "ENG-3",
        "action": "land",
        "before": None,
        "after": None,
        "attempt": 1,
        "actor": "landing",
        "why": None,
        "data": {"target": "main", "commit": "1a2b3c4d5e", "verified": True},
    }
    assert second["event"]["why"] == HOSTILE
    assert last["summary"] == {
        "run": "run-1",
        "exit_code": 0,
        "reason": None,
        "seconds": 1.5,
        "cost_usd": None,
        "counts": {state.value: int(state is State.DONE) for state in State},
        "tasks": [
            {
                "identifier": "ENG-3",
                "title": "Parse the header of a request",
                "state": "done",
                "attempts": 0,
                "seconds": 0.0,
                "turns": 0,
                "cost_usd": None,
                "branch": None,
                "target": "main",
                "landed_commit": "1a2b3c4d",
                "verified": True,
                "error": None,
            }
        ],
    }


# ── the end ──

ENDED = [
    replace(
        TASKS["ENG-3"],
        state=State.DONE,
        attempts=1,
        seconds=63.0,
        turns=14,
        cost_usd=0.12,
        tokens=9,
        branch="agent/eng-3",
        landed_commit="1a2b3c4d5e",
        verified=True,
    ),
    replace(TASKS["ENG-4"], state=State.DONE, verified=False, landed_commit="9f8e7d6c", tokens=9),
    Task(
        identifier="ENG-5", title="Docs", state=State.FAILED, attempts=3, error="the gate is\nred"
    ),
]


def test_the_summary_for_people() -> None:
    summary = Summary(run="run-1", exit_code=1, seconds=302, cost_usd=0.12, tasks=ENDED)
    assert summary.unverified == 1
    assert (
        text(summary_lines(summary, 96, False))
        == """\
task   title              state             attempts  time  turns     cost  branch       commit
ENG-3  Parse the header…  Done                     1  1:03     14    $0.12  agent/eng-3  1a2b3c4
ENG-4  設定ファイルを読…  Done, unverified         2  0:00      -  unknown  -            9f8e7d6
ENG-5  Docs               Failed                   3  0:00      -        -  -            -

ENG-5 failed: the gate is red
  axon logs ENG-5 tells what happened
1 landed unverified: no gate was there to judge; set gate.command in axon.toml
2 of 3 done · 1 failed · 5:02 · $0.12 spent"""
    )


def test_work_that_landed_beside_its_branch_is_said() -> None:
    tasks = [replace(ENDED[0], target="axon/main")]
    shown = text(summary_lines(Summary(run="r", exit_code=0, tasks=tasks), 99, False))
    assert "landed on axon/main, beside main; axon land brings it to main" in shown


def test_the_end_of_a_run_without_tasks_says_why() -> None:
    summary = Summary(run="r", exit_code=5, reason="the key was refused", seconds=3)
    assert summary_lines(summary, 79, False) == ["no task was worked · 0:03 · the key was refused"]
    assert summary_view(summary)["tasks"] == []


# ── drawing in place ──


class Terminal:
    """As much of a terminal as the table needs; lines that scroll off are kept."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.lines: list[list[str]] = [[]]
        self.row = self.column = 0
        self.cursor_shown = True
        self.overflowed = False

    def feed(self, data: str) -> None:
        for code, final, char in re.findall(r"\x1b\[([?\d;]*)([A-Za-z])|([^\x1b])", data):
            if final:
                self._control(code, final)
            elif char == "\r":
                self.column = 0
            elif char == "\n":
                self.row += 1
                if self.row == len(self.lines):
                    self.lines.append([])
            else:
                self._put(char)

    def _control(self, code: str, final: str) -> None:
        line = self.lines[self.row]
        if final == "A":
            self.row = max(self.row - int(code), len(self.lines) - self.rows, 0)
        elif final == "K":
            del line[self.column :]
        elif final == "J":
            del line[self.column :], self.lines[self.row + 1 :]
        elif code == "?25":
            self.cursor_shown = final == "h"

    def _put(self, char: str) -> None:
        cells = [char, ""][: width(char)]
        self.overflowed |= self.column + len(cells) > self.columns - 1
        line = self.lines[self.row]
        line += [" "] * (self.column - len(line))
        line[self.column : self.column + len(cells)] = cells
        self.column += len(cells)

    def shown(self) -> list[str]:
        return ["".join(line).rstrip() for line in self.lines]


def test_the_table_is_redrawn_in_place_below_its_history() -> None:
    terminal, canvas = Terminal(80, 24), Canvas()
    terminal.feed("$ axon team\r\n")
    first = canvas.draw([], frame(view(), 79, 23, True), 80)
    terminal.feed(first)
    assert terminal.shown()[1:-1] == [unpainted(s) for s in frame(view(), 79, 23, False)]

    news = [news_line(LANDED, None, 79, True)]
    terminal.feed(canvas.draw(news, frame(view(workers=WORKERS[:1]), 79, 23, True), 80))
    expected = frame(view(workers=WORKERS[:1]), 79, 23, False)
    assert terminal.shown() == ["$ axon team", unpainted(news[0]), *expected, ""]
    assert terminal.cursor_shown and not terminal.overflowed


def test_a_frame_without_change_writes_nothing_and_one_with_little_writes_little() -> None:
    terminal, canvas = Terminal(80, 24), Canvas()
    terminal.feed(canvas.draw([], frame(view(), 79, 23, False), 80))
    assert canvas.draw([], frame(view(), 79, 23, False), 80) == ""

    busy = (replace(WORKERS[0], doing="Read x.py"), *WORKERS[1:])
    update = canvas.draw([], frame(view(workers=busy), 79, 23, False), 80)
    terminal.feed(update)
    assert len(update) < 150
    assert terminal.shown()[:-1] == frame(view(workers=busy), 79, 23, False)


def test_a_kill_in_the_middle_leaves_the_cursor_alone() -> None:
    update = Canvas().draw(["news"], frame(view(), 79, 23, True), 80)
    assert update.startswith("\x1b[?2026h\x1b[?25l") and update.endswith("\x1b[?25h\x1b[?2026l")


def test_many_events_scroll_into_the_history() -> None:
    terminal, canvas = Terminal(80, 10), Canvas()
    for number in range(40):
        terminal.feed(canvas.draw([f"event {number}"], frame(view(), 79, 9, False), 80))
    assert terminal.shown() == [
        *(f"event {number}" for number in range(40)),
        *frame(view(), 79, 9, False),
        "",
    ]


# ── real descriptors ──


def wait_for(fact: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.01)


class Watched:
    """A pseudo terminal with a reporter on it."""

    def __init__(self, columns: int, rows: int = 24) -> None:
        self.leader, follower = pty.openpty()
        self.stream = os.fdopen(follower, "w", encoding="utf-8")
        self.resize(columns, rows)
        self.reporter: Reporter = choose_reporter(self.stream, json=False, color=True)

    def resize(self, columns: int, rows: int = 24) -> None:
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def update_until_drawn(self, shown: View) -> None:
        """A frame is left out while the one before is still being written."""
        while not select.select([self.leader], [], [], 0.01)[0]:
            self.reporter.update(shown)

    def read(self, until: str) -> str:
        data = b""
        while until not in data.decode("utf-8", "replace"):
            assert select.select([self.leader], [], [], 30)[0], data
            data += os.read(self.leader, 65536)
        return data.decode("utf-8")


@contextmanager
def watched(columns: int) -> Iterator[Watched]:
    made = Watched(columns)
    yield made
    made.stream.close()
    os.close(made.leader)


def test_a_terminal_gets_the_table_as_wide_as_it_is_now() -> None:
    with watched(100) as screen:
        screen.reporter.update(view(events=[LANDED, event("comment")]))
        first = screen.read("\x1b[?2026l")
        assert "landed" in first and "comment" not in first and "title" in first
        screen.resize(45)
        screen.update_until_drawn(view())
        assert "title" not in screen.read("\x1b[?2026l")
        screen.reporter.finish(Summary(run="r", exit_code=1, tasks=ENDED))
        assert "ENG-5 failed" in unpainted(screen.read("of 3 done"))


def test_a_terminal_that_is_stopped_does_not_stop_the_run() -> None:
    with watched(80) as screen:
        for number in range(2000):  # nobody reads: its buffer holds some 4 KB
            screen.reporter.update(view(events=[replace(LANDED, seq=number)], now=NOW + number))
        seen = ""
        ended = threading.Thread(
            target=screen.reporter.finish, args=[Summary(run="r", exit_code=0, tasks=ENDED)]
        )
        ended.start()
        seen = screen.read("of 3 done")
        ended.join(30)
        assert not ended.is_alive()
        assert seen.count("landed") < 2000


def test_a_reader_that_has_gone_does_not_end_the_run() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        reporter = choose_reporter(stream, json=True, color=False)
        for _ in range(3):
            reporter.update(view(events=[LANDED]))
        reporter.finish(Summary(run="r", exit_code=0))
        print("no error", file=stream, flush=True)


def test_a_slow_reader_gets_everything() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream, os.fdopen(reader) as source:
        reporter = choose_reporter(stream, json=True, color=False)
        for number in range(1000):  # more than a pipe holds
            reporter.update(view(events=[replace(LANDED, seq=number)]))
        ended = threading.Thread(target=reporter.finish, args=[Summary(run="r", exit_code=0)])
        ended.start()
        lines = [json.loads(source.readline()) for _ in range(1001)]
        ended.join(30)
    assert [line["event"]["seq"] for line in lines[:-1]] == list(range(1000))
    assert "summary" in lines[-1]


def test_what_waits_is_bounded_and_a_reader_that_never_reads_is_given_up() -> None:
    reader, writer = os.pipe()
    pump = Pump(writer)
    block = "x" * (1 << 20)
    assert [pump.put(block) for _ in range(20)].count(False) >= 3
    started = time.monotonic()
    pump.drain(0.3)
    assert not pump.idle and time.monotonic() - started < 20
    os.close(reader)
    wait_for(lambda: pump.idle)
    os.close(writer)


def test_characters_a_terminal_lacks_take_their_one_cell() -> None:
    assert encoded("━━─ a…b · 設é", "ascii") == b"==- a~b - ??"
    assert encoded("é…", "utf-8") == "é…".encode()


def test_a_dumb_terminal_gets_lines() -> None:
    with watched(80) as screen:
        plain = choose_reporter(screen.stream, json=False, color=False, live=False)
        plain.update(view(events=[LANDED]))
        assert screen.read("(verified)").startswith(AT)


KILLED = """
import sys, time
sys.path.insert(0, {here!r})
from test_screen import *
reporter = choose_reporter(sys.stdout, json=False, color=True)
while True:
    reporter.update(view(now=time.time()))
"""


def test_a_kill_leaves_the_cursor_shown() -> None:
    leader, follower = pty.openpty()
    script = KILLED.format(here=str(Path(__file__).parent))
    child = subprocess.Popen([sys.executable, "-c", script], stdout=follower)
    os.close(follower)
    data = b""
    while data.count(b"\x1b[?25h") < 3:
        data += os.read(leader, 65536)
    child.kill()
    child.wait()
    try:
        while chunk := os.read(leader, 65536):
            data += chunk
    except OSError:  # the other end is closed: all was read
        pass
    os.close(leader)
    terminal = Terminal(80, 24)
    terminal.feed(data.decode("utf-8", "replace"))
    assert terminal.cursor_shown
