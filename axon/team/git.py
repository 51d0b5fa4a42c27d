"""Run git with a clean environment, without hooks, in bounded time, with one-line errors."""

import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from axon.errors import AxonError, UsageError
from axon.team.processes import end_tree

SECONDS = 120.0
TICK_SECONDS = 0.2

# What a person's configuration must not do to the runner's own commands.
OVERRIDES = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "commit.gpgsign=false",
    "tag.gpgsign=false",
    "core.filesRefLockTimeout=2000",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.file.allow=always",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "merge.conflictStyle=merge",
    "merge.ff=true",
    "merge.verifySignatures=false",
    "rerere.enabled=false",
    "color.ui=false",
    "advice.detachedHead=false",
)
DURABLE = ("core.fsync=committed,reference", "core.fsyncMethod=batch")

ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "GIT_OPTIONAL_LOCKS": "0",  # `git status` must not rewrite a person's index
    "GIT_EDITOR": ":",
    "GIT_SEQUENCE_EDITOR": ":",
    "GIT_MERGE_AUTOEDIT": "no",
    "GIT_PAGER": "cat",
    "GIT_NO_REPLACE_OBJECTS": "1",  # an agent's could show us another change than the real one
    "LC_ALL": "C",
}
PASSED = (
    "PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "USER", "LOGNAME",
    "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
)  # fmt: skip

HINTS = {
    "dubious ownership": "it belongs to someone else; git config --global --add safe.directory "
    "with its path lets you use it",
    "No space left": "the disk is full; free some space",
    ".lock': File exists": "another git is at work there, or died; try again, or remove that lock",
    "Permission denied": "its files cannot be written by this user",
}


class GitError(AxonError):
    """A git command failed. `stderr` is what it said."""

    code = "git"

    def __init__(self, message: str, *, returncode: int = 1, stderr: str = "") -> None:
        super().__init__(message)
        self.returncode = returncode
        self.stderr = stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a git command ended. Names that are not UTF-8 are surrogate-escaped."""

    returncode: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.returncode == 0

    @property
    def said(self) -> str:
        """What went wrong, in one line to show."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
        code = self.returncode
        silent = f"killed by signal {-code}" if code < 0 else f"exit {code}"
        return shown((fatal or lines or [silent])[0 if fatal else -1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Git in one folder. `git_dir` given: that repository, none is looked for further up."""

    environ: Mapping[str, str]
    folder: Path
    git_dir: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    config: tuple[str, ...] = ()
    durable: bool = False
    descriptors: tuple[int, ...] = ()  # left open for it

    def using(self, **variables: str) -> "Git":
        """The same with more variables in the environment."""
        return replace(self, variables={**self.variables, **variables})

    def run(self, *args: str, data: str = "", seconds: float = SECONDS) -> str:
        """Standard output of a command that must succeed."""
        outcome = self.attempt(*args, data=data, seconds=seconds)
        if not outcome.ok:
            raise self._error(args, outcome)
        return outcome.out

    def line(self, *args: str) -> str:
        """Its output without the newline at the end."""
        return self.run(*args).rstrip("\n")

    def ok(self, *args: str) -> bool:
        return self.attempt(*args).ok

    def names(self, *args: str) -> list[str]:
        """The output of a command that was told `-z`."""
        return [name for name in self.run(*args).split("\0") if name]

    def attempt(self, *args: str, data: str = "", seconds: float = SECONDS) -> Outcome:
        """Run to its end, whatever it is. GitError only when it takes longer than `seconds`."""
        process = self._start(args, with_input=bool(data))
        ends = time.monotonic() + seconds
        feed: bytes | None = data.encode("utf-8", "surrogateescape") or None
        try:
            while True:
                try:
                    out, err = process.communicate(feed, timeout=TICK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    feed = None  # already on its way
                if time.monotonic() > ends:
                    raise GitError(
                        f"git {args[0]} in {self.folder} did not end within {seconds:g} s; "
                        "look for a slow disk or a hanging filter"
                    )
        finally:
            if process.poll() is None:
                end_tree(process.pid, 0)
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        return Outcome(returncode=process.returncode, out=text_of(out), err=text_of(err))

    def head(self, limit: int, *args: str) -> str:
        """At most the first `limit` bytes of its output, as text to show; then it is ended."""
        return self.head_bytes(limit, *args).decode("utf-8", "replace")

    def head_bytes(self, limit: int, *args: str) -> bytes:
        process = self._start(args, errors=subprocess.DEVNULL)
        assert process.stdout is not None
        timer = threading.Timer(SECONDS, process.kill)
        timer.start()
        try:
            return process.stdout.read(limit)
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            process.stdout.close()

    def _start(
        self, args: tuple[str, ...], with_input: bool = False, errors: int = subprocess.PIPE
    ) -> "subprocess.Popen[bytes]":
        environment = {name: self.environ[name] for name in PASSED if name in self.environ}
        environment.update(ENVIRONMENT)
        environment["GIT_CEILING_DIRECTORIES"] = str(self.folder.parent)
        if self.git_dir is not None:
            environment.update(GIT_DIR=str(self.git_dir), GIT_WORK_TREE=str(self.folder))
        environment.update(self.variables)
        command = ["git"]
        for override in (*OVERRIDES, *(DURABLE if self.durable else ()), *self.config):
            command += ("-c", override)
        try:
            return subprocess.Popen(
                [*command, *args],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=self.descriptors,
            )
        except FileNotFoundError:
            if not self.folder.is_dir():
                raise GitError(f"{self.folder} does not exist; nothing to run git on") from None
            raise UsageError("git is not on PATH; install it") from None
        except OSError as error:
            raise GitError(f"git cannot be run in {self.folder}: {error.strerror}") from None

    def _error(self, args: tuple[str, ...], outcome: Outcome) -> GitError:
        hint = next((hint for mark, hint in HINTS.items() if mark in outcome.err), "")
        message = f"git {args[0]} failed in {self.folder}: {outcome.said}"
        return GitError(
            f"{message}; {hint}" if hint else message,
            returncode=outcome.returncode,
            stderr=outcome.err,
        )


def text_of(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def shown(name: str) -> str:
    """A name as it can be stored and printed, whatever its bytes are."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def listed(names: list[str], limit: int = 5) -> str:
    """ "a.py, b.py and 3 more" """
    some = ", ".join(shown(name) for name in names[:limit])
    rest = len(names) - limit
    return f"{some} and {rest} more" if rest > 0 else some
