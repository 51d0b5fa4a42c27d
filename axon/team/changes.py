"""What a branch changed against its base, and what in that should make a person look twice."""

import re
from dataclasses import dataclass

from axon.security.secrets import Redactor
from axon.tasks import Task
from axon.team.git import Git
from axon.team.guard import Entry, Found, findings
from axon.team.project import Project
from axon.team.workspace.place import Workspace, pin_of

TEST_FOLDERS = frozenset({"test", "tests", "spec", "specs", "__tests__", "testing"})
TEST_NAME = re.compile(r"(^test_|^tests?\.|_tests?\.|\.tests?\.|\.spec\.|_spec\.|Tests?\.)")
CODE_SUFFIX = re.compile(
    r"\.(py|[cm]?[jt]sx?|rb|go|rs|java|kt|c|cc|cpp|cs|php|sh|swift|scala|ex|exs|bats|t)$"
)

GLOB_TOKEN = re.compile(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\]|\{[^{}]*\})")
GLOB_TOKENS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Committed work against its base, and what a guard found in it."""

    files: tuple[str, ...]
    insertions: int
    deletions: int
    findings: tuple[Found, ...]


def changes(
    project: Project,
    workspace: Workspace,
    task: Task,
    redactor: Redactor = Redactor(),  # noqa: B008  # has no state
) -> Changes:
    """The branch against the newest target that is merged into it."""
    git = project.clone_git(workspace.path)
    pinned = project.commit_of(pin_of(workspace.identifier)) or workspace.base
    branch = f"refs/heads/{workspace.branch}"
    common = git.attempt("merge-base", pinned, branch)
    base = common.out.strip() if common.ok else workspace.base
    entries = _entries(git, base, branch, task)
    found = findings(
        git,
        workspace,
        task,
        entries,
        span=(base, branch),
        redactor=redactor,
        max_bytes=int(project.config.max_file_mb * 1e6),
    )
    return Changes(
        files=tuple(entry.path for entry in entries),
        insertions=sum(entry.inserted for entry in entries),
        deletions=sum(entry.deleted for entry in entries),
        findings=tuple(found),
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


def _entries(git: Git, base: str, branch: str, task: Task) -> list[Entry]:
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
            Entry(
                path=path,
                status=status[0],
                mode=mode,
                blob=blob,
                inserted=inserted,
                deleted=deleted,
                test=is_test(path),
                outside=bool(task.paths) and not any(matches(path, p) for p in task.paths),
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
