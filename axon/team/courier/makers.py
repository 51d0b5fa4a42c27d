"""Which errands a configuration asks for; a service more is a maker more."""

from collections.abc import Callable, Sequence

from axon.integrations.errand import Errand, Office

# Cheap, and without a word to anybody: the coordinator asks them whether a courier is needed.
Maker = Callable[[Office], Sequence[Errand]]
MAKERS: tuple[Maker, ...] = ()


def errands_of(office: Office) -> list[Errand]:
    return [errand for make in MAKERS for errand in make(office)]
