"""A task server as ledger: claims are won by election, moves are told, and nothing is lost."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import urlencode

import pytest

from axon.errors import Forbidden, LedgerError, NotFound, StaleClaim, UsageError
from axon.ledger import Ledger, Run, open_ledger
from axon.ledger.task_mcp import TaskMcpLedger, election
from axon.ledger.task_mcp import ledger as task_ledger
from axon.ledger.task_mcp import sync as task_sync
from axon.ledger.task_mcp.board import Board
from axon.ledger.task_mcp.client import McpClient
from axon.ledger.task_mcp.election import Election, Verdict, bids
from axon.ledger.task_mcp.issues import Issue, Said
from axon.ledger.task_mcp.wire import Wire
from axon.tasks import Draft, Priority, Record, State
from tests.task_server import TaskServer
from tests.world import add, claim, landing

ROOT = Path(__file__).resolve().parent.parent
STORM = os.environ.get("AXON_STORM") == "1"


class Killed(BaseException):
    """Stands for the death of the process: nothing catches it."""


@dataclass
class Server:
    """A task server, and its ledger to look at."""

    folder: Path
    options: tuple[str, ...]
    running: TaskServer | None = None
    url: str = ""
    opened: list[Ledger] = field(default_factory=list)

    def start(self) -> None:
        """Again on the same port, when it was stopped."""
        port = self.url.removesuffix("/mcp").rpartition(":")[2] or "0"
        self.running = TaskServer([str(self.folder / "server.db"), "--port", port, *self.options])
        self.url = self.running.url
        self.running.start()

    def stop(self) -> None:
        if self.running is not None:
            self.running.stop()
        self.running = None

    @property
    def file(self) -> Ledger:
        """What the server has."""
        return self.keep(open_ledger(f"file:{self.folder / 'server.db'}"))

    def host(self, name: str = "host", **more: Any) -> TaskMcpLedger:
        """A host of its own: it has its own file."""
        found = self.keep(self.open(name, **more))
        assert isinstance(found, TaskMcpLedger)
        return found

    def keep(self, ledger: Ledger) -> Ledger:
        self.opened.append(ledger)
        return ledger

    def open(self, name: str, **more: Any) -> Ledger:
        place = self.folder / name / "tasks.db"
        return open_ledger(f"mcp+{self.url}#{urlencode({'file': place, 'team': 'ENG'})}", **more)

    def board(self) -> Board:
        return Board(client=McpClient(wire=Wire(self.url)), team="ENG")

    def close(self) -> None:
        self.stop()
        for ledger in self.opened:
            ledger.close()


Start = Callable[..., Server]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every claim looks at the server first."""
    monkeypatch.setattr(task_ledger, "SYNC_SECONDS", 0.0)
    monkeypatch.setattr(task_ledger, "LOST_PAUSE", 0.0)


