"""What a check answers, and many of them at once: one that hangs or fails hides no other."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from axon.errors import AxonError

log = logging.getLogger(__name__)

SECONDS = 15.0


class CheckState(StrEnum):
    OK = "ok"
    WARN = "warn"  # works, but not as well or as safely as it should
    FAIL = "fail"  # a run could not work
    SKIPPED = "skipped"  # this configuration has no use for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How one thing is: why, and what to do."""

    name: str
    state: CheckState
    reason: str
    fix: str = ""
    seconds: float | None = None

    @property
    def view(self) -> dict[str, Any]:
        """The stable JSON form."""
        return {
            "name": self.name,
            "state": self.state.value,
            "reason": self.reason,
            "fix": self.fix or None,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
        }


def good(name: str, reason: str) -> Check:
    return Check(name=name, state=CheckState.OK, reason=reason)


def warned(name: str, reason: str, fix: str = "") -> Check:
    return Check(name=name, state=CheckState.WARN, reason=reason, fix=fix)


def failed(name: str, reason: str, fix: str = "") -> Check:
    return Check(name=name, state=CheckState.FAIL, reason=reason, fix=fix)


def skipped(name: str, reason: str) -> Check:
    return Check(name=name, state=CheckState.SKIPPED, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A check to be made. `look` may raise an AxonError: that is a failure, and says the fix."""

    name: str
    look: Callable[[], Check]
    seconds: float = SECONDS  # it has at most so long


def looked(probe: Probe) -> Check:
    """The answer of one probe, whatever happens in it."""
    began = time.monotonic()
    try:
        found = probe.look()
    except AxonError as error:
        reason, _, fix = str(error).partition("; ")
        found = failed(probe.name, reason, fix)
    except OSError as error:
        found = failed(probe.name, f"cannot be looked at: {error.strerror or error}")
    except Exception as error:  # a bug in one check must not hide the others
        log.exception("check failed name=%s", probe.name)
        found = failed(probe.name, f"the check itself failed: {type(error).__name__}: {error}")
    return replace(found, name=probe.name, seconds=time.monotonic() - began)


def look_all(
    probes: Sequence[Probe], told: Callable[[Check], None] = lambda check: None
) -> list[Check]:
    """All at the same time; the answers in the order of the probes.

    `told` hears each as soon as it and those before it are known. What takes too long is a
    failure, and is left behind: its thread ends with the process.
    """
    answers: queue.SimpleQueue[tuple[int, Check]] = queue.SimpleQueue()

    def answer(number: int, probe: Probe) -> None:
        answers.put((number, looked(probe)))

    began = time.monotonic()
    for number, probe in enumerate(probes):
        name = f"check-{probe.name}"
        threading.Thread(target=answer, args=(number, probe), name=name, daemon=True).start()
    found: dict[int, Check] = {}
    for number, probe in enumerate(probes):
        while number not in found:
            left = began + probe.seconds - time.monotonic()
            try:
                which, check = answers.get(timeout=max(0.0, left))
            except queue.Empty:
                which, check = number, _late(probe)
            found.setdefault(which, check)
        told(found[number])
    return [found[number] for number in range(len(probes))]


def _late(probe: Probe) -> Check:
    return Check(
        name=probe.name,
        state=CheckState.FAIL,
        reason=f"no answer within {probe.seconds:g} s",
        seconds=probe.seconds,
    )
