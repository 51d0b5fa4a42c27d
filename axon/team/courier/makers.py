"""Which errands a configuration asks for; a service more is a maker more."""

from collections.abc import Callable, Sequence

from axon.integrations.errand import Errand, Office
from axon.integrations.github import uses_github

# Cheap, and without a word to anybody: the coordinator asks them whether a courier is needed.
Maker = Callable[[Office], Sequence[Errand]]


def github(office: Office) -> Sequence[Errand]:
    if not uses_github(office.config):
        return ()
    from axon.team.github.errand import GitHubErrand  # runs without it need none of that

    return [GitHubErrand(office)]


MAKERS: tuple[Maker, ...] = (github,)


def errands_of(office: Office) -> list[Errand]:
    return [errand for make in MAKERS for errand in make(office)]
