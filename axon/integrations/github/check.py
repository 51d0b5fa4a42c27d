"""Whether the way to GitHub works: token, repository, rights and requests left."""

import time
from dataclasses import dataclass
from typing import Literal

from axon.config import Config
from axon.errors import AxonError
from axon.integrations.github.access import connect, may_push, myself

FEW = 100  # requests left


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One thing that was looked at. `fix`: what to do, where something is to be done."""

    what: str
    state: Literal["ok", "warning", "failed"]
    reason: str
    fix: str = ""


def check(config: Config) -> list[Checked]:
    """Ask GitHub three questions, each bounded; nothing is changed there. It never raises."""
    try:
        github = connect(config)
        me = myself(github)
        who = me.login or "an installation"
        found = [Checked(what="token", state="ok", reason=f"valid, of {who}")]
        may_push(github)
    except AxonError as error:
        reason, _, fix = str(error).partition("; ")
        return [Checked(what="token and repository", state="failed", reason=reason, fix=fix)]
    where = f"{github.place.full} on {github.place.site}"
    found.append(Checked(what="repository", state="ok", reason=f"{where} may be written to"))
    if config.github_issues and not me.id and not config.github_actors:
        found.append(
            Checked(
                what="actors",
                state="warning",
                reason="GitHub does not tell whose token this is, so nobody's issues count",
                fix="set GITHUB_ACTORS to the ids of those who may be listened to",
            )
        )
    if github.remaining is not None:
        few = github.remaining < FEW
        minutes = max(0.0, github.resets_at - time.time()) / 60
        reason = f"{github.remaining} requests left, more in {minutes:.0f} min"
        fix = "wait, or set github.poll_seconds higher" if few else ""
        state: Literal["ok", "warning"] = "warning" if few else "ok"
        found.append(Checked(what="rate limit", state=state, reason=reason, fix=fix))
    return found
