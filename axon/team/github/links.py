"""Which issue a task was made from; only what axon itself has recorded counts."""

from axon.integrations.github.client import GitHub
from axon.ledger import Ledger
from axon.team.github.standing import ACTOR

TAKEN = "issue_taken"


def _prefix(github: GitHub) -> str:
    return f"github.issue:{github.place.full}#"


def link(ledger: Ledger, github: GitHub, number: int, identifier: str) -> None:
    ledger.set_bookmark(f"{_prefix(github)}{number}", identifier)


def links(ledger: Ledger, github: GitHub) -> dict[int, str]:
    """Issue numbers of the repository, and the tasks made from them; also of deleted tasks."""
    prefix = _prefix(github)
    found = ledger.bookmarks(prefix).items()
    numbers = ((name.removeprefix(prefix), identifier) for name, identifier in found)
    return {int(number): identifier for number, identifier in numbers if number.isdigit()}


def issue_of(ledger: Ledger, github: GitHub, identifier: str) -> int:
    """0 when it was made from none."""
    found = ledger.latest(identifier=identifier, action=TAKEN, actor=ACTOR, limit=1)
    mine = [event for event in found if event.data.get("repo") == github.place.full]
    return int(mine[-1].data.get("number", 0)) if mine else 0
