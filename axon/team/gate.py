"""Run a project's own command and judge it by its exit code, whatever else it does."""

import os
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from axon.config import Config
from axon.ledger.messages.posting import FOLLOW_UP
from axon.security.sandbox import UNCONTAINED, Contained
from axon.security.secrets import Redactor
from axon.tasks import Task
from axon.team.allowance import Allowance, Taking, tasks_of_machine
from axon.team.environment import tool_environment
from axon.team.kept import Kept, LogFile
from axon.team.processes import Process, descendants, end_marked, end_tree

__all__ = ["GateResult", "Watch", "gate_of", "run_gate", "tool_environment"]

Watch = Callable[[], str]  # why the command must end now, or nothing

TICK_SECONDS = 0.2
LOOK_SECONDS = 1.0  # between two looks for processes that may leave the group
DRAIN_SECONDS = 2.0  # for what is still in the pipe when all that could write has been ended
CANNOT_RUN = 126
CHUNK_BYTES = 1 << 16

# The command runs under a shell in between, so that `kill $PPID` in it does not hit the runner.
# Beside it a watcher waits for the runner's end of a pipe to close: if the runner is killed, it
# ends what the command has started, by the mark in its environment and by its process group.
# The limit of processes does not bind root; whoever it binds can be ended while he multiplies.
LAUNCHER = r"""
exec 3<&0 </dev/null
{ read -r _ <&3
  for f in $(grep -ls "$2" /proc/[0-9]*/environ 2>/dev/null); do
    f=${f#/proc/}; kill -9 "${f%/environ}"
  done
  kill -9 0
} >/dev/null 2>&1 &
( ulimit -u "$3" || ulimit -p "$3"; exec 2>&4 4>&-
  export "$2=1"; command="$1"; shift 3; exec "$@" /bin/sh -c "$command" 3<&- ) 4>&2 2>/dev/null
exit $?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """How a command ended. `output` is its head and tail."""

    code: int  # negative: killed by that signal
    output: str
    seconds: float
    limit_seconds: float
    timed_out: bool = False
    stopped: str = ""  # why it was ended from outside
    excess: str = ""  # what it took more of than it may

    @property
    def passed(self) -> bool:
        return self.code == 0 and not (self.timed_out or self.stopped or self.excess)

    @property
    def why(self) -> str:
        """One line for people."""
        if self.stopped or self.excess:
            return f"ended: {self.stopped or self.excess}"
        if self.timed_out:
            return f"no end within {self.limit_seconds / 60:g} minutes"
        if self.code < 0:
            return f"killed by signal {-self.code}"
        if self.code == 0:
            return "passed"
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return f"exit {self.code}" + (f": {lines[-1][:200]}" if lines else "")


def gate_of(config: Config, task: Task) -> str:
    """The task's own check, else the project's gate; empty when there is none.

    An agent that adds a task may sharpen what judges it, and never replace that.
    """
    if task.check and config.gate and FOLLOW_UP in task.labels:
        return f"(\n{config.gate}\n) && (\n{task.check}\n)"
    return task.check or config.gate


def run_gate(
    command: str,
    *,
    cwd: Path,
    environment: Mapping[str, str],
    seconds: float,
    log: Path | None = None,
    watch: Watch | None = None,
    contained: Contained = UNCONTAINED,
    allowance: Allowance = Allowance(),  # noqa: B008  # frozen
    redactor: Redactor | None = None,
) -> GateResult:
    """Run a shell command to its end or to a limit; nothing it started lives on.

    Its output is kept in `log` (head and tail, 1 MiB) without what `redactor` knows; the one
    that is answered is as it came. `watch` is called a few times a second; what it returns or
    raises ends the command.
    """
    started = time.monotonic()
    running = _Running(
        mark=f"AXON_MARK_{secrets.token_hex(8)}",
        log=log,
        taking=Taking(allowance),
        redactor=redactor or Redactor(),
    )
    try:
        running.start(command, cwd, environment, contained.around([]))
    except (OSError, ValueError) as error:  # no such folder, too long, holds a NUL
        said = f"cannot be run: {error}"
        return GateResult(code=CANNOT_RUN, output=said, seconds=0.0, limit_seconds=seconds)
    return _watched(running, started, seconds, watch or _nobody)


def _nobody() -> str:
    return ""


def _watched(running: "_Running", started: float, seconds: float, watch: Watch) -> GateResult:
    """Wait for the end of the command, or bring it about."""
    timed_out, stopped = False, ""
    try:
        while not running.pump(TICK_SECONDS):
            timed_out = time.monotonic() - started > seconds
            stopped = "" if timed_out else watch()
            if timed_out or stopped or running.greedy():
                break
    finally:
        code = running.end()
    taking = running.taking
    if taking.why and not taking.blamed and not timed_out:
        stopped = stopped or taking.why
    if code and not (timed_out or stopped or taking.why):
        stopped = watch()  # what dies with the run has not failed
    return GateResult(
        code=code,
        output=running.output.text(),
        seconds=time.monotonic() - started,
        limit_seconds=seconds,
        timed_out=timed_out,
        stopped=stopped,
        excess=taking.why if taking.blamed else "",
    )


@dataclass(slots=True)
class _Running:
    """The command's processes, the pipe they write to and the one that tells them of our death."""

    mark: str
    log: Path | None
    taking: Taking
    redactor: Redactor
    output: "Kept" = field(init=False)
    _process: "subprocess.Popen[bytes]" = field(init=False)
    _selector: selectors.DefaultSelector = field(init=False)
    _leash: int = -1
    _seen: list[Process] = field(default_factory=list)
    _look_at: float = field(default_factory=lambda: time.monotonic() + LOOK_SECONDS)

    def start(
        self, command: str, cwd: Path, environment: Mapping[str, str], before: list[str]
    ) -> None:
        """`before`: the words that contain the command."""
        self.output = Kept(LogFile(self.log), self.redactor)
        most = tasks_of_machine() + 4 * self.taking.allowance.processes
        leash_end, self._leash = os.pipe()
        try:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", LAUNCHER, "axon", command, self.mark, str(most), *before],
                cwd=cwd,
                env=dict(environment),
                stdin=leash_end,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except BaseException:
            os.close(self._leash)
            self.output.close()
            raise
        finally:
            os.close(leash_end)
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def pump(self, seconds: float) -> bool:
        """Take in output for about that long; whether the command has ended."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            if self._process.poll() is not None:
                return True
            if not self._selector.get_map():  # it closed its output and goes on
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(left)
            elif self._selector.select(min(left, 0.02)):
                self._read()
        if time.monotonic() > self._look_at:
            self._seen = descendants(self._process.pid)
            self._look_at = time.monotonic() + LOOK_SECONDS
        return self._process.poll() is not None

    def greedy(self) -> bool:
        """Whether it has taken more than it may."""
        return bool(self.taking.look(self._process.pid))

    def _read(self) -> bool:
        """One chunk; whether there may be more."""
        assert self._process.stdout is not None
        try:
            chunk = os.read(self._process.stdout.fileno(), CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            self._selector.unregister(self._process.stdout)
            return False
        self.output.add(chunk)
        return True

    def end(self) -> int:
        """End everything that was started, take in what is left, and give the exit code."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for process in self._seen:
            end_tree(process.pid, 0, start=process.start)
        end_tree(self._process.pid, 0)
        end_marked(self.mark)
        code = self._process.wait()
        os.close(self._leash)
        ends = time.monotonic() + DRAIN_SECONDS
        while self._selector.get_map() and time.monotonic() < ends and self._read():
            pass
        self._selector.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self.output.close()
        if self.taking.why:
            self.taking.clear()
        return code
