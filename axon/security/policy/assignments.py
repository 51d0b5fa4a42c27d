"""Which variables a command may set: none that makes another program run, or bash read others."""

import re

from axon.security.policy.refusal import Refused
from axon.security.policy.values import Arg

_HARMLESS = re.compile(
    r"LANG|LC_[A-Z]+|TZ|CI|TERM|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|CLICOLOR(_FORCE)?"
    r"|PYTHON(DONTWRITEBYTECODE|UNBUFFERED|HASHSEED|WARNINGS|UTF8|IOENCODING|FAULTHANDLER|DEVMODE)"
    r"|NODE_ENV|RUST_BACKTRACE|RUST_LOG|CARGO_TERM_COLOR|DEBUG|VERBOSE|APP_ENV|RAILS_ENV|MIX_ENV"
    r"|GIT_(AUTHOR|COMMITTER)_(NAME|EMAIL|DATE)|GIT_TERMINAL_PROMPT|SOURCE_DATE_EPOCH|V|Q|J"
)
_QUIET = re.compile(r"(GIT_)?PAGER|(GIT_|GIT_SEQUENCE_)?EDITOR|VISUAL|MANPAGER")
_RUNNING = re.compile(
    r"LD_.*|DYLD_.*|BASH.*|ENV|SHELL|SHELLOPTS|PS[0-4]|PROMPT_COMMAND|CDPATH|GLOBIGNORE|FIGNORE"
    r"|HISTFILE|EXECIGNORE|GIT_.*|LESS(OPEN|CLOSE|KEY.*)?|BROWSER|HOME|PWD|OLDPWD|TMPDIR|ZDOTDIR"
    r"|XDG_CONFIG_.*|SSH_.*|RSYNC_RSH|CVS_RSH|TAR_OPTIONS|GREP_OPTIONS|GZIP|UNZIP|ZIPOPT|_"
    r"|ANTHROPIC_.*|CLAUDE_.*|AXON_.*|HG.*|SVN_.*|CURL_HOME|WGETRC|INPUTRC|POSIXLY_CORRECT|IFS"
)
_COMPUTED = frozenset({"RANDOM", "SRANDOM", "OPTIND", "HISTCMD"})
_QUIET_VALUES = frozenset({"cat", "true", ":", ""})


def check_assignment(name: str, value: Arg, *, strict: bool) -> None:
    """Refuse what changes how programs are found, or which."""
    if _HARMLESS.fullmatch(name):
        return
    if _QUIET.fullmatch(name) and value.text in _QUIET_VALUES:
        return
    if name in _COMPUTED:
        if not all(v.isdecimal() for v in value.values):
            raise Refused(f"bash computes what {name} is set to; use another variable")
        return
    if name == "PATH":
        if strict or not all("\ue000" in v for v in value.values):
            raise Refused("PATH is replaced; name a program by its path instead")
        return
    if _RUNNING.fullmatch(name) or _QUIET.fullmatch(name):
        raise Refused(f"{name} decides what other programs do; leave it as it is")
    if strict and not (name == "PYTHONPATH" and value.text is not None):
        raise Refused(f"strict: {name} is not among the variables a command may set")
