"""Which issue a task was made from; only what axon itself has recorded counts."""

from axon.integrations.github.client import GitHub
from axon.ledger import Ledger
from axon.team.github.standing import ACTOR, ENOUGH

TAKEN = "issue_taken"


def links(ledger: Ledger, github: GitHub) -> dict[int, str]:
    """Issue numbers of the repository, and the tasks made from them; also of deleted tasks."""
    found = ledger.latest(action=TAKEN, actor=ACTOR, limit=ENOUGH)
    return {
        event.data["number"]: event.identifier
        for event in found
        if event.data.get("repo") == github.place.full and isinstance(event.data.get("number"), int)
    }


def issue_of(ledger: Ledger, github: GitHub, identifier: str) -> int:
    """0 when it was made from none."""
    found = ledger.latest(identifier=identifier, action=TAKEN, actor=ACTOR, limit=1)
    mine = [event for event in found if event.data.get("repo") == github.place.full]
    return int(mine[-1].data.get("number", 0)) if mine else 0
