"""What can go wrong with GitHub, as one line each that says what to do."""

import json
import re
from collections.abc import Callable, Mapping

from axon.errors import AxonError
from axon.integrations.exchange import Reply

_HTML = re.compile(rb"^\s*<", re.ASCII)


class GitHubError(AxonError):
    """GitHub refused, or could not be asked. `passing`: trying again later may help."""

    code = "github"

    def __init__(
        self, message: str, *, status: int = 0, passing: bool = False, wait: float = 0.0
    ) -> None:
        super().__init__(message)
        self.status = status  # 0: no answer came
        self.passing = passing
        self.wait = wait  # seconds until it may be asked again, when it said so


def refusal(what: str, answer: Reply, clean: Callable[[str], str]) -> GitHubError:
    """The error that an answer of 4xx or 5xx means. `what`: "GET /repos/o/r/pulls".

    `clean`: takes secrets out of what GitHub says.
    """
    status, said = answer.status, clean(said_by(answer))
    told = f"GitHub answers {status} to {what}{f' ({said})' if said else ''}"
    advice = {
        401: "GITHUB_TOKEN is wrong, expired or revoked; make a new one",
        403: f"the token lacks a permission{_needed(answer.headers)}; see the README for what it "
        "needs, and authorise it for the organisation if that asks for SSO",
        404: "the repository or item is not there, or the token cannot see it; check GITHUB_REPO "
        "and which repositories the token is for",
        409: "somebody else has just changed it; try again",
        410: "it has been deleted, or issues are switched off in the repository",
        422: "GitHub does not accept it as it is; the reason stands in brackets",
        451: "it is not available for legal reasons; ask the owner of the repository",
    }
    passing = status >= 500 or status in (408, 409)
    otherwise = (
        "it is out of order; try again later" if passing else "see that GITHUB_REPO is right"
    )
    return GitHubError(f"{told}: {advice.get(status, otherwise)}", status=status, passing=passing)


def said_by(answer: Reply) -> str:
    """GitHub's own words on one line; nothing of a page in HTML."""
    if _HTML.match(answer.body[:200]):
        return "a page of HTML"
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(document, dict):
        return ""
    words = [str(document.get("message", ""))]
    errors = document.get("errors")
    for error in errors[:3] if isinstance(errors, list) else []:
        if isinstance(error, dict):
            parts = (error.get(name) for name in ("resource", "field", "code", "message"))
            words.append(" ".join(str(part) for part in parts if part))
        else:
            words.append(str(error))
    return " ".join("; ".join(word for word in words if word).split())[:300]


def _needed(headers: Mapping[str, str]) -> str:
    """What GitHub says the token would have to have."""
    fine = headers.get("x-accepted-github-permissions", "")
    classic = headers.get("x-accepted-oauth-scopes", "")
    wanted = fine or classic
    return f" (it accepts {wanted[:100]})" if wanted.isprintable() and wanted else ""
