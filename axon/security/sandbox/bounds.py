"""What one contained program may read and write, whichever tier sees to it."""

from dataclasses import dataclass
from pathlib import Path

from axon.security import hidden

# Programs that a person runs in a checkout would obey these: agents do not write them.
OBEYED = (".claude", ".mcp.json", ".git/hooks", ".git/config", ".git/objects/info/alternates")
PLACEHOLDERS = (".claude", ".mcp.json", ".git/hooks")  # a folder, when nothing is there


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a contained program works."""

    workspace: Path
    home: Path
    temporary: Path

    @property
    def folders(self) -> tuple[str, ...]:
        return (str(self.workspace), str(self.home), str(self.temporary))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Paths; what is in none of them is out of reach. The longest that fits counts."""

    read: tuple[str, ...]
    hidden: tuple[str, ...]
    write: tuple[str, ...]


def bounds_of(
    place: Place,
    *,
    root: Path,
    common: Path,
    tools: tuple[str, ...],
    shown: tuple[str, ...],
    written: tuple[str, ...],
) -> Bounds:
    """`common`: the git folder of the project at `root`. `shown`, `written`: what a person adds."""
    objects = borrowed(common)
    secret = [str(root / ".axon"), *hidden.in_project(root), *hidden.in_system()]
    if (root / ".git").is_dir():
        secret.append(str(root / ".git"))
    visible = [path for path in secret if not any(_inside(path, extra) for extra in shown)]
    return Bounds(
        read=_without_doubles((*tools, str(root)), (*objects, *shown)),
        hidden=tuple(visible),
        write=(*place.folders, *written),
    )


def _without_doubles(wide: tuple[str, ...], exact: tuple[str, ...]) -> tuple[str, ...]:
    """`exact` is kept as it is, for it may lie in something hidden."""
    kept = [p for p in wide if not any(p != other and _inside(p, other) for other in wide)]
    return tuple(dict.fromkeys((*kept, *exact)))


def borrowed(common: Path) -> list[str]:
    """Folders of git objects that a clone of the project borrows, and those they borrow."""
    found: list[str] = []
    waiting = [common / "objects"]
    while waiting and len(found) < 20:
        folder = waiting.pop()
        if str(folder) in found:
            continue
        found.append(str(folder))
        try:
            rows = (folder / "info/alternates").read_text("utf-8", "surrogateescape").splitlines()
        except OSError:
            continue
        waiting += [folder / row for row in rows if row and not row.startswith("#")]
    return found


def hold_places(workspace: Path) -> tuple[str, ...]:
    """What is obeyed, as paths that exist: an empty folder keeps anything else from being made."""
    held = []
    for name in OBEYED:
        path = workspace / name
        if path.is_symlink() or path.parent.is_symlink():
            continue
        if name in PLACEHOLDERS and not path.exists() and path.parent.is_dir():
            path.mkdir(exist_ok=True)
        if path.exists():
            held.append(str(path))
    return tuple(held)


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
