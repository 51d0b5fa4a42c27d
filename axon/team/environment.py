"""What commands of a project may see of the environment, and what axon's own processes need."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axon.config import Config, settings

if TYPE_CHECKING:  # the page's process needs none of it to start
    from axon.security.sandbox import Contained
    from axon.team.allowance import Allowance
    from axon.team.project import Project
    from axon.team.workspace.place import Workspace

KEPT = {"mcp_key"}  # of the secrets: whoever opens the ledger of a task server shows it
ALLOWED = (
    "PATH", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME", "SHELL",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
    "VIRTUAL_ENV", "CONDA_PREFIX", "JAVA_HOME", "GOROOT", "RUSTUP_HOME", "PYENV_ROOT", "NVM_DIR",
)  # fmt: skip
ALLOWED_PREFIXES = ("LC_", "AXON_MARK_")
OWN = (
    "HOME", "TMPDIR", "XDG_CONFIG_HOME", "AXON_FAILPOINT",
    "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
)  # fmt: skip
OURS = re.compile(r"(ANTHROPIC|CLAUDE)_|(HOME|TMPDIR)$")  # not for a project to say
# Tools look for their own installation in HOME, and ours is another.
TOOL_HOMES = {"RUSTUP_HOME": ".rustup", "PYENV_ROOT": ".pyenv"}
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


def tool_environment(config: Config, home: Path, temporary: Path) -> dict[str, str]:
    """All that gate, set-up and agent see: no key, no token, nothing that is not on the list."""
    return {
        "PATH": DEFAULT_PATH,
        "LANG": "C.UTF-8",
        **_tool_homes(config.environ),
        **_allowed(config.environ),
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "TERM": "dumb",
        "CI": "true",
        "GIT_TERMINAL_PROMPT": "0",
    }


def contained(project: "Project", workspace: "Workspace") -> "Contained":
    """What runs the commands of one workspace, and gives them its variables."""
    from axon.security.sandbox import Place

    place = Place(workspace=workspace.path, home=workspace.home, temporary=workspace.temporary)
    given = [(k, v) for k, v in workspace.variables.items() if not OURS.match(k)]
    return replace(project.sandbox.at(place), variables=tuple(given))


def allowance(project: "Project", workspace: "Workspace") -> "Allowance":
    """What the commands of one workspace may take of the machine."""
    from axon.team.allowance import Allowance

    return Allowance(
        processes=project.config.max_processes,
        floor_mb=project.config.disk_floor_mb,
        folders=(workspace.path, workspace.home, workspace.temporary),
    )


def own_environment(config: Config) -> dict[str, str]:
    """What axon's processes keep of the environment: the same and the person's git settings."""
    own = {name: config.environ[name] for name in OWN if name in config.environ}
    return {"PATH": DEFAULT_PATH, **_allowed(config.environ), **own}


def _allowed(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name in ALLOWED or name.startswith(ALLOWED_PREFIXES)
    }


def _tool_homes(environ: Mapping[str, str]) -> dict[str, str]:
    home = Path(environ.get("HOME") or "/nonexistent")
    return {
        name: str(home / folder) for name, folder in TOOL_HOMES.items() if (home / folder).is_dir()
    }


def without_secrets(config: Config, environment: dict[str, str]) -> Config:
    """`config` as children get it: only `environment` is left of what surrounded axon.

    Tokens of services outside are the courier's alone.
    """
    secret = {setting.name for setting in settings() if setting.metadata["secret"]}
    blank: dict[str, Any] = dict.fromkeys(secret - KEPT, "")
    return replace(config, environ=environment, **blank)
