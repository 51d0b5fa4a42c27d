"""A tier with the bounds of one project: turns a command into the contained one."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from axon.security import hidden
from axon.security.sandbox import bubblewrap, macos
from axon.security.sandbox.bounds import Place, bounds_of, hold_places

Tier = Literal["bubblewrap", "landlock", "sandbox-exec", "none"]
DNS_PORT = 53
NAMES_BY_TCP = (("RES_OPTIONS", "use-vc"),)  # there is no UDP when ports are closed
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from axon.security.launcher.contain import main; main(sys.argv[2:])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """How the programs of one project are contained."""

    tier: Tier
    project: Path = Path("/")
    common: Path = Path("/")  # git folder of the project
    abi: int = 0  # of Landlock; 0: the kernel has none
    program: str = ""  # bwrap, sandbox-exec
    bounded: bool = False  # bwrap can say how large what is in memory may become
    local: bool = True  # the watcher can answer for Unix sockets
    ports: tuple[int, ...] | None = None  # TCP ports open beside the gateway's; None: all
    gateway: int = 0  # port of the one door to the model; 0: there is none
    imports: str = ""  # where the launcher finds axon
    tools: tuple[str, ...] = ()
    shown: tuple[str, ...] = field(default=())  # also readable
    written: tuple[str, ...] = field(default=())  # also writable

    def at(self, place: Place) -> "Contained":
        return Contained(sandbox=self, place=place)

    def showing(self, *paths: str) -> "Sandbox":
        """The same with more that may be read."""
        return replace(self, shown=(*self.shown, *paths))

    @property
    def open_ports(self) -> list[int] | None:
        if self.ports is None:
            return None
        names = (DNS_PORT,) if self.ports else ()
        return sorted({*self.ports, *names, *((self.gateway,) if self.gateway else ())})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """A sandbox around one workspace."""

    sandbox: Sandbox
    place: Place
    # Variables that the project chooses. What starts the sandbox must not have them: the loader
    # and the shell obey some.
    variables: tuple[tuple[str, str], ...] = ()

    def around(self, command: list[str], *, parent: int = 0) -> list[str]:
        """The words that run `command` inside. `parent`: the process it must not outlive."""
        sandbox = self.sandbox
        variables = (*self.variables, *(NAMES_BY_TCP if sandbox.ports else ()))
        if variables:
            command = ["/usr/bin/env", *(f"{k}={v}" for k, v in variables), *command]
        if sandbox.tier == "none":
            return command
        bounds = bounds_of(
            self.place,
            root=sandbox.project,
            common=sandbox.common,
            tools=sandbox.tools,
            shown=sandbox.shown,
            written=sandbox.written,
        )
        if sandbox.tier == "sandbox-exec":
            return [
                sandbox.program,
                "-p",
                macos.profile(bounds, sandbox.open_ports, sandbox.gateway),
                *command,
            ]
        if sandbox.tier == "landlock":
            read = [part for path in bounds.read for part in hidden.carve(path, [*bounds.hidden])]
            order = self._order(read=[*read, "/proc", "/sys"], write=[*bounds.write], leash=parent)
            return [*_launcher(order, sandbox.imports), *command]
        order = self._order(
            read=["/"], write=[*bounds.write, "/tmp", "/var/tmp", "/run", "/dev"], leash=0
        )
        fixed = hold_places(self.place.workspace)
        words = bubblewrap.words(
            sandbox.program, bounds, fixed, str(self.place.workspace), bounded=sandbox.bounded
        )
        return [*words, *_launcher(order, sandbox.imports), *command]

    def _order(self, *, read: list[str], write: list[str], leash: int) -> list[str]:
        """What the launcher is told (see there)."""
        sandbox = self.sandbox
        alone = sandbox.tier == "bubblewrap"
        ports = sandbox.open_ports
        flags = {
            "alone": alone,
            "local": sandbox.local,
            "watch": not alone or sandbox.abi < 6,
            "closed": ports is not None,
        }
        return [
            f"leash={leash}",
            f"abi={sandbox.abi}",
            f"gateway={sandbox.gateway}",
            *(name for name, is_set in flags.items() if is_set),
            *(f"port={port}" for port in ports or ()),
            *(f"read={path}" for path in read),
            *(f"write={path}" for path in write),
            *(f"device={path}" for path in (["/dev"] if alone else DEVICES)),
        ]


def _launcher(order: list[str], imports: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", START, imports, *order, "--"]


UNCONTAINED = Contained(
    sandbox=Sandbox(tier="none"),
    place=Place(workspace=Path("/"), home=Path("/"), temporary=Path("/")),
)
