"""`@dataclass` as the standard library has it, for what every command reads before all else.

The standard one writes and compiles six methods for each class: a quarter of what it took a
command to start. Three of them need not be compiled, for they only go through the fields.
"""

import dataclasses
from functools import cache
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(**said: bool) -> Any:
        """Takes what the standard one takes, and answers a class that does the same."""
        shared = {"__repr__": _repr} if said.get("repr", True) else {}
        if said.get("eq", True):
            shared |= {"__eq__": _eq, "__hash__": _hash if said.get("frozen") else None}

        def declared(cls: type) -> type:
            for name in shared.keys() - vars(cls).keys():
                setattr(cls, name, shared[name])
            return dataclasses.dataclass(cls, **(said | {"repr": False, "eq": False}))

        return declared


@cache
def _names(cls: Any, purpose: str) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls) if getattr(field, purpose))


def _values(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in _names(self.__class__, "compare"))


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{name}={getattr(self, name)!r}" for name in _names(self.__class__, "repr"))
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _eq(self: Any, other: object) -> bool:
    return _values(self) == _values(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))
