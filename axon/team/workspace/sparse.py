"""Which part of a big repository a workspace has: git's cone of folders, and the files above it."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from axon.errors import UsageError

FILE = "info/sparse-checkout"
SETTINGS = {"core.sparseCheckout": "true", "core.sparseCheckoutCone": "true"}


def cone(folders: Iterable[str]) -> str:
    """What git's file of a sparse checkout says for these folders; empty: everything is there.

    UsageError names one that is no folder of a repository.
    """
    whole = [_checked(folder) for folder in folders]
    if not whole:
        return ""
    lines = ["/*", "!/*/"]
    for parent in _parents(whole):
        lines += [f"/{_escaped(parent)}/", f"!/{_escaped(parent)}/*/"]
    lines += [f"/{_escaped(str(folder))}/" for folder in whole]
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def inside(folders: Sequence[str], name: str) -> bool:
    """Whether a file of the repository is there."""
    if not folders:
        return True
    whole = [_checked(folder) for folder in folders]
    path = PurePosixPath(name)
    if any(path.is_relative_to(folder) for folder in whole):
        return True
    return str(path.parent) in {".", *_parents(whole)}


def _parents(whole: Sequence[PurePosixPath]) -> list[str]:
    """The folders above, of which the files are there, in an order that git takes."""

    def above() -> Iterator[PurePosixPath]:
        for folder in whole:
            yield from (p for p in folder.parents if p.name)

    found = {p for p in above() if not any(p.is_relative_to(folder) for folder in whole)}
    return sorted(map(str, found))


def _checked(folder: str) -> PurePosixPath:
    path = PurePosixPath(folder)
    if not path.name or path.is_absolute() or ".." in path.parts or "\n" in folder:
        raise UsageError(
            f"workspace.sparse names {folder!r}; it must be a folder inside the repository"
        )
    return path


def _escaped(name: str) -> str:
    return "".join(f"\\{char}" if char in "\\*?[" else char for char in name)
