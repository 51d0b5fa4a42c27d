"""The git side of a private clone: made, kept ours whatever an agent changes in it, and read."""

import os
from contextlib import suppress
from pathlib import Path

from axon.team.git import Outcome
from axon.team.project import Project
from axon.team.workspace.place import read_state, write_atomically
from axon.team.workspace.sparse import FILE, SETTINGS, cone

UNTRACKED = (".claude", ".mcp.json")  # programs of a person obey them; see the sandbox
SECONDS = 600.0  # a big repository


def clone(project: Project, path: Path) -> str:
    """A clone without files that borrows the project's objects and cannot push to it.

    Returns its configuration, to be put back whenever an agent has changed it.
    """
    settings = {
        "core.hooksPath": "/dev/null",
        "core.fsmonitor": "false",
        "user.name": project.name,
        "user.email": project.email,
        "commit.gpgsign": "false",
        "gc.auto": "0",
        "maintenance.auto": "false",
        "credential.helper": "",
        "push.default": "nothing",
        "advice.detachedHead": "false",
    }
    within = cone(project.config.sparse)
    if within:
        settings |= SETTINGS
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    git = project.git
    git.run(
        "clone", "-q", "--shared", "--no-checkout", "--single-branch", "--template=",
        "--branch", project.target, *options, "--", str(project.root), str(path), seconds=SECONDS,
    )  # fmt: skip
    if within:
        write_atomically(path / ".git" / FILE, within)
    inside = project.clone_git(path)
    for section in ("remote.origin", f"branch.{project.target}"):
        inside.attempt("config", "--remove-section", section)
    return (path / ".git/config").read_text("utf-8")


def repair(project: Project, identifier: str, path: Path) -> None:
    """Put back what makes the clone ours: an agent may have changed it, a kill left locks.

    Only while nobody works there.
    """
    folder = path / ".git"
    state = read_state(project, identifier)
    _unlink_links(folder)
    for leftover in ("commondir", "config.worktree", "info/grafts"):
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            (folder / leftover).unlink()
    for lock in (*folder.glob("*.lock"), *(folder / "refs").rglob("*.lock")):
        lock.unlink(missing_ok=True)
    config = state.get("config")
    if config is not None and _content(folder / "config") != config:
        write_atomically(folder / "config", config)
    if state.get("shared"):
        objects = f"{project.common_dir / 'objects'}\n"
        if _content(folder / "objects/info/alternates") != objects:
            write_atomically(folder / "objects/info/alternates", objects)
    if (within := cone(state.get("sparse", ()))) and _content(folder / FILE) != within:
        write_atomically(folder / FILE, within)
    exclude_recipe(project, folder)


def _unlink_links(folder: Path) -> None:
    """Git makes none in its folder, and would write through those that an agent makes."""
    for top, names, files in os.walk(folder):
        for name in (*names, *files):
            if os.path.islink(link := os.path.join(top, name)):
                os.unlink(link)
        if top == str(folder / "objects"):
            names[:] = ["info"]  # the others hold content only, under names git looks up


def exclude_recipe(project: Project, folder: Path) -> None:
    """What the recipe brings in is no change of the agent's, nor is what it may not write."""
    brought = (*project.config.copy, *project.config.link, *UNTRACKED)
    rows = [f"/{name.strip('/')}" for name in brought]
    text = "".join(f"{row}\n" for row in rows)
    if _content(folder / "info/exclude") != text:
        write_atomically(folder / "info/exclude", text)


def fetch(project: Project, path: Path, *refspecs: str) -> Outcome:
    """Bring commits of a clone into the project."""
    return project.git.attempt(
        "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--", str(path), *refspecs
    )


def _content(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except OSError:
        return None
