"""What a tier contains and what it does not, in words for a person."""

from dataclasses import dataclass

from axon.security.launcher.landlock import ASKED_SIGNALS, LACKS
from axon.security.sandbox.contained import Sandbox

FILES = (
    "files: writes only to the workspace, its own home and temporary folder; your home, other "
    "workspaces, the ledger and secrets cannot be read"
)
RIGHTS = "rights: no new privileges, no mounts, namespaces, io_uring, ptrace, raw sockets or keys"
ALWAYS = (
    "what agents may use up: processor, memory, disk",
    "faults of the kernel itself",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Containment:
    """As `axon health` and the page show it."""

    tier: str
    contains: tuple[str, ...]
    does_not_contain: tuple[str, ...]

    @property
    def line(self) -> str:
        """What is said at the start of a run."""
        if self.tier == "none":
            return "sandbox: none; agents and checks run with all your rights"
        missing = [text for text in self.does_not_contain if text not in ALWAYS]
        return f"sandbox: {self.tier}" + (
            f"; not contained: {'; '.join(missing)}" if missing else ""
        )


def describe(sandbox: Sandbox) -> Containment:
    if sandbox.tier == "none":
        return Containment(
            tier="none",
            contains=(),
            does_not_contain=("anything: agents and checks run with all your rights", *ALWAYS),
        )
    if sandbox.tier == "bubblewrap":
        contains, lacks = _bubblewrap(sandbox)
    elif sandbox.tier == "landlock":
        contains, lacks = _landlock(sandbox)
    else:
        contains, lacks = [FILES, "processes: signals only to its own"], []
    network = _network(sandbox)
    (lacks if sandbox.ports is None else contains).append(network)
    return Containment(
        tier=sandbox.tier, contains=tuple(contains), does_not_contain=(*lacks, *ALWAYS)
    )


def _bubblewrap(sandbox: Sandbox) -> tuple[list[str], list[str]]:
    contains = [
        FILES,
        "git hooks, git configuration, .claude and .mcp.json of the workspace stay as they are",
        "processes: others are not visible, shared memory and /tmp are its own",
        RIGHTS,
    ]
    return contains, []


def _landlock(sandbox: Sandbox) -> tuple[list[str], list[str]]:
    signals = sandbox.abi >= ASKED_SIGNALS.start
    contains = [
        FILES,
        "processes: others cannot be looked into" + (" or signalled" if signals else ""),
        "sockets of the host (ssh agent, docker, systemd) cannot be reached"
        + ("" if sandbox.local else "; programs inside have no Unix sockets at all"),
        RIGHTS,
    ]
    lacks = [
        "names of other processes are visible",
        "git hooks, git configuration, .claude and .mcp.json of the workspace can be written "
        "(axon undoes it before it uses them)",
    ]
    if not signals:
        lacks.append("signals to your other processes (the kernel is too old)")
    return contains, lacks


def _network(sandbox: Sandbox) -> str:
    if sandbox.ports is None:
        return "network: open"
    if not sandbox.ports:
        return "network: the model only"
    return f"network: the model, and TCP ports {', '.join(map(str, sandbox.ports))}"


def missing_in(abi: int) -> tuple[str, ...]:
    """What a kernel with this version of Landlock cannot withhold by it."""
    return tuple(what for needed, what in LACKS if abi < needed)
