"""Facts worth keeping between sessions: `.axon/MEMORY.md`, bounded and rewritten.

What a person wrote above the heading is theirs and stays as it is.
"""

import fcntl
import logging
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from axon.core.terminal import one_line

log = logging.getLogger(__name__)

NAME = "MEMORY.md"
HEADING = "## Learned by agents"
MOST_BYTES = 8 << 10  # of the whole file, as axon writes it
MOST_READ = 64 << 10  # a larger file is a person's: read from its start, never rewritten
MOST_FACTS = 5  # from one session
MOST_CHARS = 300  # of one fact
WRONG = "wrong:"
LOCK_SECONDS = 5.0
_BLOCK = re.compile(r"^```memory[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


class _Busy(OSError):
    """Another process has been writing for too long."""


def facts_in(said: str) -> tuple[str, ...]:
    """What the last `memory` block of a session's closing words proposes to keep."""
    blocks = _BLOCK.findall(said)
    lines = blocks[-1].splitlines() if blocks else []
    return tuple(fact for line in lines if (fact := _fact(line)))[:MOST_FACTS]


def recall(state_dir: Path) -> str:
    """The notes, for a prompt; nothing when there are none or they cannot be read."""
    try:
        text = _read(state_dir / NAME)
    except OSError:
        return ""
    return text[:MOST_BYTES].strip()


def remember(state_dir: Path, facts: Sequence[str]) -> bool:
    """Merge `facts`, redacted by the caller, into the notes. False when nothing was written.

    A fact that is known already becomes the newest; the oldest make room. Never an error: what
    cannot be kept is said in the log.
    """
    if not facts:
        return False
    try:
        with _alone(state_dir):
            return _rewrite(state_dir / NAME, facts)
    except OSError as error:
        log.warning("memory not kept path=%s reason=%r", state_dir / NAME, str(error))
        return False


def merged(text: str, facts: Iterable[str]) -> str:
    """The whole new file."""
    own, _, learned = text.partition(HEADING)
    known = [fact for line in learned.splitlines() if (fact := _fact(line))]
    for fact in facts:
        wrong = fact.lower().startswith(WRONG)
        meant = fact[len(WRONG) :] if wrong else fact
        known = [old for old in known if _key(old) != _key(meant)]
        if not wrong:
            known.append(fact)
    head = f"{own.strip()}\n\n" if own.strip() else ""
    head += f"{HEADING}\n\n"
    room = MOST_BYTES - len(head.encode())
    kept: list[str] = []
    for fact in reversed(known):
        line = f"- {fact}\n"
        room -= len(line.encode())
        if room < 0:
            break
        kept.insert(0, line)
    return head + "".join(kept)


def _rewrite(path: Path, facts: Sequence[str]) -> bool:
    try:
        before = _read(path)
    except FileNotFoundError:
        before = ""
    if len(before) > MOST_READ:
        raise OSError(f"larger than {MOST_READ >> 10} KiB: shorten it")
    after = merged(before, facts)
    if after == before:
        return False
    new = path.with_name(f".{NAME}.new")  # under the lock: nobody else writes it
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(new, flags, 0o600), "w", encoding="utf-8", errors="replace") as file:
        file.write(after)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    return True


def _read(path: Path) -> str:
    """At most one character more than is ever rewritten; no link or pipe is followed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is no plain file")
        return file.read(MOST_READ + 1).decode("utf-8", "replace")


def _fact(line: str) -> str:
    """One line of at most so many characters, without its bullet."""
    text = one_line(line.strip().removeprefix("-").removeprefix("*")).replace("```", "'''")
    return text if len(text) <= MOST_CHARS else text[: MOST_CHARS - 1] + "…"


def _key(fact: str) -> str:
    return " ".join(fact.lower().split()).rstrip(".")


@contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    folder = state_dir / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + LOCK_SECONDS
    with open(folder / "memory", "ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= ends:
                    raise _Busy("another process is writing it") from None
                time.sleep(0.05)
        yield
