"""The way to GitHub that a configuration means: repository, token, limits, and who we are there."""

import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import sleep
from typing import Any

from axon.config import Config
from axon.errors import UsageError
from axon.integrations.exchange import proxy_for
from axon.integrations.github.client import GitHub
from axon.integrations.github.faults import GitHubError
from axon.integrations.github.memory import Memory
from axon.integrations.github.place import Place, place_of
from axon.security.secrets import Redactor, secrets_of

GIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A user of GitHub. Only the number tells who it is: names can be given to somebody else."""

    id: int = 0
    login: str = ""

    @classmethod
    def of(cls, document: Any) -> "Actor":
        """Of the `user` of anything; nobody when that is missing (deleted accounts)."""
        if not isinstance(document, dict) or not isinstance(document.get("id"), int):
            return cls()
        login = re.sub(r"[^\w\[\].-]", "", str(document.get("login", "")), flags=re.ASCII)
        return cls(id=document["id"], login=login[:100])


def repository(config: Config) -> Place:
    """The repository that is set, else that of the remote `origin`."""
    if config.github_repo:
        return place_of(config.github_repo, "GITHUB_REPO")
    url = _origin(config)
    if not url:
        raise UsageError(
            f"{config.root} has no remote origin; set GITHUB_REPO to OWNER/NAME, or git remote add "
            "origin with its address"
        )
    return place_of(url, "the remote origin")


def connect(
    config: Config,
    *,
    environ: Mapping[str, str] | None = None,
    patience: float = 0.0,
    pause: Callable[[float], None] = sleep,
) -> GitHub:
    """UsageError when the configuration does not say how; nothing is sent yet.

    `environ`: where proxies are named, when that is not the configuration's.
    """
    if not config.github_token.strip():
        raise UsageError("GITHUB_TOKEN is not set; set it to a token that may use the repository")
    place = repository(config)
    redactor = Redactor([*secrets_of(config.environ), config.github_token])
    path = config.state_dir / "github.json" if config.state_dir.is_dir() else None
    return GitHub(
        place=place,
        token=config.github_token.strip(),
        redactor=redactor,
        memory=Memory(path, redactor),
        proxy=proxy_for(place.api, config.environ if environ is None else environ),
        patience=patience,
        pause=pause,
    )


def myself(github: GitHub) -> Actor:
    """Whose the token is; nobody when it is an installation's, which GitHub does not tell."""
    try:
        return Actor.of(github.get("/user"))
    except GitHubError as error:
        if error.status in (403, 404):
            return Actor()
        raise


def may_push(github: GitHub) -> None:
    """GitHubError unless the token sees the repository and may write there, as far as is told."""
    found = github.get(github.repo)
    rights = found.get("permissions") if isinstance(found, dict) else None
    if isinstance(rights, dict) and rights.get("push") is False:
        raise GitHubError(
            f"the token may not write to {github.place.full}; give it contents and pull requests: "
            "read and write, or use another",
            status=403,
        )
    if isinstance(found, dict) and found.get("archived"):
        raise GitHubError(f"{github.place.full} is archived; nothing can be proposed there")


def listened_to(github: GitHub, config: Config, me: Actor) -> frozenset[int]:
    """Ids of the users whose issues and comments count."""
    return frozenset(config.github_actors or ([me.id] if me.id else []))


def reviewer_ids(github: GitHub, logins: Iterable[str]) -> frozenset[int]:
    """The numbers behind the names of those who were asked to review."""
    found = set()
    for login in logins:
        try:
            found.add(Actor.of(github.get(f"/users/{login}")).id)
        except GitHubError as error:
            if error.status != 404:
                raise
    return frozenset(found - {0})


def _origin(config: Config) -> str:
    environ = {n: config.environ[n] for n in ("PATH", "HOME") if n in config.environ}
    try:
        done = subprocess.run(
            ["git", "config", "--get", "remote.origin.url"],
            cwd=config.root,
            env=environ,
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()
