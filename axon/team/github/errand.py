"""The courier's errand for GitHub: propose what was handed in, then hear and tell what is new."""

from collections.abc import Sequence

from axon.config import Config
from axon.errors import Forbidden
from axon.integrations.errand import Office, Outage
from axon.integrations.github.access import connect, may_push
from axon.integrations.github.client import GitHub
from axon.integrations.github.faults import GitHubError
from axon.ledger import Ledger
from axon.tasks import Task
from axon.team.github.round import Round
from axon.team.github.standing import handed_in, proposed, unsent
from axon.team.github.sync import (
    go_through_issues,
    hear_of_work,
    refuse,
    send_work,
    start_round,
)
from axon.team.project import Project, open_project

LOOK_SECONDS = 0.5  # between two looks into the ledger for work that was handed in
WAIT_SECONDS = 10.0  # for another run that is just at it
OUTAGE_SECONDS = 30.0  # not longer: work may wait to be proposed
AGAIN_SECONDS = 300.0  # after which what was refused is tried again, in a run that stays
NEVER = float("inf")
MOST_TRIES = 5
MOST_SECONDS = 120.0  # that work waits for GitHub to answer, before the run may end without it


class GitHubErrand:
    """Looks often at the ledger, and at GitHub as often as is set."""

    name = "GitHub"

    def __init__(self, office: Office) -> None:
        self._config: Config = office.config
        self._run = office.run
        self._secrets = office.secrets
        self._environ = office.environ
        self._github: GitHub | None = None
        self._project: Project | None = None
        self._seen: dict[int, tuple[str, str]] = {}
        self._pulse = -1
        self._looked = 0.0
        self._tries = 0
        self._since = 0.0
        self._again_at = NEVER

    @property
    def final(self) -> bool:
        """How the tasks of issues stand in the end is told there."""
        return self._config.github_issues

    def once(self, ledger: Ledger, now: float) -> float:
        at = self._round(ledger)
        try:
            if self._run and ledger.run(self._run).ended_at is not None:
                self._part(at)
                return LOOK_SECONDS
            if self._config.land == "pr":
                self._send(at, now)
            if now - self._looked >= self._config.github_poll_seconds or now < self._looked:
                self._looked = now
                with at.on_duty():
                    everything(at)
        except Forbidden:  # another process is at it, or holds what is needed: next time
            return LOOK_SECONDS
        except GitHubError as error:
            raise Outage(str(error), seconds=error.wait or OUTAGE_SECONDS) from None
        return LOOK_SECONDS

    def _part(self, at: Round) -> None:
        """The run is over: nothing is begun any more."""
        if self._config.github_issues:
            with at.on_duty():
                go_through_issues(at, listen=False)

    def _send(self, at: Round, now: float) -> None:
        """Nothing is asked of GitHub when nothing has changed here; what was refused is tried
        again now and then."""
        pulse = at.ledger.pulse()
        if pulse == self._pulse and now < self._again_at:
            return
        waiting = unsent(at.ledger, self._run)
        if now >= self._again_at:
            waiting = [task for task in handed_in(at.ledger) if not proposed(at.ledger, task)]
            self._again_at = NEVER
        if waiting:
            with at.on_duty():
                for error in send_work(at, waiting):
                    self._try_again(at, waiting, error, now)
            if any(not proposed(at.ledger, task) for task in waiting):
                self._again_at = now + AGAIN_SECONDS
        self._tries, self._since, self._pulse = 0, 0.0, at.ledger.pulse()

    def _try_again(
        self, at: Round, waiting: Sequence[Task], error: GitHubError, now: float
    ) -> None:
        """A little later; but a run does not wait for ever to end."""
        self._tries += 1
        self._since = self._since or now
        pause = max(error.wait, 2.0**self._tries)
        if self._tries >= MOST_TRIES or now + pause - self._since > MOST_SECONDS:
            for task in waiting:
                if not proposed(at.ledger, task):
                    refuse(at, task, error)
            self._tries, self._since, self._again_at = 0, 0.0, now + max(pause, AGAIN_SECONDS)
        raise Outage(str(error), seconds=pause)

    def _round(self, ledger: Ledger) -> Round:
        if self._github is None or self._project is None:
            self._github = connect(self._config, environ=self._environ)
            for value in self._secrets:
                self._github.redactor.also(value)
            self._project = open_project(self._config)
        at = start_round(self._config, self._project, self._github, ledger, self._run)
        at.seen = self._seen
        return at


def everything(at: Round) -> None:
    """All that may have changed on GitHub, then all that it is to be told."""
    hear_of_work(at)
    if at.config.github_issues:
        go_through_issues(at)


def look_first(config: Config, ledger: Ledger, *, thorough: bool) -> list[str]:
    """What GitHub says before a run begins: it may have work, or have ended some.

    `thorough`: also whether the repository may be used at all.
    """
    github = connect(config)
    if thorough and config.land == "pr":
        may_push(github)
    at = start_round(config, open_project(config), github, ledger, "")
    with at.on_duty(WAIT_SECONDS):
        hear_of_work(at)
        if config.github_issues:
            go_through_issues(at, speak=False)
    return at.told.lines
