"""What one round with GitHub works with."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from axon.config import Config
from axon.errors import Forbidden
from axon.integrations.github.access import Actor, listened_to, myself, reviewer_ids
from axon.integrations.github.client import GitHub
from axon.ledger import Lease, Ledger
from axon.team.github.remote import Remote
from axon.team.github.standing import ACTOR, Told
from axon.team.project import Project, hold

ME = "github.me:"
LEASE_SECONDS = 300.0  # longer than any one task takes; prolonged before each


class Elsewhere(Forbidden):
    """Another process looks after GitHub at this moment."""


@dataclass(slots=True)
class Round:
    """One pass over what is to be told and heard, alone among all processes of the ledger."""

    config: Config
    project: Project
    github: GitHub
    ledger: Ledger
    run: str
    told: Told = field(default_factory=Told)
    lease: Lease | None = None
    seen: dict[int, tuple[str, str]] = field(default_factory=dict)  # issues as they were heard of
    _me: Actor | None = None
    _heard: frozenset[int] | None = None

    @property
    def remote(self) -> Remote:
        return Remote(project=self.project, github=self.github)

    @property
    def base(self) -> str:
        """The branch that pull requests are to be merged into."""
        return self.config.github_base or self.project.target

    @property
    def me(self) -> Actor:
        """Whose the token is; of an installation only known once it has said something."""
        if self._me is None:
            self._me = myself(self.github)
            if not self._me.id:
                self._me = Actor(id=int(self.ledger.bookmark(f"{ME}{self.github.place.full}") or 0))
        return self._me

    def learned(self, me: Actor) -> None:
        """GitHub has told who we are, by what we have written."""
        if me.id and not self.me.id:
            self._me = me
            self.ledger.set_bookmark(f"{ME}{self.github.place.full}", str(me.id))

    @property
    def heard(self) -> frozenset[int]:
        """Ids of those whose issues and comments count."""
        return listened_to(self.github, self.config, self.me)

    @property
    def reviewers(self) -> frozenset[int]:
        """Ids of those whose reviews count."""
        if self._heard is None:
            logins = [name for name in self.config.github_reviewers if "/" not in name]
            self._heard = self.heard | reviewer_ids(self.github, logins)
        return self._heard

    def record(self, action: str, identifier: str = "", why: str = "", **data: object) -> None:
        """An event of ours; nothing secret is written down."""
        clean = self.github.redactor.text(why)
        self.ledger.record(
            action, actor=ACTOR, identifier=identifier, run=self.run, why=clean, data=data
        )

    def record_once(self, action: str, identifier: str, why: str) -> None:
        """The same trouble is told once, however often it is met."""
        clean = self.github.redactor.text(why)
        last = self.ledger.latest(identifier=identifier, action=action, actor=ACTOR, limit=1)
        if not last or last[0].why != clean:
            self.record(action, identifier, why)

    def hold(self) -> Lease:
        """Prolong the duty before a step. Elsewhere: another host has it now.

        On this host a lock tells the processes of one project apart, which death frees.
        """
        holder = f"{socket.gethostname()} {self.project.root}"
        self.lease = self.ledger.lease(ACTOR, holder, LEASE_SECONDS)
        if self.lease is None:
            raise Elsewhere("another host is busy with GitHub for this ledger; try again shortly")
        return self.lease

    @contextmanager
    def on_duty(self, wait_seconds: float = 0.0) -> Iterator[None]:
        """Alone. Forbidden, which names the holder, while another process is at it."""
        with hold(self.project, ACTOR, wait_seconds=wait_seconds):
            self.hold()
            try:
                yield
            finally:
                if self.lease is not None:
                    self.ledger.drop_lease(self.lease)
                self.github.memory.save()
