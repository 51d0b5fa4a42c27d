"""The file of a recording: JSON lines that a person can read, and review in a diff.

The first line says what it is. `{"part": …, "text": …}` holds a system prompt or a list of tools,
once; every other line is one exchange: who asked (`task`, `title`, `agent`, `turn`), what was new
in the request (`asks`; the parts and what was said before by their digests), and the answer: its
`status` and either a `body` or `events`, each with the seconds since the request was sent. Between
them stands how the team met: `{"begun": TITLE, "task": …, "after": …}`, an attempt whose files hold
all up to that task's landing, and `{"landed": …}` or `{"rejected": …}`, in the order of the target.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from axon.errors import UsageError

FORMAT = {"cassette": 1}
LARGEST = 512 << 20
Kind = Literal["begun", "landed", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer."""

    task: str
    title: str
    agent: str = ""  # "subagent" for those
    path: str = "/v1/messages"
    turn: int = 0
    model: str = ""
    system: str = ""  # digests
    tools: str = ""
    before: str = ""
    asks: tuple[str, ...] = ()
    at: float = 0.0  # seconds since the recording began
    status: int = 200
    seconds: float = 0.0  # until the answer began
    events: tuple[tuple[float, Any], ...] = ()
    body: Any = None
    cut: bool = False  # the answer broke off after that

    @property
    def ended(self) -> float:
        return self.at + max(self.seconds, self.events[-1][0] if self.events else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the moments at which tasks of a team met on the target branch."""

    kind: Kind
    task: str
    title: str
    after: str = ""  # of an attempt: the newest task that had landed below it


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    exchanges: tuple[Exchange, ...]
    steps: tuple[Step, ...] = ()  # none: recorded before they were kept
    parts: Mapping[str, str] = field(default_factory=dict)


def create(path: Path) -> None:
    """UsageError: there is something already, or it cannot be made."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(json.dumps(FORMAT) + "\n")
    except FileExistsError:
        raise UsageError(f"{path} exists; remove it, or record to another file") from None
    except OSError as error:
        raise UsageError(f"cannot record to {path}: {error.strerror}; name another file") from None


def append(path: Path, *lines: dict[str, Any]) -> None:
    """All or nothing, whatever happens. OSError."""
    data = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode(
        "utf-8", "backslashreplace"
    )
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)  # workers and the landing write there too
        size = os.fstat(file).st_size
        if os.write(file, data) < len(data):
            os.ftruncate(file, size)
            raise OSError(28, "no space left on the disk")
    finally:
        os.close(file)


def line_of(exchange: Exchange) -> dict[str, Any]:
    """Without what is as usual."""
    usual = asdict(Exchange(task="", title=""))
    return {key: value for key, value in asdict(exchange).items() if value != usual[key]}


def step_line(step: Step) -> dict[str, Any]:
    line = {step.kind: step.title, "task": step.task}
    return {**line, "after": step.after} if step.after else line


def read(path: Path) -> Cassette:
    """UsageError names the file and the line."""
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} is larger than {LARGEST >> 20} MiB; record less at once")
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; correct the path") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8; record it anew") from None
    parts: dict[str, str] = {}
    exchanges: list[Exchange] = []
    steps: list[Step] = []
    for number, line in enumerate(lines, start=1):
        try:
            found = json.loads(line)
            if number == 1:
                if found != FORMAT:
                    raise ValueError("it does not begin as a cassette")
            elif "part" in found:
                parts[str(found["part"])] = str(found["text"])
            elif kind := next((kind for kind in get_args(Kind) if kind in found), None):
                steps.append(_step(kind, **found))
            else:
                exchanges.append(_exchange(found))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise UsageError(
                f"{path}:{number} is not of a cassette ({error}); record anew"
            ) from None
    if not lines:
        raise UsageError(f"{path} is empty; record it anew")
    return Cassette(exchanges=tuple(exchanges), parts=parts, steps=tuple(steps))


def _step(kind: Kind, *, task: str, after: str = "", **title: str) -> Step:
    found = Step(kind=kind, task=task, title=title.pop(kind), after=after)
    if title or not all(isinstance(text, str) for text in (task, found.title, after)):
        raise ValueError(f"{kind} wants a title, a task, and after which other one")
    return found


def _exchange(found: dict[str, Any]) -> Exchange:
    events = tuple((float(at), event) for at, event in found.pop("events", ()))
    return Exchange(**{"task": "", "title": ""} | found | {
        "events": events, "asks": tuple(found.get("asks", ())),
    })  # fmt: skip
