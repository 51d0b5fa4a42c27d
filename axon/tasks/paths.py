"""Decide whether two tasks may change the same file, from the globs they declare."""

from collections.abc import Sequence

WILD = "*?[{"


def overlap(some: Sequence[str], others: Sequence[str]) -> bool:
    """Could a glob of `some` match a file of `others`? Rather yes than no.

    Only what stands before the first wildcard is compared. A task that declares no paths
    overlaps with none. A path without a wildcard may be a folder, with all that is in it.
    """
    return any(_meet(_start(one), _start(other)) for one in some for other in others)


def _start(glob: str) -> tuple[str, bool]:
    """The literal start of `glob`, and whether that is the whole of it."""
    path = glob.strip()
    while path.startswith(("./", "/")):
        path = path[2:] if path.startswith("./") else path[1:]
    if path in ("", "."):
        return "", False  # the whole project
    end = next((i for i, c in enumerate(path) if c in WILD), None)
    return (path.rstrip("/"), True) if end is None else (path[:end], False)


def _meet(one: tuple[str, bool], other: tuple[str, bool]) -> bool:
    (a, a_whole), (b, b_whole) = one, other
    if a_whole and b_whole:
        return a == b or a.startswith(b + "/") or b.startswith(a + "/")
    if a_whole:
        return a.startswith(b) or b.startswith(a + "/")
    if b_whole:
        return b.startswith(a) or a.startswith(b + "/")
    return a.startswith(b) or b.startswith(a)


def folder_of(paths: Sequence[str]) -> str:
    """Where the files of the first glob are: "src/api/"; empty for the whole project, or none."""
    start, _ = _start(paths[0]) if paths else ("", True)
    return start[: start.rfind("/") + 1]


def cover(some: Sequence[str], folder: str) -> str | None:
    """The glob of `some`, as far as it is literal, that overlaps all that is in `folder`."""
    for glob in some:
        start, whole = _start(glob)
        start += "/" if whole else ""
        if folder.startswith(start):
            return start
    return None
