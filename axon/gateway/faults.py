"""Tell from an upstream's error what to do about it."""

import json
from dataclasses import dataclass
from typing import Literal

from axon.errors import EngineFault
from axon.gateway.replay import MISMATCH
from axon.gateway.wire import Answer, header

# The API tells these as `invalid_request_error`, without any other mark than the text.
CREDIT_TEXTS = (
    "your credit balance is too low",
    "you have reached your specified api usage limits",
    "you have reached your specified workspace api usage limits",
)
SPENT_CODES = ("enforced_spend_limit_reached", "contract_spend_limit_reached")
CUSTOMARY = {
    "auth": "check ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN and ANTHROPIC_BASE_URL",
    "quota": "add credit or raise the spend limit of the account, then start again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`pass`: the child's own business. `hold`: wait with everybody. `retry`: try again soon.
    `stop`: nobody's request can succeed. `fail`: this one cannot."""

    action: Literal["pass", "hold", "retry", "stop", "fail"]
    fault: EngineFault | None = None
    reason: str = ""


def judge(answer: Answer) -> Verdict:
    """What an answer with a status of 300 or more means."""
    status = answer.status
    kind, message, code = error_of(answer)
    said = f"{status}{': ' + message if message else ''}"
    if kind == MISMATCH:
        return Verdict(action="stop", fault=EngineFault.BUG, reason=message)
    if status in (401, 403):
        reason = f"the model endpoint refused the credentials ({said}); {CUSTOMARY['auth']}"
        return Verdict(action="stop", fault=EngineFault.AUTH, reason=reason)
    if status == 402 or kind == "billing_error" or code in SPENT_CODES or _no_credit(answer):
        reason = f"the account may not spend more ({said}); {CUSTOMARY['quota']}"
        return Verdict(action="stop", fault=EngineFault.QUOTA, reason=reason)
    if status == 429:
        return Verdict(action="hold", fault=EngineFault.RATE_LIMIT, reason=f"rate limit ({said})")
    if status == 529:
        return Verdict(action="hold", fault=EngineFault.OVERLOADED, reason=f"overloaded ({said})")
    if status in (500, 502, 503, 504):
        return Verdict(action="retry", fault=EngineFault.OVERLOADED, reason=f"failing ({said})")
    if status < 400 and status != 304:
        there = header(answer.headers, "location")
        reason = f"the model endpoint redirects to {there}; set ANTHROPIC_BASE_URL to that"
        return Verdict(action="fail", fault=EngineFault.NETWORK, reason=reason)
    return Verdict(action="pass")


def error_of(answer: Answer) -> tuple[str, str, str]:
    """Type, message and code of an error as the Messages API tells it; "" for what is missing."""
    try:
        document = json.loads(answer.body)
        error = document["error"]
        details = error.get("details")
        code = details.get("error_code") if isinstance(details, dict) else ""
        return str(error.get("type") or ""), str(error.get("message") or "")[:2000], str(code or "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", "", ""


def _no_credit(answer: Answer) -> bool:
    message = error_of(answer)[1].lower()
    return answer.status == 400 and message.startswith(CREDIT_TEXTS)
