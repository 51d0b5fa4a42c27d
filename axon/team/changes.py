"""What a branch changed against its base, and what in that should make a person look twice."""

import re
from dataclasses import dataclass

from axon.tasks import Task
from axon.team.git import Git, listed
from axon.team.project import Project
from axon.team.workspace.branch import has_markers
from axon.team.workspace.place import Workspace, pin_of
from axon.team.workspace.snapshot import GITLINK

TEST_FOLDERS = frozenset({"test", "tests", "spec", "specs", "__tests__", "testing"})
TEST_NAME = re.compile(r"(^test_|^tests?\.|_tests?\.|\.tests?\.|\.spec\.|_spec\.|Tests?\.)")
CODE_SUFFIX = re.compile(
    r"\.(py|[cm]?[jt]sx?|rb|go|rs|java|kt|c|cc|cpp|cs|php|sh|swift|scala|ex|exs|bats|t)$"
)

GLOB_TOKEN = re.compile(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\]|\{[^{}]*\})")
GLOB_TOKENS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Committed work against its base. `findings` are one line each."""

    files: tuple[str, ...]
    insertions: int
    deletions: int
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    path: str
    status: str  # A, M, D, T; R when it was moved here
    mode: str
    blob: str
    inserted: int
    deleted: int


def changes(project: Project, workspace: Workspace, task: Task) -> Changes:
    """The branch against the newest target that is merged into it."""
    git = project.clone_git(workspace.path)
    pinned = project.commit_of(pin_of(workspace.identifier)) or workspace.base
    branch = f"refs/heads/{workspace.branch}"
    common = git.attempt("merge-base", pinned, branch)
    base = common.out.strip() if common.ok else workspace.base
    entries = _entries(git, base, branch)
    return Changes(
        files=tuple(entry.path for entry in entries),
        insertions=sum(entry.inserted for entry in entries),
        deletions=sum(entry.deleted for entry in entries),
        findings=tuple(_findings(git, workspace, task, entries)),
    )


def is_test(path: str) -> bool:
    """Judged by its name, as test runners do."""
    *folders, name = path.split("/")
    if TEST_NAME.search(name):
        return True
    return any(part in TEST_FOLDERS for part in folders) and bool(CODE_SUFFIX.search(name))


def matches(path: str, pattern: str) -> bool:
    """`src/` and `src` cover all below; `*` stays in one folder, `**` does not."""
    pattern = pattern.strip().removeprefix("./").strip("/")
    if pattern in ("", "."):
        return True
    try:
        return re.fullmatch(_pattern(pattern) + "(?:/.*)?", path, re.DOTALL) is not None
    except re.error:  # brackets that make no sense are taken as they stand
        return path == pattern or path.startswith(pattern + "/")


def _translated(token: str) -> str:
    if token in GLOB_TOKENS:
        return GLOB_TOKENS[token]
    if token.startswith("[") and token.endswith("]") and len(token) > 2:
        inner = token[1:-1].replace("\\", "\\\\").replace("[", "\\[")
        return f"[{'^' + inner[1:] if inner[0] == '!' else inner}]"
    if token.startswith("{") and token.endswith("}"):
        return f"(?:{'|'.join(_pattern(part) for part in token[1:-1].split(','))})"
    return re.escape(token)


def _pattern(glob: str) -> str:
    return "".join(_translated(token) for token in GLOB_TOKEN.split(glob))


def _findings(git: Git, workspace: Workspace, task: Task, entries: list[_Entry]) -> list[str]:
    if not entries:
        return ["nothing was changed"]
    gone = [e.path for e in entries if e.status == "D" and is_test(e.path)]
    emptied = [e.path for e in entries if is_test(e.path) and _is_emptied(git, e)]
    outside = [
        e.path
        for e in entries
        if task.paths and not any(matches(e.path, pattern) for pattern in task.paths)
    ]
    nested = [e.path for e in entries if e.mode == GITLINK]
    marked = [e.path for e in entries if e.inserted and has_markers(workspace.path / e.path)]
    found = {
        "tests deleted": gone,
        "tests emptied": emptied,
        f"outside of {', '.join(task.paths)}": outside,
        "repositories whose files do not come along": nested,
        "conflict markers left": marked,
    }
    return [f"{what}: {listed(paths)}" for what, paths in found.items() if paths]


def _is_emptied(git: Git, entry: _Entry) -> bool:
    if entry.status not in ("M", "R") or not entry.deleted or entry.inserted > entry.deleted:
        return False
    return not git.head(4096, "cat-file", "blob", entry.blob).strip()


def _entries(git: Git, base: str, branch: str) -> list[_Entry]:
    diff = ("-z", "--find-renames", "--no-ext-diff", "--no-textconv", base, branch)
    counts = _counts(git.run("diff", "--numstat", *diff).split("\0"))
    fields = iter(git.run("diff", "--raw", "--no-abbrev", *diff).split("\0"))
    found = []
    for head in fields:
        if not head.startswith(":"):
            continue
        _, mode, _, blob, status = head.split(" ")
        path = next(fields)
        if status[0] in "RC":
            path = next(fields)
        inserted, deleted = counts.get(path, (0, 0))
        found.append(
            _Entry(
                path=path,
                status=status[0],
                mode=mode,
                blob=blob,
                inserted=inserted,
                deleted=deleted,
            )
        )
    return found


def _counts(rows: list[str]) -> dict[str, tuple[int, int]]:
    """Lines in and out of each file; for a renamed one the names stand in fields of their own."""
    counts = {}
    fields = iter(rows)
    for row in fields:
        if row.count("\t") < 2:
            continue
        inserted, deleted, path = row.split("\t", 2)
        if not path:
            next(fields)
            path = next(fields)
        counts[path] = tuple(int(n) if n.isdigit() else 0 for n in (inserted, deleted))
    return {path: (pair[0], pair[1]) for path, pair in counts.items()}
