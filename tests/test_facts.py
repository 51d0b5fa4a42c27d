"""What is declared faster is declared the same: held against the standard library's dataclasses."""

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field, replace
from typing import Any

import pytest

from axon import facts


@facts.dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Ours."""

    name: str
    labels: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)
    seen: float = field(default=0.0, compare=False)
    inner: "Fact | None" = None


@facts.dataclass(frozen=True, slots=True, kw_only=True)
class More(Fact):
    more: int = 0


@facts.dataclass(slots=True)
class Open:
    count: int = 0

    def __repr__(self) -> str:
        return f"{self.count} of them"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """As the standard library declares it."""

    name: str
    labels: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)
    seen: float = field(default=0.0, compare=False)
    inner: "Standard | None" = None


def both(**given: Any) -> tuple[Fact, Standard]:
    return Fact(**given), Standard(**given)


def test_it_is_shown_as_the_standard_one_is() -> None:
    ours, theirs = both(name="a", labels=("x",), secret="hidden", seen=2.5)
    assert repr(ours) == repr(theirs).replace("Standard", "Fact")
    assert "hidden" not in repr(Fact(name="b", inner=ours))
    assert repr(Open(count=2)) == "2 of them"


@pytest.mark.parametrize(
    "change", [{}, {"name": "b"}, {"labels": ("y",)}, {"secret": "s"}, {"seen": 1.0}]
)
def test_it_compares_as_the_standard_one_does(change: dict[str, Any]) -> None:
    ours, theirs = both(name="a")
    assert (ours == replace(ours, **change)) is (theirs == replace(theirs, **change))
    assert (len({ours, replace(ours, **change)}) == 1) is (theirs == replace(theirs, **change))


def test_only_the_same_kind_is_equal() -> None:
    assert Fact(name="a") != More(name="a") and More(name="a") != Fact(name="a")
    assert More(name="a", more=1) != More(name="a")
    assert Fact(name="a").__eq__("a") is NotImplemented
    assert Open() == Open() != Open(count=1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Open())


def test_it_is_frozen_and_travels() -> None:
    fact = More(name="a", inner=Fact(name="b"), more=3)
    with pytest.raises(FrozenInstanceError):
        fact.name = "b"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(fact)) == copy.deepcopy(fact) == fact
    assert dataclasses.asdict(fact)["inner"]["name"] == "b"
    assert not hasattr(fact, "__dict__")
    match fact:
        case More(name=name, more=more):
            assert (name, more) == ("a", 3)
