"""Prepare a workspace as `[workspace]` in axon.toml says: copy, link, run the set-up command."""

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from axon.config import Config
from axon.errors import AxonError, UsageError
from axon.security.sandbox import UNCONTAINED
from axon.team.environment import allowance, contained, tool_environment
from axon.team.gate import GateResult, Watch, run_gate
from axon.team.project import Project
from axon.team.workspace.place import Workspace, read_state, remove_tree, write_state

OURS = (".git", ".axon")


class SetupFailed(AxonError):
    """The set-up command failed; `result` has its output."""

    code = "setup"

    def __init__(self, message: str, result: GateResult) -> None:
        super().__init__(message)
        self.result = result


def set_up(project: Project, workspace: Workspace, watch: Watch | None = None) -> None:
    """Do what the recipe says, once for each workspace and recipe."""
    state = read_state(project, workspace.identifier)
    recipe = recipe_hash(project.config)
    if state.get("recipe") == recipe:
        return
    bring(project, workspace, watch)
    run_setup(project, workspace, watch)
    write_state(project, workspace.identifier, {**state, "recipe": recipe})


def recipe_hash(config: Config) -> str:
    recipe = json.dumps([config.copy, config.link, config.setup, dict(config.variables)])
    return hashlib.sha256(recipe.encode("utf-8", "replace")).hexdigest()


def bring(project: Project, workspace: Workspace, watch: Watch | None = None) -> None:
    """Copy and link what is not there yet."""
    for source, place in _places(project, workspace, "copy", project.config.copy):
        _copy(project, workspace, source, place, watch)
    for source, place in _places(project, workspace, "link", project.config.link):
        if not os.path.lexists(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(source)


def run_setup(project: Project, workspace: Workspace, watch: Watch | None = None) -> None:
    """The set-up command in the workspace; SetupFailed names it and its last line."""
    command = project.config.setup
    if not command:
        return
    result = _run(project, workspace, command, watch)
    if not result.passed:
        raise SetupFailed(f"set-up command {command!r} failed: {result.why}", result)


def _run(
    project: Project,
    workspace: Workspace,
    command: str,
    watch: Watch | None,
    *,
    inside: bool = True,
) -> GateResult:
    return run_gate(
        command,
        cwd=workspace.path,
        environment=tool_environment(project.config, workspace.home, workspace.temporary),
        seconds=60 * project.config.setup_minutes,
        watch=watch,
        contained=contained(project, workspace) if inside else UNCONTAINED,
        allowance=allowance(project, workspace),
    )


def _places(
    project: Project, workspace: Workspace, kind: str, names: tuple[str, ...]
) -> Iterator[tuple[Path, Path]]:
    """Source in the project and place in the workspace of each path; UsageError when unfit."""
    for name in names:
        parts = PurePosixPath(name).parts
        where = f"workspace.{kind} names {name!r}"
        if not parts or parts[0] == "/" or ".." in parts or parts[0] in OURS:
            raise UsageError(f"{where}; it must be a path inside the project")
        source, place = project.root.joinpath(*parts), workspace.path.joinpath(*parts)
        if not source.parent.resolve().is_relative_to(project.root):
            raise UsageError(f"{where}, which leads out of the project; name a path inside it")
        if not os.path.lexists(source):
            raise UsageError(f"{where}, which is not in {project.root}; make it or take it out")
        if not place.parent.resolve().is_relative_to(workspace.path.resolve()):
            raise UsageError(f"{where}, which leads out of the workspace; take it out")
        yield source, place


def _copy(
    project: Project, workspace: Workspace, source: Path, place: Path, watch: Watch | None
) -> None:
    """Like `cp -a`, sharing blocks where the file system can; whole or not at all."""
    if os.path.lexists(place):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f".{place.name}.axon-copy")
    remove_tree(partial)
    share = "--reflink=auto" if sys.platform == "linux" else "-c"
    new, old = shlex.quote(str(partial)), shlex.quote(str(source))
    command = (
        f"cp -a {share} -- {old} {new} 2>/dev/null || {{ rm -rf -- {new}; cp -a -- {old} {new}; }}"
    )
    result = _run(project, workspace, command, watch, inside=False)  # no word of it is theirs
    if not result.passed:
        remove_tree(partial)
        raise AxonError(f"cannot copy {source} into the workspace: {result.why}")
    partial.rename(place)
