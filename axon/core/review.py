"""When work is reviewed, what the reviewer answers, and what follows from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from axon.config import Config

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "enum": ["approve", "request_changes"]},
        "summary": {"type": "string"},
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "file": {"type": "string"},
                    "line": {"type": "integer"},
                    "severity": {"type": "string", "enum": ["blocker", "major", "minor"]},
                    "message": {"type": "string"},
                },
                "required": ["file", "severity", "message"],
            },
        },
    },
    "required": ["verdict", "summary", "findings"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a reviewer wants changed."""

    file: str
    line: int
    severity: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.severity}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A verdict as it was given."""

    verdict: Literal["approve", "request_changes"]
    summary: str
    findings: tuple[Finding, ...] = ()

    @property
    def approved(self) -> bool:
        return self.verdict == "approve"


def needed(
    config: Config,
    *,
    solo: bool,
    doubtful: bool,
    files: Sequence[str],
    lines: int,
    matches: Callable[[str, str], bool],
) -> bool:
    """Whether a change of `files` and `lines` is to be reviewed. `matches(path, glob)`;
    `doubtful`: a guard found something in it."""

    def any_of(path: str, globs: Sequence[str]) -> bool:
        return any(matches(path, glob) for glob in globs)

    if config.review == "never" or not files:
        return False
    if doubtful or any(any_of(path, config.review_paths) for path in files):
        return True
    if config.review == "solo" and not solo:
        return False
    if lines <= config.review_skip_lines:
        return False
    return not all(any_of(path, config.review_skip) for path in files)


def parse(answer: Any) -> Review | None:
    """The verdict in a structured answer; None when it is no such thing."""
    if not isinstance(answer, dict) or answer.get("verdict") not in ("approve", "request_changes"):
        return None
    found = answer.get("findings")
    findings = tuple(
        Finding(
            file=str(entry.get("file", "")),
            line=line if isinstance(line := entry.get("line"), int) else 0,
            severity=str(entry.get("severity", "major")),
            message=" ".join(str(entry.get("message", "")).split()),
        )
        for entry in (found if isinstance(found, list) else [])
        if isinstance(entry, dict)
    )
    summary = " ".join(str(answer.get("summary", "")).split())
    return Review(verdict=answer["verdict"], summary=summary, findings=findings)
