"""Start, watch, restart and end the processes of a run; whatever dies takes its own along."""

import logging
import multiprocessing
import os
import random
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver, resource_tracker, util
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from axon.errors import AxonError
from axon.security.secrets import redact_output
from axon.team.leash import LEAVE
from axon.team.processes import become_subreaper, end_orphans, end_tree, is_stopped

log = logging.getLogger(__name__)

QUICK_SECONDS = 10.0  # a child that dies sooner than this after its start is not well
MAX_BAD_ENDS = 5  # in a row: it is not started again
MAX_BACKOFF_SECONDS = 30.0
STOPPED_SECONDS = 60.0  # a child that somebody has stopped is waited for so long, then ended
LOOK_SECONDS = 1.0  # between two looks for such
NEVER = float("inf")
LONGEST_FOLDER = 85  # of /pymp-12345678: a socket's path there has 104 bytes at most on macOS
ADDED = len("/pymp-12345678")
SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A process of the run: `target(*args, leash)` in a child of the forkserver."""

    name: str
    target: Callable[..., None]
    args: tuple[Any, ...] = ()
    needed: bool = True  # the run cannot go on without it
    lasts: bool = False  # not asked to stop: it is ended when all others have left

    def close(self) -> None:
        """Nobody will serve what it was to listen to."""
        for arg in self.args:
            if isinstance(arg, socket.socket):
                arg.close()


@dataclass(slots=True)
class Child:
    """One process in a role, and what is known of its forerunners."""

    role: Role
    process: ForkServerProcess | None = None
    leash: Connection | None = None
    started: float = 0.0
    bad_ends: int = 0
    start_at: float = 0.0  # not before this (monotonic)
    leaving: bool = False  # asked to make room for a successor
    stopped: float = 0.0  # since when it is found stopped (monotonic); 0: it is not

    @property
    def pid(self) -> int:
        return (self.process.pid or 0) if self.process else 0

    @property
    def given_up(self) -> bool:
        return self.bad_ends >= MAX_BAD_ENDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """A child that has ended."""

    name: str
    pid: int
    code: int  # negative: killed by that signal
    asked: bool = False  # it was told to leave

    @property
    def how(self) -> str:
        if self.code < 0:
            return f"was killed by signal {-self.code}"
        return f"ended with exit code {self.code}"


@dataclass(slots=True)
class Supervisor:
    """Only the coordinator has one. Not thread-safe: one loop calls it."""

    preload: tuple[str, ...]
    log_path: Path  # what children write to stdout and stderr; the terminal is for the run
    stopped_seconds: float = STOPPED_SECONDS
    children: dict[str, Child] = field(default_factory=dict)
    _context: ForkServerContext = field(init=False)
    _looked: float = 0.0

    def __post_init__(self) -> None:
        become_subreaper()  # orphans of a dead worker come to us, wherever they hide
        keep_sockets_short()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(self.preload))

    def add(self, role: Role) -> Child:
        child = Child(role)
        self.children[role.name] = child
        self._start(child)
        return child

    def _start(self, child: Child) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_enter,
            args=(child.role.target, child.role.args, theirs, self.log_path),
            name=child.role.name,
        )
        process.start()
        theirs.close()
        child.process, child.leash, child.started = process, ours, time.monotonic()
        log.info("started name=%s pid=%s", child.role.name, child.pid)

    def tick(self, seconds: float) -> list[Exit]:
        """Wait up to `seconds` for a death, clear up after it, and start what is due."""
        sentinels = [c.process.sentinel for c in self.children.values() if c.process]
        wait(sentinels, timeout=seconds)
        self._end_stopped()
        exits = [
            self._bury(c) for c in self.children.values() if c.process and not c.process.is_alive()
        ]
        for child in self.children.values():
            due = child.process is None and not child.given_up
            if due and time.monotonic() >= child.start_at:
                self._start(child)
        return exits

    def _end_stopped(self) -> None:
        """Whoever is stopped for good holds up what it has begun: its successor goes on there."""
        now = time.monotonic()
        if now - self._looked < min(LOOK_SECONDS, self.stopped_seconds / 4):
            return
        self._looked = now
        for child in self.children.values():
            if child.process is None or not is_stopped(child.pid):
                child.stopped = 0.0
            elif not child.stopped:
                child.stopped = now
            elif now - child.stopped > self.stopped_seconds:
                log.warning("stopped for too long name=%s pid=%s", child.role.name, child.pid)
                end_tree(child.pid, 0)
                child.stopped = 0.0

    def _bury(self, child: Child) -> Exit:
        process, pid = child.process, child.pid
        assert process is not None and child.leash is not None
        child.leash.close()
        self._clear(pid)
        process.join()
        code = process.exitcode or 0
        process.close()
        child.process = None
        asked, child.leaving = child.leaving and code == 0, False
        quick = time.monotonic() - child.started < QUICK_SECONDS and not asked
        child.bad_ends = child.bad_ends + 1 if quick or code > 0 else 0
        pause = min(MAX_BACKOFF_SECONDS, 0.1 * 2**child.bad_ends) if child.bad_ends else 0.0
        if child.start_at != NEVER:
            child.start_at = time.monotonic() + pause * random.uniform(0.8, 1.2)
        if child.given_up:
            child.role.close()
        return Exit(name=child.role.name, pid=pid, code=code, asked=asked)

    def _clear(self, pid: int) -> None:
        """End all that a dead child has left: its group, and what has come to us as orphans."""
        if sys.platform != "linux":  # no subreaper there: its group is all we can find
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        end_orphans(spare=self._own_pids())

    def _own_pids(self) -> set[int]:
        helpers = {
            getattr(forkserver._forkserver, "_forkserver_pid", None),
            getattr(resource_tracker._resource_tracker, "_pid", None),
        }
        return {pid for pid in helpers if pid} | {c.pid for c in self.children.values() if c.pid}

    def ask_to_stop(self, *names: str) -> None:
        """Tell those children (all when none is named) to finish what they do and leave."""
        for child in self.children.values():
            if child.leash is not None and (not names or child.role.name in names):
                with suppress(OSError):  # it has gone already
                    child.leash.send("stop")

    def replace(self, roles: list[Role], gone: list[str]) -> None:
        """From now on have `roles`: a child finishes what it does, then its successor takes over.

        The children named in `gone` leave for good.
        """
        for role in roles:
            if role.name in self.children:
                self.children[role.name].role = role
                self._ask_to_leave(self.children[role.name])
            else:
                self.add(role)
        for name in gone:
            self.children[name].start_at = NEVER
            self._ask_to_leave(self.children[name])

    def _ask_to_leave(self, child: Child) -> None:
        if child.leash is not None and child.process is not None:
            child.leaving = True
            with suppress(OSError):  # it has gone already
                child.leash.send(LEAVE)

    def await_end(self, names: list[str], seconds: float, hurry: Callable[[], bool]) -> None:
        """Wait until those children have left, the time is up, or `hurry()` is true."""
        deadline = time.monotonic() + seconds
        while not hurry() and time.monotonic() < deadline:
            alive = [
                c.process
                for name in names
                if (c := self.children[name]).process and c.process.is_alive()
            ]
            if not alive:
                return
            wait([process.sentinel for process in alive], timeout=0.1)

    def end(self, *, sparing: Collection[str] = ()) -> None:
        """End every child and all its descendants now, but for those named."""
        for child in self.children.values():
            if child.process is not None and child.role.name not in sparing:
                if child.process.is_alive():
                    end_tree(child.pid, grace_seconds=0.5)
                child.start_at = NEVER
                self._bury(child)
        end_orphans(spare=self._own_pids())
        if any(child.process for child in self.children.values()):
            return
        # else it lives on for a moment after us
        forkserver._forkserver._stop()  # type: ignore[attr-defined]


def keep_sockets_short() -> None:
    """The forkserver's socket lies in a temporary folder, and its whole path must be short."""
    usual = tempfile.gettempdir()
    if len(os.fsencode(usual)) + ADDED <= LONGEST_FOLDER:
        return
    before = tempfile.tempdir
    tempfile.tempdir = next(filter(_is_usable, SHORT_FOLDERS), usual)
    try:
        util.get_temp_dir()  # made once for the whole process, removed at its end
    except OSError as error:
        raise AxonError(f"no temporary folder can be made: {error.strerror}; set TMPDIR") from None
    finally:
        tempfile.tempdir = before
    if len(os.fsencode(util.get_temp_dir())) > LONGEST_FOLDER:
        raise AxonError(
            f"the name of TMPDIR is too long for sockets in it; set it to a folder whose name has "
            f"at most {LONGEST_FOLDER - ADDED} bytes"
        )


def _is_usable(folder: str) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)


def _enter(
    target: Callable[..., None], args: tuple[Any, ...], leash: Connection, log_path: Path
) -> None:
    """The first steps of every child: a session of its own, and its orphans come to it."""
    os.setsid()  # Ctrl-C stays with the coordinator, and nothing can reach the terminal
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    become_subreaper()
    os.environ.pop("PYTHONPATH", None)  # was for the forkserver; agents have no use for it
    write_log(log_path)
    target(*args, leash)


def write_log(path: Path) -> None:
    """Send this process's output and logging to the file `path`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
    redact_output()
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(processName)s %(levelname)s %(name)s %(message)s",
        force=True,
    )
