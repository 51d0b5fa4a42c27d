"""What in a change should not land before somebody has looked: a finding for each kind."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from axon.security.secrets import Redactor
from axon.tasks import Task
from axon.team.git import Git, listed
from axon.team.workspace.branch import has_markers
from axon.team.workspace.place import Workspace
from axon.team.workspace.snapshot import GITLINK

OBEYED = frozenset({".claude", ".mcp.json"})
PATCH_BYTES = 8 << 20  # of the change that is searched for secrets


@dataclass(frozen=True, slots=True)
class Found:
    """`kind` is what `[guard] block` lists; `text` one line for people."""

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One changed file."""

    path: str
    status: str  # A, M, D, T; R when it was moved here
    mode: str
    blob: str
    inserted: int
    deleted: int
    test: bool  # judged by its name
    outside: bool  # of the paths of its task


def findings(
    git: Git,
    workspace: Workspace,
    task: Task,
    entries: Sequence[Entry],
    *,
    span: tuple[str, str],
    redactor: Redactor,
    max_bytes: int,
) -> Iterator[Found]:
    """`span`: the commits between which the entries changed; `max_bytes`: of a file."""
    if not entries:
        yield Found("empty", "nothing was changed")
        return
    changed = [e for e in entries if e.inserted]
    found = {
        ("tests", "tests deleted"): [e.path for e in entries if e.status == "D" and e.test],
        ("tests", "tests emptied"): [e.path for e in entries if e.test and _is_emptied(git, e)],
        ("paths", f"outside of {', '.join(task.paths)}"): [e.path for e in entries if e.outside],
        ("repositories", "repositories whose files do not come along"): [
            e.path for e in entries if e.mode == GITLINK
        ],
        ("conflicts", "conflict markers left"): [
            e.path for e in changed if has_markers(workspace.path / e.path)
        ],
        ("secrets", "what looks like a secret added"): _secret(git, span, redactor),
        ("settings", "what programs of yours would obey changed"): [
            e.path for e in entries if not OBEYED.isdisjoint(e.path.split("/"))
        ],
        ("size", f"files larger than {max_bytes / 1e6:g} MB"): _large(git, entries, max_bytes),
    }
    for (kind, what), paths in found.items():
        if paths:
            yield Found(kind, f"{what}: {listed(paths)}")


def _is_emptied(git: Git, entry: Entry) -> bool:
    if entry.status not in ("M", "R") or not entry.deleted or entry.inserted > entry.deleted:
        return False
    return not git.head(4096, "cat-file", "blob", entry.blob).strip()


def _secret(git: Git, span: tuple[str, str], redactor: Redactor) -> list[str]:
    """Files to which a line was added that would be redacted wherever axon wrote it."""
    quiet = ("-U0", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames")
    patch = git.head(PATCH_BYTES, "-c", "core.quotePath=false", "diff", *quiet, *span)
    found: list[str] = []
    path = ""
    for line in patch.splitlines():
        if line.startswith("+++ "):
            path = line[4:].removeprefix("b/").rstrip("\t")
        elif line.startswith("+") and path not in found and redactor.text(line) != line:
            found.append(path)
    return found


def _large(git: Git, entries: Sequence[Entry], max_bytes: int) -> list[str]:
    blobs = {e.blob: e.path for e in entries if e.status != "D" and e.mode != GITLINK}
    told = git.run("cat-file", "--batch-check", data="".join(f"{blob}\n" for blob in blobs))
    sizes = (line.split() for line in told.splitlines())
    return [blobs[row[0]] for row in sizes if len(row) == 3 and int(row[2]) > max_bytes]
