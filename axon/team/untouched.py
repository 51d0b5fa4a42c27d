"""Try the gate on the untouched target: one that is red there would fail every task."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

from axon.config import Config
from axon.core.terminal import one_line
from axon.errors import AxonError, Forbidden
from axon.security.secrets import Redactor, secrets_of
from axon.team.environment import own_environment, without_secrets
from axon.team.landing.lander import NAME
from axon.team.landing.merge import Interrupted, Refused, gate_log, judge, scratch_at
from axon.team.project import Project, hold
from axon.team.workspace.place import drop_temporary, read_state, write_state

SHOWN_LINES = 20  # of what a red gate printed
STATE = "untouched"


def try_gate(config: Config, project: Project, say: Callable[[str], None]) -> None:
    """See _try_gate; the gate sees nothing of `config` that is a secret."""
    safe = without_secrets(config, own_environment(config))
    _try_gate(replace(project, config=safe), Redactor(secrets_of(config.environ)), say)


def _try_gate(project: Project, redactor: Redactor, say: Callable[[str], None]) -> None:
    """Forbidden when the project's gate is red on the branch that work starts from.

    What was green is remembered by commit and command; while another run lands, its gate is
    trusted to have been tried.
    """
    config, project = project.config, replace(project, redactor=redactor)
    branch, tip = project.base()
    asked = "\0".join((tip, config.gate, config.setup))
    known = {"green": hashlib.sha256(asked.encode("utf-8", "surrogateescape")).hexdigest()}
    if read_state(project, STATE) == known:
        return
    try:
        with hold(project, NAME):
            say(f"trying the gate on {branch}: {config.gate}")
            scratch, _ = scratch_at(project, tip)
            found = judge(project, scratch, config.gate, None)
            gate_log(project).unlink(missing_ok=True)  # as it came: it may hold secrets
            drop_temporary(project, NAME)
    except Forbidden:
        return
    if isinstance(found, Interrupted):
        raise AxonError(f"the gate was not tried: {found.why}; start again")
    if isinstance(found, Refused):
        for line in redactor.text(found.feedback).strip().splitlines()[-SHOWN_LINES:]:
            say(f"  {one_line(line)}")
        why = found.why.replace("on the merge", f"on {branch}, which no agent has touched", 1)
        raise Forbidden(f"{redactor.text(why)}; mend {branch}, or start with --allow-red")
    write_state(project, STATE, known)
