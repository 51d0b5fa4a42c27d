"""Decide on a shell command before it runs: parsed as bash would, and handed back re-quoted."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from axon.security.paths import Places
from axon.security.policy.judging import Profile, Step, judge_of
from axon.security.policy.reading import parse
from axon.security.policy.refusal import Refused
from axon.security.policy.rendering import render

__all__ = ["Policy", "Profile", "Refused", "Step", "Verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`command` is what may run instead of what was asked: bash sees literals in it."""

    allowed: bool
    reason: str
    command: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the commands of one session are held against."""

    profile: Profile
    places: Places
    commands: tuple[str, ...] = ()  # of the project, beside those that are known
    environment: Mapping[str, str] = field(default_factory=dict)

    def check(self, command: str, folder: str = "") -> Verdict:
        """The verdict on `command`, run in `folder`; never raises."""
        steps: list[Step] = []
        try:
            folder = os.path.realpath(folder or self.places.workspace)
            script = parse(command)
            known = {
                "HOME": str(self.places.home),
                "TMPDIR": str(self.places.temporary),
                "PWD": folder,
            }
            judge = judge_of(self.profile, self.places, self.commands, script, folder, known)
            steps = judge.steps
            judged = judge.script(script)
            return Verdict(
                allowed=True,
                reason="; ".join(dict.fromkeys(step.why for step in steps)) or "nothing runs",
                command=render(judged),
                steps=tuple(steps),
            )
        except Refused as refusal:
            return Verdict(allowed=False, reason=str(refusal), steps=tuple(steps))
        except RecursionError:
            reason = "the command is nested too deeply; run it in steps"
        except Exception as error:  # whatever goes wrong here, the command does not run
            reason = (
                f"the policy could not follow the command ({type(error).__name__}); simplify it"
            )
        return Verdict(allowed=False, reason=reason, steps=tuple(steps))