@pytest.fixture
def start(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr(task_sync, "LOOK_SECONDS", 0.0)
    started: list[Server] = []

    def start(*options: str) -> Server:
        started.append(Server(tmp_path, options))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.close()


def open_bids(ledger: Ledger, identifier: str) -> list[str]:
    return bids([Said(body=comment.body) for comment in ledger.comments(identifier)])


def said(ledger: Ledger, identifier: str) -> list[str]:
    """What the server's comments say, without the election and the marks of axon."""
    found = [comment.body for comment in ledger.comments(identifier)]
    ours = re.compile(r"axon (claim|release|note) ")
    return [body.partition(" [axon ")[0] for body in found if not ours.match(body)]


def run_of(name: str, **facts: Any) -> Run:
    return Run(id=name, pid=1, host="h", target="main", engine="command", workers=1, **facts)


def state(ledger: Ledger, identifier: str = "ENG-1") -> State:
    return ledger.task(identifier).state


# ── who wins ──


@pytest.mark.timeout(1800 if STORM else 300)
@pytest.mark.parametrize(
    ("options", "rounds"),
    [
        (("--latency-ms", "0"), 20),
        (("--latency-ms", "5"), 10),
        (("--latency-ms", "50"), 4),
        (("--latency-ms", "5", "--newest-first"), 4),
        (("--latency-ms", "5", "--stamps", "seconds"), 4),
        (("--latency-ms", "5", "--careful", "--stream"), 4),
    ],
    ids=str,
)
def test_of_three_claimers_exactly_one_wins(
    quick: None, tmp_path: Path, options: tuple[str, ...], rounds: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.task_server", str(tmp_path / "server.db"), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    server = Server(tmp_path, options, url=process.stdout.readline().strip())
    file_url = f"file:{server.folder / 'server.db'}"
    rounds = 200 if STORM else rounds
    barrier = Barrier(3, timeout=60)
    won: list[list[str]] = [[] for _ in range(rounds)]

    def host(name: str) -> None:
        with closing(server.open(name)) as ledger, closing(open_ledger(file_url)) as file:
            for number in range(rounds):
                if barrier.wait() == 0:
                    add(file, f"task {number}")
                barrier.wait()
                task = ledger.claim(worker=name, run="", lease_seconds=600)
                if task is not None:
                    won[number].append(f"{task.identifier} {name}")
                barrier.wait()

    try:
        with ThreadPoolExecutor(3) as hosts:
            list(hosts.map(host, ("host-1", "host-2", "host-3")))
    finally:
        process.kill()
        process.communicate()

    assert [len(names) for names in won] == [1] * rounds, won
    assert len({name.split()[0] for names in won for name in names}) == rounds
    with closing(server.file) as file:
        for task in file.tasks():
            assert task.state is State.IN_PROGRESS
            assert len(open_bids(file, task.identifier)) == 1


def test_workers_of_one_host_share_what_it_wins(start: Start) -> None:
    server = start("--latency-ms", "2")
    add(server.file, *(f"task {n}" for n in range(9)))
    server.host("shared").arrive()

    def work(name: str) -> list[str]:
        found = []
        with closing(server.open("shared")) as ledger:
            while ledger.ready_in() is not None:
                task = ledger.claim(worker=name, run="", lease_seconds=600)
                if task is not None:
                    found.append(task.identifier)
        return found

    with ThreadPoolExecutor(3) as workers:
        won = [name for names in workers.map(work, ("w1", "w2", "w3")) for name in names]
    assert sorted(won) == [f"ENG-{n}" for n in range(1, 10)]


def test_the_urgent_and_ready_is_bid_for(start: Start) -> None:
    server = start()
    file = server.file
    add(file, "a", "b", description="whole\n" * 200, check="true", paths=("src/**",))
    add(file, "c", priority=Priority.URGENT, depends=("ENG-1",))
    add(file, "d", parent="ENG-3")
    host = server.host()
    task = host.task(claim(host).identifier)
    assert (task.identifier, task.check, task.paths) == ("ENG-1", "true", ("src/**",))
    assert len(task.description) == 1199, "the whole of it, not what a list shows"
    assert host.ready_in() == 0, "b would change the same files, d is free"
    assert claim(host).identifier == "ENG-4"
    assert host.claim(worker="w", run="", lease_seconds=9) is None
    waiting = {one.identifier: one.on for one in host.waiting(identifier="ENG-3")}
    assert waiting == {"ENG-3": "ENG-1"} or waiting == {"ENG-3": "ENG-4"}


def test_runs_take_so_many_tasks_and_lost_elections_do_not_count(start: Start) -> None:
    server = start()
    add(server.file, "a", "b", "c")
    first, second = server.host("one"), server.host("two")
    second.start_run(run_of("r", max_tasks=1), 60)
    second.counts()  # knows all three as to do
    assert claim(first).identifier == "ENG-1"
    assert claim(second, run="r").identifier == "ENG-2"
    assert second.claim(worker="w", run="r", lease_seconds=9) is None


# ── a bidder that dies ──


def dead_pid() -> int:
    """Of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        return process.pid


class Mortal(Board):
    """A way to the server on which its user dies after so many calls."""

    calls: int

    def use(self) -> None:
        self.calls -= 1
        if self.calls < 0:
            raise Killed

    def issue(self, remote: str) -> Issue:
        self.use()
        return super().issue(remote)

    def comment(self, remote: str, body: str) -> None:
        self.use()
        super().comment(remote, body)

    def move(self, remote: str, state: State, why: str = "") -> str:
        self.use()
        return super().move(remote, state, why)


@pytest.mark.parametrize("calls", range(7))
def test_what_a_dead_bidder_left_is_cleared_up_by_its_host(start: Start, calls: int) -> None:
    server = start()
    add(server.file, "a")
    host = server.host()
    host.counts()
    board = Mortal(client=McpClient(wire=Wire(server.url)), team="ENG")
    board.calls = calls
    host._election.board = board
    host._me = host._mirror.holder = f"{dead_pid()}-dead"
    with pytest.raises(Killed):
        host.claim(worker="w1", run="", lease_seconds=60)
    board.close()
    again, other = server.host(), server.host("other")
    assert claim(again).identifier == "ENG-1"
    assert len(open_bids(server.file, "ENG-1")) == 1
    assert other.claim(worker="w2", run="", lease_seconds=60) is None
    assert state(server.file) is State.IN_PROGRESS and state(other) is State.IN_PROGRESS


def test_a_bid_that_nobody_follows_up_holds_nobody_for_ever(start: Start) -> None:
    server = start()
    file = server.file
    add(file, "a")
    board = server.board()
    dead, now = "d" * 32, [0.0]
    board.comment("ENG-1", election.bid_text(dead, "gone@nowhere"))
    patient = Election(board=board, clock=lambda: now[0])
    outcome = patient.stand("ENG-1", "a" * 32, "w")
    assert (outcome.verdict, outcome.why) == (Verdict.LOST, "bid dddddddd is open")
    now[0] = election.BID_SECONDS + 1
    assert patient.stand("ENG-1", "b" * 32, "w").verdict is Verdict.WON
    assert open_bids(file, "ENG-1") == ["b" * 32]
    board.close()


def test_a_bidder_that_was_stopped_for_long_gives_up(start: Start) -> None:
    server = start()
    add(server.file, "a")
    board, now = server.board(), iter([0.0, 0.0, 21.0, 21.0])
    slow = Election(board=board, clock=lambda: next(now))
    outcome = slow.stand("ENG-1", "a" * 32, "w")
    assert (outcome.verdict, outcome.why) == (Verdict.LOST, "it took too long")
    assert state(server.file) is State.TODO and open_bids(server.file, "ENG-1") == []
    board.close()


def test_what_a_person_took_is_not_taken_back(start: Start) -> None:
    """Moved by hand between the look and the bid."""
    server = start()
    file = server.file
    add(file, "a")

    class Meddled(Board):
        def comment(self, remote: str, body: str) -> None:
            if body.startswith("axon claim"):
                file.move(remote, State.IN_PROGRESS)
            super().comment(remote, body)

    board = Meddled(client=McpClient(wire=Wire(server.url)), team="ENG")
    outcome = Election(board=board).stand("ENG-1", "a" * 32, "w")
    assert outcome.verdict is Verdict.LOST
    assert state(file) is State.IN_PROGRESS and open_bids(file, "ENG-1") == []
    board.close()


# ── what is told ──


def test_a_tasks_life_is_told(start: Start) -> None:
    server = start("--careful")
    file, host = server.file, server.host()
    assert add(host, "a", check="true") == ["ENG-1"]
    assert file.task("ENG-1").check == "true"
    held = claim(host)
    assert state(file) is State.IN_PROGRESS and len(open_bids(file, "ENG-1")) == 1
    host.submit(held, commit="c" * 40, verified=True)
    assert state(file) is State.REVIEW and len(open_bids(file, "ENG-1")) == 1
    host.landed(landing(host), "ENG-1", commit="d" * 40, target="main", verified=True)
    assert state(file) is State.DONE and open_bids(file, "ENG-1") == []
    assert said(file, "ENG-1") == [
        "axon: handed in as cccccccccccc",
        "axon: landed on main as dddddddddddd (verified)",
    ]
    assert host.check() == [], "a sound ledger of its own"


def test_failures_and_losses_are_told_and_free_the_issue(start: Start) -> None:
    server = start("--careful")
    file, host, other = server.file, server.host(), server.host("other")
    add(host, "a", max_attempts=2)
    host.fail(claim(host), "gate: exit 1", feedback="boom")
    assert state(file) is State.TODO and open_bids(file, "ENG-1") == []
    assert said(file, "ENG-1") == ["axon: attempt 1 failed: gate: exit 1"]
    held = claim(other)
    assert host.claim(worker="w", run="", lease_seconds=9) is None
    assert host.task("ENG-1").owner == "elsewhere" and host.ready_in() is None
    other.release(held, "stopped")
    assert state(file) is State.TODO
    host.fail(claim(host), "hopeless", final=True)
    assert state(file) is State.FAILED
    host.change("ENG-1", "retry", why="try again")
    assert state(file) is State.TODO and claim(other).token == 2


def test_questions_answers_comments_and_edits_are_told(start: Start) -> None:
    server = start("--careful")
    file, host = server.file, server.host()
    add(host, "a", "b")
    held = claim(host)
    host.ask(held, "red or blue?")
    assert state(file) is State.BLOCKED and "axon asks: red or blue?" in said(file, "ENG-1")[-1]
    host.answer("ENG-1", "blue")
    assert state(file) is State.TODO and said(file, "ENG-1")[-1] == "person: blue"
    host.comment("ENG-2", "line 1\nline 2")
    assert said(file, "ENG-2") == ["person: line 1\nline 2"]
    host.edit(["ENG-2"], {"title": "B", "priority": Priority.HIGH, "labels": ("x",)})
    host.depend("ENG-2", on=["ENG-1"])
    told = file.task("ENG-2")
    assert (told.title, told.priority, told.labels) == ("B", Priority.HIGH, ("x",))
    assert told.depends == ("ENG-1",)
    held = claim(host)
    host.remark(held, "half done")
    found = host.follow_up(held, Draft(title="more to do"))
    assert said(file, "ENG-1")[-1] == "w1: half done"
    assert [task.title for task in file.tasks()] == ["a", "B", "more to do"]
    assert found.identifier == "ENG-3"
    with pytest.raises(Forbidden, match="deletes nothing"):
        host.delete(["ENG-2"])
    with pytest.raises(Forbidden, match="cannot be taken back"):
        host.undo()


def test_what_was_said_there_is_read_here(start: Start) -> None:
    server = start()
    file, host = server.file, server.host()
    add(file, "a")
    file.comment("ENG-1", "use the blue one", actor="Ann")
    claim(host)
    assert [(c.actor, c.body) for c in host.comments("ENG-1")] == [("Ann", "use the blue one")]
    assert len(said(file, "ENG-1")) == 1, "and not told back"


def test_a_server_with_few_states_is_told_in_its_own_words(start: Start) -> None:
    server = start("--few-states", "--newest-first", "--stamps", "none")
    file, host = server.file, server.host()
    add(host, "a", "b")
    host.submit(claim(host), commit="c", verified=True)
    assert state(file) is State.IN_PROGRESS and state(host) is State.REVIEW
    host.counts()
    host.claims("")
    host.landed(landing(host), "ENG-1", commit="m", target="main", verified=True)
    assert state(file) is State.DONE
    host.fail(claim(host), "no", final=True)
    assert state(file, "ENG-2") is State.BLOCKED, "its Backlog"
    host.arrive()
    assert state(host, "ENG-2") is State.FAILED, "what we told it is no news"


# ── what others do ──


def test_work_done_elsewhere_frees_what_waits_for_it(start: Start) -> None:
    server = start("--careful")
    file, host, other = server.file, server.host(), server.host("other")
    add(file, "a")
    add(file, "b", depends=("ENG-1",))
    held = claim(other)
    assert host.claim(worker="w", run="", lease_seconds=9) is None
    other.submit(held, commit="c", verified=True)
    other.landed(landing(other), "ENG-1", commit="m", target="main", verified=True)
    assert claim(host).identifier == "ENG-2"
    assert state(host) is State.DONE and host.check() == []


def test_issues_that_others_refer_to_are_taken_in(start: Start) -> None:
    server = start()
    file = server.file
    add(file, "old", "whole")
    for target in (State.IN_PROGRESS, State.REVIEW, State.DONE):
        file.move("ENG-1", target)
    add(file, "b", depends=("ENG-1",), parent="ENG-2")
    file.move("ENG-3", State.IN_PROGRESS)
    host = server.host()
    assert [(t.identifier, t.state) for t in host.tasks()] == [("ENG-2", State.TODO)]
    add(host, "c", depends=("eng-1",))
    assert state(host) is State.DONE and host.task("ENG-4").blocked == 0
    with pytest.raises(UsageError, match="ENG-9, which does not exist"):
        add(host, "d", depends=("ENG-9",))
    assert len(file.tasks()) == 4


def test_a_person_who_moves_the_issue_is_followed(start: Start) -> None:
    server = start("--careful")
    file, host = server.file, server.host()
    add(host, "a", "b")
    held, other = claim(host), claim(host)
    file.change("ENG-1", "cancel")
    file.move("ENG-2", State.TODO)
    host.arrive()
    assert (state(host), state(host, "ENG-2")) == (State.CANCELED, State.TODO)
    for lost in (held, other):
        with pytest.raises(StaleClaim):
            host.submit(lost, commit="c", verified=True)
    file.change("ENG-1", "reopen")
    file.edit(["ENG-1"], {"title": "A", "priority": Priority.URGENT})
    host.arrive()
    assert (state(host), host.task("ENG-1").title) == (State.TODO, "A")
    assert host.check() == []
    assert claim(host).identifier == "ENG-1"


def test_what_was_won_meanwhile_is_not_given_up_for_old_news(start: Start) -> None:
    """The list was made before the claim and arrives after it."""
    server = start()
    add(server.file, "a")
    host, winner = server.host(), server.host()
    host.arrive()

    class Late(Board):
        def todo(self) -> tuple[list[Issue], bool]:
            found = super().todo()
            claim(winner)
            return found

    host._sync.board = Late(client=McpClient(wire=Wire(server.url)), team="ENG")
    host.arrive()
    host._sync.board.close()
    assert host.task("ENG-1").owner == "w1"
    assert host.expire() == [] and state(server.file) is State.IN_PROGRESS


# ── a server that is away ──


def test_nothing_is_lost_while_the_server_is_away(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_ledger, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(task_ledger, "LONGEST_PAUSE", 0.0)
    server = start("--careful")
    file, host = server.file, server.host()
    add(host, "a", "b")
    held = claim(host)
    server.stop()
    host.submit(held, commit="c", verified=True)
    host.landed(landing(host), "ENG-1", commit="m", target="main", verified=True)
    host.comment("ENG-2", "hello")
    assert host.claim(worker="w", run="", lease_seconds=9) is None, "it may come back"
    with pytest.raises(LedgerError, match=r"cannot reach http://127.0.0.1:\d+: Connection refused"):
        add(host, "c")
    monkeypatch.setattr(task_ledger, "OUTAGE_SECONDS", 0.0)
    host.start_run(run_of("r"), 60)
    with pytest.raises(LedgerError, match="Connection refused; see that it runs"):
        host.claim(worker="w", run="r", lease_seconds=9)
    halted = host.run("r")
    assert halted.halt == "ledger" and "cannot reach http://127.0.0.1" in halted.halt_reason
    assert [task.title for task in host.tasks()] == ["a", "b"]
    server.start()
    again = server.host()
    assert claim(again).identifier == "ENG-2"
    assert state(file) is State.DONE
    assert said(file, "ENG-1") == [
        "axon: handed in as c",
        "axon: landed on main as m (verified)",
    ]
    assert said(file, "ENG-2") == ["person: hello"]


def test_a_reader_shows_what_was_known(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(task_ledger, "FRESH_SECONDS", 0.0)
    server = start()
    add(server.file, "a")
    server.host().arrive()
    server.stop()
    assert [task.title for task in server.host().tasks()] == ["a"]
    assert "what was known before is shown" in caplog.text
    with pytest.raises(LedgerError, match="cannot reach"):
        server.open("new", create=True)


@pytest.mark.parametrize("calls", range(4))
def test_who_dies_while_telling_tells_nothing_twice(start: Start, calls: int) -> None:
    server = start("--careful")
    file, host = server.file, server.host()
    add(host, "a")
    held = claim(host)
    board = Mortal(client=McpClient(wire=Wire(server.url)), team="ENG")
    board.calls = calls
    host._mirror.board = board
    host._me = host._mirror.holder = f"{dead_pid()}-dead"
    if calls < 3:
        with pytest.raises(Killed):
            host.fail(held, "red")
    else:  # dead after all was told, before that was noted
        host.fail(held, "red")
        seq = host.last_seq()
        host._store.lag(lambda tx: tx.db.execute(f"UPDATE remote SET seq = {seq - 1}"))
        host._store.lag(lambda tx: tx.db.execute(f"UPDATE remote SET sending = {seq}"))
    board.close()
    again = server.host()
    again.arrive()
    assert state(file) is State.TODO and open_bids(file, "ENG-1") == []
    assert sum("failed: red" in c.body for c in file.comments("ENG-1")) == 1


def test_adding_stops_where_the_server_says_no(start: Start) -> None:
    server = start("--careful")
    host = server.host()
    with pytest.raises(UsageError, match="has no title"):
        host.add([Draft(title="a"), Draft(title=" ")])
    with pytest.raises(UsageError, match="its own part"):
        host.add([Draft(title="w", key="w", depends=("p",)), Draft(title="p", key="p", parent="w")])
    assert server.file.tasks() == []
    drafts = [Draft(title="b", key="b", depends=("a",)), Draft(title="a", key="a")]
    assert [t.title for t in host.add(drafts, dry_run=True)] == ["b", "a"]
    added = host.add(drafts)
    assert [(t.identifier, t.depends) for t in added] == [("ENG-2", ("ENG-1",)), ("ENG-1", ())]
    assert server.file.task("ENG-2").depends == ("ENG-1",)
    with pytest.raises(NotFound):
        host.task("ENG-3")
    records = [Record(title="a", key="k"), Record(title="c", depends=("k",))]
    imported = host.take_in(records)
    assert [(t.title, t.depends) for t in imported.added] == [("c", ("ENG-1",))]
    assert [t.identifier for t in imported.skipped] == ["ENG-1"]
    with pytest.raises(Forbidden, match="nothing else"):
        host.take_in([Record(title="d", state=State.DONE)])
