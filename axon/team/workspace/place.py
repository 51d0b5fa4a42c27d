"""Where a task's workspace is and what belongs to it: folders, ports, remembered facts."""

import hashlib
import json
import os
import shutil
import socket
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axon.errors import AxonError
from axon.team.project import Project, hold

LOWEST_PORT, HIGHEST_PORT = 20000, 32000  # below the range the kernel takes from by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One task's private clone and what its tools are given."""

    identifier: str
    path: Path
    branch: str
    target: str  # branch it was made from
    base: str  # commit of it
    home: Path
    temporary: Path
    variables: Mapping[str, str]
    fresh: bool  # made anew by this call


def branch_of(identifier: str) -> str:
    return f"agent/{identifier.lower()}"


def pin_of(identifier: str) -> str:
    """Keeps what the clone borrows from being collected."""
    return f"refs/axon/base/{identifier}"


def path_of(project: Project, identifier: str) -> Path:
    return project.state_dir / "work" / identifier


def furnish(
    project: Project, identifier: str, path: Path, *, target: str, base: str, fresh: bool
) -> Workspace:
    """Give a clone its home, temporary folder and ports."""
    home = project.state_dir / "home" / identifier
    home.mkdir(parents=True, exist_ok=True)
    variables = {"AXON_WORKSPACE": str(path), "GIT_CEILING_DIRECTORIES": str(path.parent)}
    count = project.config.ports
    if count > 0:
        variables["AXON_PORT"] = str(reserve_ports(project, identifier, count))
        variables["AXON_PORTS"] = str(count)
    return Workspace(
        identifier=identifier,
        path=path,
        branch=branch_of(identifier),
        target=target,
        base=base,
        home=home,
        temporary=temporary_dir(project, identifier),
        variables={**variables, **project.config.variables},
        fresh=fresh,
    )


def temporary_root(project: Project) -> Path:
    """Short, for sockets in it have room for about 100 characters of path."""
    digest = hashlib.sha256(os.fsencode(project.root)).hexdigest()[:8]
    base = project.config.environ.get("TMPDIR") or "/tmp"
    return Path(base) / f"axon-{os.getuid()}-{digest}"


def temporary_dir(project: Project, identifier: str) -> Path:
    """TMPDIR of one workspace; AxonError when another user has put something in its place."""
    root = temporary_root(project)
    try:
        root.mkdir(mode=0o700, exist_ok=True)
        facts = root.lstat()
        folder = root / identifier
        if stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid():
            root.chmod(0o700)
            folder.mkdir(mode=0o700, exist_ok=True)
            return folder
    except OSError as error:
        raise AxonError(f"cannot make {root}: {error.strerror}; set TMPDIR to another") from None
    raise AxonError(f"{root} belongs to someone else; remove it, or set TMPDIR to another folder")


def drop_temporary(project: Project, identifier: str) -> None:
    """Remove the temporary folder of one workspace, and the project's when that was the last."""
    root = temporary_root(project)
    remove_tree(root / identifier)
    with suppress(OSError):
        root.rmdir()


def read_state(project: Project, identifier: str) -> dict[str, Any]:
    """What was remembered of a workspace; nothing when it cannot be read."""
    try:
        found = json.loads(_state_path(project, identifier).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_state(project: Project, identifier: str, facts: Mapping[str, Any]) -> None:
    write_atomically(_state_path(project, identifier), json.dumps(facts))


def drop_state(project: Project, identifier: str) -> None:
    _state_path(project, identifier).unlink(missing_ok=True)
    launcher_of(project, identifier).unlink(missing_ok=True)


def launcher_of(project: Project, identifier: str) -> Path:
    """What starts the agent of a workspace: where the agent itself cannot write."""
    return project.state_dir / "state" / f"{identifier}.claude"


def _state_path(project: Project, identifier: str) -> Path:
    return project.state_dir / "state" / f"{identifier}.json"


def write_atomically(path: Path, text: str) -> None:
    """All of it or none, also after a power loss; never through a link an agent has laid."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    if os.path.lexists(temporary):
        temporary.unlink()
    with open(temporary, "x", encoding="utf-8", errors="replace") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def reserve_ports(project: Project, identifier: str, count: int) -> int:
    """First port of a block that no other workspace of the project has; the same every time."""
    path = project.state_dir / "ports.json"
    with hold(project, "ports", wait_seconds=10):
        blocks = _read_blocks(path)
        if identifier in blocks and blocks[identifier][1] == count:
            return blocks[identifier][0]
        taken = [range(start, start + size) for start, size in blocks.values()]
        slots = (HIGHEST_PORT - LOWEST_PORT) // count
        first = int(hashlib.sha256(os.fsencode(project.root)).hexdigest(), 16)
        for number in range(slots):
            start = LOWEST_PORT + (first + number) % slots * count
            if not _overlaps(range(start, start + count), taken) and _are_free(start, count):
                blocks[identifier] = (start, count)
                write_atomically(path, json.dumps(blocks))
                return start
    raise AxonError(f"no {count} free ports in a row; set workspace.ports lower, or run axon gc")


def free_ports(project: Project, identifier: str) -> None:
    path = project.state_dir / "ports.json"
    with hold(project, "ports", wait_seconds=10):
        blocks = _read_blocks(path)
        if blocks.pop(identifier, None) is not None:
            write_atomically(path, json.dumps(blocks))


def _read_blocks(path: Path) -> dict[str, tuple[int, int]]:
    try:
        found = json.loads(path.read_text("utf-8"))
        return {name: (int(start), int(size)) for name, (start, size) in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # lost in a crash: blocks are given anew


def _overlaps(block: range, taken: list[range]) -> bool:
    return any(block.start < other.stop and other.start < block.stop for other in taken)


def _are_free(start: int, count: int) -> bool:
    for port in range(start, start + count):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def remove_tree(path: Path) -> None:
    """Delete a folder, also when tools have made parts of it read-only."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
        return
    except FileNotFoundError:
        pass
    except OSError:
        with suppress(OSError):
            os.chmod(path, 0o700)
        for folder, names, _ in os.walk(path):  # lists what is below after we have seen it here
            for below in (os.path.join(folder, name) for name in names):
                if not os.path.islink(below):
                    with suppress(OSError):
                        os.chmod(below, 0o700)
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise AxonError(f"cannot remove {path}: {error.strerror}; remove it by hand") from None
