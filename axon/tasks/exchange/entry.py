"""One task as a file tells of it, before the names in it are resolved."""

import difflib
import re
from collections.abc import Callable
from dataclasses import field
from typing import Any

from axon.errors import UsageError
from axon.facts import dataclass
from axon.tasks import State, Task, task_view
from axon.tasks.fields import CHECKS, FACTS, fact, fact_of_text, value, value_of_text
from axon.tasks.text import shortened

IDENTIFIER = re.compile(r"([A-Z0-9]{1,20})-([1-9]\d{0,8})", re.IGNORECASE)
NAMING = ("key", "id")
OWN = ("identifier", "state", "comments")
# What is printed of a task, but can be true in its own ledger only.
PASSED_OVER = (
    (task_view(Task(identifier="", title="")).keys() | {"sessions", "events", "waiting", "cost"})
    - CHECKS.keys()
    - FACTS.keys()
    - set(OWN)
)
# An empty one says nothing; any other field is cleared by it.
NEVER_EMPTY = frozenset({"title", "priority", "type", "team", "key", "depends"})
# What is kept as it is read.
PLAIN = CHECKS.keys() - {"title", "description", "depends", "key"}


@dataclass(slots=True, kw_only=True)
class Entry:
    """`values` are those of a Draft, `facts` of a Task; `given` all that the file names."""

    where: str  # "line 7"
    title: str
    description: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    given: list[str] = field(default_factory=list)
    identifier: str = ""
    state: State | None = None
    comments: list[tuple[float, str, str]] = field(default_factory=list)
    parent: "Entry | None" = None  # that it is nested in
    done: bool = False  # ticked off
    number: int = -1  # in the file, once that is known
    origin: str = ""  # what it is called in the tool it comes from

    def put(self, name: str, raw: Any) -> None:
        """Take what JSON has. UsageError: no such field, or no value for it."""
        if name in PLAIN and raw is not None:  # most are, and a file has a million
            self.values[name] = CHECKS[name](name, raw)
            self.given.append(name)
        else:
            self._put(name, raw, value, fact)

    def put_text(self, name: str, text: str) -> None:
        """Take what a cell or an attribute has."""
        self._put(name, text or None, value_of_text, fact_of_text)

    def _put(
        self,
        key: str,
        raw: Any,
        to_value: Callable[[str, Any], Any],
        to_fact: Callable[[str, Any], Any],
    ) -> None:
        name = "key" if key in NAMING else key
        if raw is None:
            if name in CHECKS and name not in NEVER_EMPTY:
                self.given.append(name)
        elif name == "identifier":
            self._identify(to_value("key", raw))
        elif name == "state":
            self.state = state_named(to_value("key", raw))
        elif name == "comments":
            self.comments += to_fact(name, raw)
        elif name in FACTS:
            self.facts[name] = to_fact(name, raw)
        elif name in CHECKS:
            if name == "key" and name in self.values:
                return
            self._keep(name, to_value(name, raw))
        elif name not in PASSED_OVER:
            raise unknown(key)

    def _keep(self, name: str, found: Any) -> None:
        self.given.append(name)
        if name == "title":
            self.title = found
        elif name == "description":
            self.description = found
        elif name == "depends":
            self.values[name] = [(self.where, [one]) for one in found]
        else:
            self.values[name] = found

    def _identify(self, name: str) -> None:
        """An identifier of other systems is a name within the file."""
        if found := IDENTIFIER.fullmatch(name):
            self.identifier = found[0].upper()
        else:
            self.values.setdefault("key", name)


def known_names() -> set[str]:
    """Every name a file may use."""
    return CHECKS.keys() | FACTS.keys() | set(OWN) | set(NAMING) | PASSED_OVER


def unknown(key: str) -> UsageError:
    near = difflib.get_close_matches(key, [*CHECKS, *FACTS, *OWN, "id"], 1, 0.4)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(CHECKS)}"
    return UsageError(f"unknown key {shortened(key, 60)!r}; {hint}")


def state_named(name: str) -> State:
    """By the name of programs or that of people: in_progress, In Progress, cancelled."""
    plain = name.strip().lower().replace(" ", "_").replace("-", "_")
    try:
        return State("canceled" if plain == "cancelled" else plain)
    except ValueError:
        raise UsageError(f"unknown state {name!r}; use one of {', '.join(State)}") from None
