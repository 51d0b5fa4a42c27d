"""Why a session of Claude Code ended, read from structured fields only."""

from axon.errors import EngineFault

_BY_REASON = {
    "prompt_too_long": EngineFault.CONTEXT,
    "max_turns": EngineFault.TURNS,
    "budget_exhausted": EngineFault.BUDGET,
    "hook_stopped": EngineFault.REFUSED,
    "image_error": EngineFault.CRASHED,
    "structured_output_retry_exhausted": EngineFault.CRASHED,
    "aborted_streaming": EngineFault.CRASHED,
    "aborted_tools": EngineFault.CRASHED,
}
_BY_ERROR = {
    "authentication_failed": EngineFault.AUTH,
    "billing_error": EngineFault.QUOTA,
    "rate_limit": EngineFault.RATE_LIMIT,
    "model_not_found": EngineFault.BUG,
    "server_error": EngineFault.OVERLOADED,
}
_BY_STATUS = {
    401: EngineFault.AUTH,
    402: EngineFault.QUOTA,
    403: EngineFault.AUTH,
    404: EngineFault.BUG,
    413: EngineFault.CONTEXT,
    429: EngineFault.RATE_LIMIT,
}


def fault_of(
    *, is_error: bool, terminal_reason: str | None, status: int | None, error: str | None
) -> EngineFault | None:
    """The fault of a ResultMessage; None when the agent finished by itself.

    `status` is `api_error_status`, `error` the last AssistantMessage's `error`. `subtype` says
    "success" for failures of the API too, so it is not asked.
    """
    if terminal_reason in _BY_REASON:
        return _BY_REASON[terminal_reason]
    if not is_error:
        return None
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if error in _BY_ERROR:
        return _BY_ERROR[error]
    if status is not None:
        return EngineFault.OVERLOADED if status >= 500 else EngineFault.BUG
    return EngineFault.NETWORK if terminal_reason == "api_error" else EngineFault.CRASHED
