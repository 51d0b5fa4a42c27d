"""Which errands a configuration asks for; a service more is a maker more."""

from collections.abc import Callable, Sequence

from axon.config import Config
from axon.errors import UsageError
from axon.integrations.errand import Errand, Office
from axon.integrations.github import uses_github

# Cheap, and without a word to anybody: the coordinator asks them whether a courier is needed.
# What an errand needs is imported only where it is wanted.
Maker = Callable[[Office], Sequence[Errand]]


def telling(office: Office) -> Sequence[Errand]:
    if not tells(office.config):
        return ()
    from axon.team.courier.telling import tellings

    return tellings(office)


def listening(office: Office) -> Sequence[Errand]:
    if not office.config.telegram_token:
        return ()
    from axon.team.courier.listening import listenings

    return listenings(office)


def github(office: Office) -> Sequence[Errand]:
    if not uses_github(office.config):
        return ()
    from axon.team.github.errand import GitHubErrand

    return [GitHubErrand(office)]


def tells(config: Config) -> bool:
    """Whether anybody is told what happens."""
    return bool(config.telegram_token or config.notify)


MAKERS: tuple[Maker, ...] = (telling, listening, github)


def errands_of(office: Office, say: Callable[[str], None]) -> list[Errand]:
    """A wrong setting of one service takes none of the others along; `say` tells of it."""
    found: list[Errand] = []
    for make in MAKERS:
        try:
            found += make(office)
        except UsageError as error:
            say(f"{error}; the run does without that")
    return found
