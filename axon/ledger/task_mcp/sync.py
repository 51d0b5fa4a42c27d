"""Look at the task server: take in what is new there, and follow what others have moved."""

import logging
from collections.abc import Sequence

from axon.errors import UsageError
from axon.facts import dataclass
from axon.ledger.store import Store
from axon.ledger.task_mcp import copies, following, standing
from axon.ledger.task_mcp.board import Board
from axon.ledger.task_mcp.copies import Copy
from axon.ledger.task_mcp.faults import Refusal
from axon.ledger.task_mcp.issues import Issue
from axon.ledger.task_mcp.mirror import Mirror
from axon.tasks import State

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0  # how old our idea of one issue may get that others work on, or we
MOST_LOOKS = 20  # at single issues each time
MOST_LINKED = 200  # issues taken in because others refer to them


@dataclass(slots=True)
class Sync:
    store: Store
    board: Board
    mirror: Mirror

    def look(self, seconds: float) -> None:
        """Unless some process of this host did less than `seconds` ago."""
        now = self.store.read(standing.standing)
        if now.synced is not None and now.synced < seconds:
            return
        self.store.lag(standing.synced)  # at once, so that others need not
        try:
            self._look()
        except BaseException:
            self.store.lag(standing.not_synced)
            raise
        if now.failing is not None:
            self.store.lag(standing.recovered)

    def _look(self) -> None:
        self.store.lag(standing.free_of_the_dead)
        self.mirror.tell()
        before, moment = self.store.read(copies.open_copies)
        listed, whole = self.board.todo()
        self.take_in(listed)
        issues = {issue.remote: issue for issue in listed}
        for copy in before:
            issue = issues.get(copy.remote)
            if issue is not None and _differs(copy, issue):
                self.store.write(following.follow, copy, issue)
        for copy in self._due(before, issues, moment, whole=whole)[:MOST_LOOKS]:
            self._look_at(copy)

    def take_in(self, issues: Sequence[Issue]) -> None:
        """Copy those that have no copy yet, and what they wait for or are part of."""
        known = self.store.read(copies.by_remote, [issue.remote for issue in issues])
        new = {issue.remote: issue for issue in issues if issue.remote not in known}
        if not new:
            return
        everything = [*self._linked(new), *new.values()]
        try:
            self.store.write(copies.take_in, everything)
        except UsageError as error:  # a circle, perhaps: then each for itself
            log.warning("issues not taken in together reason=%r", str(error))
            for issue in everything:
                self._take_in_alone(issue)

    def _take_in_alone(self, issue: Issue) -> None:
        for links in (True, False):
            try:
                self.store.write(copies.take_in, [issue], links=links)
                return
            except UsageError as error:
                log.warning("issue not taken in issue=%s reason=%r", issue.remote, str(error))

    def _linked(self, new: dict[str, Issue]) -> list[Issue]:
        """Issues that the new ones refer to and nobody has told us of."""
        found: dict[str, Issue] = {}
        missed: set[str] = set()
        wanted = [name for issue in new.values() for name in _names(issue)]
        while wanted and len(found) < MOST_LINKED:
            name = wanted.pop()
            if name in new or name in found or name in missed:
                continue
            if self.store.read(copies.by_remote, [name]):
                continue
            try:
                found[name] = self.board.issue(name)
            except Refusal:
                missed.add(name)
            else:
                wanted += _names(found[name])
        return list(found.values())

    def _due(
        self, before: Sequence[Copy], issues: dict[str, Issue], moment: float, *, whole: bool
    ) -> list[Copy]:
        """What must be looked at alone: it should be in the list and is not, or is not to do."""
        known = {copy.remote for copy in before}
        over = self.store.read(copies.by_remote, [name for name in issues if name not in known])
        reopened = [copy for copy in over.values() if copy.told != issues[copy.remote].state_name]
        return reopened + [
            copy
            for copy in before
            if copy.remote not in issues
            and not copy.bidding
            and (copy.state is not State.TODO or whole)
            and not 0 <= moment - copy.seen < LOOK_SECONDS
        ]

    def _look_at(self, copy: Copy) -> None:
        before = self.store.read(copies.copy_of, copy.identifier)
        if before is None:
            return
        try:
            issue = self.board.issue(copy.remote)
        except Refusal as error:
            log.warning("server does not show task=%s reason=%r", copy.identifier, str(error))
            self.store.lag(copies.set_told, copy.identifier, before.told)
            return
        self.store.write(following.follow, before, issue)


def _names(issue: Issue) -> list[str]:
    return [*issue.facts.get("depends", ()), *filter(None, [issue.facts.get("parent", "")])]


def _differs(copy: Copy, issue: Issue) -> bool:
    return copy.told != issue.state_name or (
        copy.state is State.TODO
        and (copy.title, copy.priority) != (issue.title, issue.facts.get("priority", copy.priority))
    )
