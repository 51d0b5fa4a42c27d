"""What the work on a task has changed, file by file, as git tells it."""

import re
from typing import Any

from axon.config import Config
from axon.errors import UsageError
from axon.facts import dataclass
from axon.tasks import Task
from axon.team.git import Git, shown
from axon.team.project import target_of

MOST_BYTES = 2 << 20  # of all patches together
MOST_FILES = 1000
OPTIONS = ("--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", "--full-index")
COMMIT = re.compile(r"[0-9a-f]{7,64}")
BRANCH = re.compile(r"[\w./-]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From which commit to which."""

    base: str
    head: str


def diff_of(config: Config, task: Task) -> dict[str, Any]:
    """The branch against where it left its target; once landed, what landed."""
    git = Git(environ=config.environ, folder=config.root)
    span = _landed(git, task) or _branch(config, git, task)
    if span is None:  # nobody has worked on it here yet
        return {"base": None, "head": None, "files": [], "truncated": False}
    counts = _counts(git, span)
    text = git.head(MOST_BYTES + 1, "diff", *OPTIONS, span.base, span.head)
    cut = len(text.encode("utf-8", "replace")) > MOST_BYTES
    patches = _patches(text)
    files = [
        _file(entry, counts.get(entry["path"]), patches.get(number, ""))
        for number, entry in enumerate(_entries(git, span))
    ]
    return {
        "base": span.base,
        "head": span.head,
        "files": files[:MOST_FILES],
        "truncated": cut or len(files) > MOST_FILES,
    }


def _landed(git: Git, task: Task) -> Span | None:
    commit = task.landed_commit
    if not commit or not COMMIT.fullmatch(commit):
        return None
    head, base = _commit(git, commit), _commit(git, f"{commit}^1")
    return Span(base=base, head=head) if head and base else None


def _branch(config: Config, git: Git, task: Task) -> Span | None:
    if not task.branch or not BRANCH.fullmatch(task.branch) or task.branch.startswith("-"):
        return None
    try:
        target = _commit(git, f"refs/heads/{task.target or target_of(config)}")
    except UsageError:
        return None
    head = _commit(git, f"refs/heads/{task.branch}")
    if not head or not target:
        return None
    common = git.attempt("merge-base", target, head)
    return Span(base=common.out.strip(), head=head) if common.ok else None


def _commit(git: Git, name: str) -> str:
    found = git.attempt("rev-parse", "-q", "--verify", "--end-of-options", f"{name}^{{commit}}")
    return found.out.strip() if found.ok else ""


def _entries(git: Git, span: Span) -> list[dict[str, Any]]:
    fields = iter(git.run("diff", "--raw", "-z", *OPTIONS, span.base, span.head).split("\0"))
    found = []
    for head in fields:
        if not head.startswith(":"):
            continue
        status = head.split(" ")[4][0]
        old = path = next(fields)
        if status in "RC":
            path = next(fields)
        found.append({"path": path, "old_path": old, "status": status})
    return found


def _counts(git: Git, span: Span) -> dict[str, tuple[int, int, bool]]:
    """Lines in and out, and whether it is binary."""
    rows = iter(git.run("diff", "--numstat", "-z", *OPTIONS, span.base, span.head).split("\0"))
    counts = {}
    for row in rows:
        if row.count("\t") < 2:
            continue
        added, removed, path = row.split("\t", 2)
        if not path:
            next(rows)
            path = next(rows)
        binary = added == "-"
        counts[path] = (0, 0, True) if binary else (int(added), int(removed), False)
    return counts


def _patches(text: str) -> dict[int, str]:
    """Each file's part, in the order in which git tells of them."""
    parts = re.split(r"(?m)^(?=diff --git )", text)
    return dict(enumerate(part for part in parts if part))


def _file(
    entry: dict[str, Any], counts: tuple[int, int, bool] | None, patch: str
) -> dict[str, Any]:
    added, removed, binary = counts or (0, 0, False)
    return {
        "path": shown(entry["path"]),
        "old_path": shown(entry["old_path"]),
        "status": entry["status"],
        "added": added,
        "removed": removed,
        "binary": binary,
        "patch": "" if binary else patch,
    }
