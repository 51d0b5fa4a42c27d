"""Who may have an issue, on a server that cannot compare-and-swap: decided by its comments.

Whoever wants an issue leaves a bid, which is a comment with a name of its own, and reads the
comments back. The earliest bid that still counts wins, for comments are only ever appended: who
finds itself first stays first, and who comes later sees who was before. A bid ends by a comment
of its holder, or of another one when it has stood beside an issue to do for BID_SECONDS: then its
holder died.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from enum import StrEnum

from axon.facts import dataclass
from axon.ledger.task_mcp.board import Board
from axon.ledger.task_mcp.faults import Refusal
from axon.ledger.task_mcp.issues import Issue, Said
from axon.tasks import State

BID_SECONDS = 60.0
ELECTION_SECONDS = 20.0  # ours must be over long before others think that we have died
WORD = re.compile(r"\baxon (claim|release) ([0-9a-f]{32})\b")


def bid_text(nonce: str, who: str) -> str:
    return f"axon claim {nonce} ({who})"


def release_text(nonce: str, why: str) -> str:
    return f"axon release {nonce}: {why}"


class Verdict(StrEnum):
    WON = "won"
    LOST = "lost"  # somebody else has it, or will
    REFUSED = "refused"  # the server, or somebody outside, does not let it be started


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    verdict: Verdict
    why: str
    issue: Issue | None = None  # as last seen


def bids(comments: Sequence[Said]) -> list[str]:
    """Names of the bids that were not ended, in the order of `comments`."""
    found = [word for said in comments if (word := WORD.search(said.body))]
    ended = {word[2] for word in found if word[1] == "release"}
    made = dict.fromkeys(word[2] for word in found if word[1] == "claim")
    return [nonce for nonce in made if nonce not in ended]


def newest_first(before: Sequence[Said], after: Sequence[Said]) -> bool | None:
    """How a server lists comments, by the same list before and after some were added. Clocks are
    not asked: one that steps back would let two claimers win."""
    old, new = [said.body for said in before], [said.body for said in after]
    starts, ends = new[: len(old)] == old, new[len(new) - len(old) :] == old
    return None if starts == ends else ends


@dataclass(slots=True)
class Election:
    """Bids of one process. It remembers the bids of others and since when it sees them."""

    board: Board
    newest_first: bool | None = None  # how the server lists comments; learned at the first bid
    learned: Callable[[bool], None] = lambda newest_first: None
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, float] = field(default_factory=dict)

    def stand(self, remote: str, nonce: str, who: str) -> Outcome:
        """Try to get the issue. Only WON is a claim; in all other cases our bid has been ended.

        Unreachable: the server is gone; `settle` ends the bid later.
        """
        ends = self.clock() + ELECTION_SECONDS
        look = self.board.issue(remote)
        if look.state is not State.TODO:
            return Outcome(verdict=Verdict.LOST, why=f"it is {look.state_name}", issue=look)
        if rivals := self._rivals(look):
            return Outcome(verdict=Verdict.LOST, why=f"bid {rivals[0][:8]} is open", issue=look)
        self.board.comment(remote, bid_text(nonce, who))
        first = self._learn(look, self.board.issue(remote), nonce)
        reason = self._lost(first, nonce)
        if not reason and first.state is not State.TODO:
            reason = f"it is {first.state_name}"
        if reason:
            return self._withdraw(remote, nonce, reason)
        try:
            self.board.move(remote, State.IN_PROGRESS)
        except Refusal as error:
            refused = self._withdraw(remote, nonce, "the server refuses")
            return replace(refused, verdict=Verdict.REFUSED, why=str(error))
        last = self.board.issue(remote)
        reason = self._lost(last, nonce)
        if not reason and self.clock() > ends:
            reason = "it took too long"
        if reason:
            return self._withdraw(remote, nonce, reason, moved=True)
        return Outcome(verdict=Verdict.WON, why="", issue=last)

    def settle(self, remote: str, nonce: str, why: str) -> None:
        """End a bid whose outcome nobody waits for any more; give back what it may have won."""
        issue = self.board.issue(remote)
        self._withdraw(remote, nonce, why, moved=not self._lost(issue, nonce))

    def _withdraw(self, remote: str, nonce: str, why: str, *, moved: bool = False) -> Outcome:
        """`moved`: we marked it as taken. If nobody is left who could have it, it is to do."""
        self.board.comment(remote, release_text(nonce, why))
        after = self.board.issue(remote)
        if moved and after.state is State.IN_PROGRESS and not bids(after.comments):
            self.board.move(remote, State.TODO)
            after = self.board.issue(remote)
        return Outcome(verdict=Verdict.LOST, why=why, issue=after)

    def _rivals(self, look: Issue) -> list[str]:
        """Bids that may still win. Those that had their time are ended, for all to see."""
        now = self.clock()
        self._seen = {bid: t for bid, t in self._seen.items() if now - t < 10 * BID_SECONDS}
        rivals = []
        for bid in bids(look.comments):
            if now - self._seen.setdefault(bid, now) > BID_SECONDS:
                self.board.comment(look.remote, release_text(bid, "nobody has followed it up"))
            else:
                rivals.append(bid)
        return rivals

    def _learn(self, look: Issue, issue: Issue, nonce: str) -> Issue:
        """See to it that we know the order of comments: if need be by one more of our own."""
        if self.newest_first is not None:
            return issue
        self.newest_first = newest_first(look.comments, issue.comments)
        if self.newest_first is None:
            self.board.comment(look.remote, f"axon note {nonce} (its place tells the order)")
            issue = self.board.issue(look.remote)
            ours = [said.body[:10] for said in issue.comments if nonce in said.body]
            if len(set(ours)) == 2:
                self.newest_first = ours[0] == "axon note "
        if self.newest_first is not None:
            self.learned(self.newest_first)
        return issue

    def _lost(self, issue: Issue, nonce: str) -> str:
        """Why our bid has not won, by what the comments say; empty when it has."""
        found = issue.comments[::-1] if self.newest_first else issue.comments
        standing = bids(found)
        first = standing[0] if standing else ""
        if self.newest_first is None and standing != [nonce]:
            return "the server does not tell the order of comments"
        if first == nonce:
            return ""
        return f"bid {first[:8]} was first" if first else "the server does not show our bid"
