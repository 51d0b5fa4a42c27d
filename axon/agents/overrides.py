"""A project's own agents and prompts, `.axon/agents/*.md` and `.axon/prompts/*.md`.

They take effect only as a person has allowed them, and as they were when a run began.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from axon import prompts
from axon.agents.bundled import named
from axon.agents.frontmatter import AgentFile, parse
from axon.config import Config
from axon.errors import UsageError
from axon.security.trust import Item, Trust, ignored

MAX_BYTES = 64 << 10
MAX_FILES = 200
AGENTS = ".axon/agents"
PROMPTS = ".axon/prompts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """The allowed ones, by name, and a line for each that is not."""

    agents: dict[str, AgentFile] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def load_overrides(config: Config) -> Overrides:
    """UsageError when an allowed file cannot be used."""
    trust = Trust.of(config)
    agents: dict[str, AgentFile] = {}
    own: dict[str, str] = {}
    items, notices = candidates(config.root)
    for item in items:
        name = Path(item.name).stem
        if not trust.is_trusted(item):
            notices.append(ignored(item.name))
            continue
        check(item)
        if item.name.startswith(AGENTS):
            agents[name] = parse(item.text, name)
        else:
            own[name] = item.text
    return Overrides(agents=agents, prompts=own, notices=tuple(notices))


def candidates(root: Path) -> tuple[list[Item], list[str]]:
    """Every file there is, allowed or not, and a line for each that can never be."""
    items: list[Item] = []
    problems: list[str] = []
    for folder in (AGENTS, PROMPTS):
        for name in _listed(root / folder, folder):
            try:
                items.append(Item(name=f"{folder}/{name}", text=_read(root / folder / name)))
            except OSError as error:
                problems.append(f"{folder}/{name} is ignored: {error.strerror or error}")
    return items, problems


def check(item: Item) -> None:
    """UsageError, which names the file, when it could not be used if it were allowed."""
    stem = Path(item.name).stem
    try:
        if len(item.text.encode("utf-8", "surrogateescape")) > MAX_BYTES:
            raise UsageError(f"it has more than {MAX_BYTES >> 10} KiB")
        if any("\udc80" <= char <= "\udcff" or char == "\0" for char in item.text):
            raise UsageError("it is not UTF-8 text")
        if item.name.startswith(AGENTS):
            _check_agent(parse(item.text, stem))
        else:
            prompts.check(stem, item.text)
    except UsageError as error:
        raise UsageError(f"{item.name}: {error}") from None


def _check_agent(file: AgentFile) -> None:
    if named(file.name) is None and not (file.description and file.prompt):
        raise UsageError("a new agent needs a description, and a prompt below the front matter")


def _listed(folder: Path, name: str) -> list[str]:
    try:
        listed = sorted(entry.name for entry in os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}; mend or remove it") from None
    found = [file for file in listed if file.endswith(".md") and not file.startswith(".")]
    if len(found) > MAX_FILES:
        raise UsageError(f"{name} has {len(found)} files; {MAX_FILES} are the most")
    return found


def _read(path: Path) -> str:
    """The text, each byte that is no UTF-8 kept apart; no link and no pipe is followed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is no plain file")
        return file.read(MAX_BYTES + 1).decode("utf-8", "surrogateescape")
