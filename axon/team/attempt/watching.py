"""Watch one session from outside: a stall is nudged, then interrupted; a circle ends it."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import inf

from axon.core.liveness import Circles, Evidence, Vitals
from axon.core.prompts import render
from axon.engines import Engine, EngineEvent, SessionResult
from axon.errors import EngineFault
from axon.team.allowance import Taking
from axon.team.attempt.assignment import Assignment
from axon.team.environment import allowance
from axon.team.processes import cpu_seconds
from axon.team.workspace import Workspace, fingerprint

LONGEST_LOOK_SECONDS = 20.0  # between two looks at the processes
TURNS_BETWEEN_LOOKS = 5  # at the work: each costs a git status


@dataclass(slots=True)
class Watch:
    """Of one session. `ended()` says it must end; `judged` puts the reason into its result."""

    at: Assignment
    workspace: Workspace
    engine: Engine
    session: str
    changes: bool  # what it looks at; a reviewer or planner never does
    _vitals: Vitals = field(init=False)
    _circles: Circles = field(init=False)
    _events: int = 0
    _look_at: float = 0.0
    _work: str = ""
    _fault: EngineFault | None = None
    _why: str = ""
    _taking: Taking = field(init=False)

    def __post_init__(self) -> None:
        config = self.at.crew.config
        self._vitals = Vitals(60 * config.stall_minutes, time.monotonic())
        room = allowance(self.at.project, self.workspace)
        self._taking = Taking(replace(room, large_bytes=int(config.max_file_mb * 2**20)))
        self._circles = Circles(config.same_errors, config.idle_turns if self.changes else inf)

    def saw(self, event: EngineEvent) -> None:
        self._events += 1
        self._circles.saw(event)
        if self._circles.idle and self._circles.idle % TURNS_BETWEEN_LOOKS == 0:
            work = fingerprint(self.at.project, self.workspace)
            if work != self._work:
                self._work, self._circles.idle = work, 0
        if self._circles.reason and not self._why:
            self._end(EngineFault.TURNS, f"went round in circles: {self._circles.reason}", "circle")

    def tend(self) -> None:
        """Called some ten times a second; looks far less often."""
        if not self._why and (full := self._taking.disk()):
            self._end(EngineFault.CRASHED, full, "disk_full")
        now = time.monotonic()
        stall_seconds = 60 * self.at.crew.config.stall_minutes
        if now < self._look_at or self._why:
            return
        self._look_at = now + min(LONGEST_LOOK_SECONDS, stall_seconds / 10)
        seen = Evidence(
            events=self._events, cpu_seconds=cpu_seconds(os.getpid()), files=self._files()
        )
        step = self._vitals.look(seen, now)
        minutes = f"{stall_seconds / 60:g}"
        if step == "nudge":
            heard = self.engine.say(
                render("nudge_note", self.at.crew.overrides.prompts, minutes=minutes)
            )
            said = "nudged" if heard else "it takes no messages"
            self._record("stall_nudged", f"no sign of life for {minutes} minutes: {said}")
        elif step == "interrupt":
            why = f"no sign of life for {stall_seconds / 60 * 1.5:g} minutes"
            self._end(EngineFault.CRASHED, why, "stall_interrupted")

    def ended(self) -> bool:
        return bool(self._why)

    def judged(self, result: SessionResult) -> SessionResult:
        """Called when all its processes have ended."""
        if self._taking.why and self._taking.blamed:
            names = self.at.project.clone_git(self.workspace.path).names("ls-files", "-z")
            self._taking.clear({self.workspace.path / name for name in names})
        if not self._why or result.fault is None:  # or it has just come to its end by itself
            return result
        return replace(result, fault=self._fault, message=self._why)

    def _end(self, fault: EngineFault, why: str, action: str) -> None:
        self._fault, self._why = fault, self.at.redactor.text(why)
        self._record(action, self._why)

    def _record(self, action: str, why: str) -> None:
        self.at.record(action, why, session=self.session)

    def _files(self) -> tuple[int, ...]:
        """Places that change with most work: the folder, git's index and log, the scratch files."""
        git = self.workspace.path / ".git"
        places = (self.workspace.path, git / "index", git / "logs/HEAD", self.workspace.temporary)
        found = []
        for place in places:
            with suppress(OSError):
                found.append(place.stat().st_mtime_ns)
        return tuple(found)
