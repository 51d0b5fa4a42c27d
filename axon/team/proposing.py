"""What a run has to do with pull requests: it hears of them first, and waits until all are made."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from axon.config import Config
from axon.errors import Forbidden
from axon.integrations.github import uses_github
from axon.integrations.github.faults import GitHubError
from axon.ledger import Ledger
from axon.tasks import Task
from axon.team.courier import NAME as COURIER
from axon.team.github.standing import proposed, unsent
from axon.team.supervisor import Supervisor

MOST_SECONDS = 300.0  # that a run waits for work to become a pull request


def hear_first(
    config: Config, ledger: Ledger, say: Callable[[str], None], *, thorough: bool
) -> None:
    """What GitHub says is heard before anything is begun. Where it cannot be asked, a run goes on
    without it for now; where it refuses us, no run that needs it begins."""
    if not uses_github(config):
        return
    from axon.team.github.errand import look_first  # runs without it need none of that

    try:
        for line in look_first(config, ledger, thorough=thorough):
            say(line)
    except GitHubError as error:
        if config.land == "pr" and not error.passing:
            raise
        say(f"{error}; the run begins without it")
    except Forbidden as error:  # another run has just heard it
        say(str(error))


@dataclass(slots=True, kw_only=True)
class CourierProposals:
    """See Proposals. A courier that has died for good, or gets nowhere, is not waited for."""

    ledger: Ledger
    run: str
    supervisor: Supervisor
    _seen: dict[str, float] = field(default_factory=dict)  # commits, and since when they wait

    def pending(self) -> bool:
        courier = self.supervisor.children.get(COURIER)
        if courier is None or courier.given_up:
            return False
        now = time.monotonic()
        since = [self._seen.setdefault(t.commit, now) for t in unsent(self.ledger, self.run)]
        return any(now - seen < MOST_SECONDS for seen in since)

    def made(self, task: Task) -> bool:
        return proposed(self.ledger, task)


def proposals(
    config: Config, ledger: Ledger, run: str, supervisor: Supervisor
) -> CourierProposals | None:
    """None when finished work becomes no pull request."""
    if config.land != "pr":
        return None
    return CourierProposals(ledger=ledger, run=run, supervisor=supervisor)
