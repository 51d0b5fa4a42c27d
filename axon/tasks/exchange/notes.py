"""What an import could not take over, gathered so that each kind is told in one line."""

from collections import Counter
from dataclasses import field

from axon.facts import dataclass
from axon.tasks.text import shortened

MOST_KINDS = 40


@dataclass(slots=True)
class Notes:
    """Kinds, in the order they were met, with how many tasks each concerns."""

    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, count: int = 1) -> None:
        self.kinds[shortened(kind, 200)] += count

    def lost(self, field_name: str) -> None:
        """A field of the other tool that a task has no place for."""
        self.add(f"not taken over: {field_name}")

    def lines(self) -> list[str]:
        told = [
            f"{kind} ({count:,} task{'' if count == 1 else 's'})" if count else kind
            for kind, count in list(self.kinds.items())[:MOST_KINDS]
        ]
        if (more := len(self.kinds) - MOST_KINDS) > 0:
            told.append(f"… and {more:,} more kinds that were not taken over")
        return told
