"""Every error a person may cause or meet: the message says what is wrong; what to do."""

from enum import StrEnum


class AxonError(Exception):
    """Something a person can act on. `exit_code` is the command's (DESIGN: exit codes)."""

    exit_code = 1
    code = "error"


class UsageError(AxonError):
    """The request or the configuration is wrong; nothing was changed."""

    exit_code = 2
    code = "usage"


class NotFound(AxonError):
    exit_code = 3
    code = "not_found"


class Forbidden(AxonError):
    """The state of things forbids it."""

    exit_code = 4
    code = "forbidden"


class BadMove(Forbidden):
    """The task's state has no such move."""

    code = "bad_move"


class StaleClaim(Forbidden):
    """The claim was lost meanwhile: another holder has the task, or nobody."""

    code = "stale_claim"


class Conflict(Forbidden):
    """Somebody else changed it since it was looked at."""

    code = "conflict"


class EngineFault(StrEnum):
    """Why a session ended without a result; decided from structured fields only."""

    AUTH = "auth"
    QUOTA = "quota"
    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    NETWORK = "network"
    CONTEXT = "context"
    BUDGET = "budget"
    TURNS = "turns"
    REFUSED = "refused"
    CRASHED = "crashed"
    BUG = "bug"


class EngineError(AxonError):
    """The agent engine cannot work: SDK, CLI, login, quota."""

    exit_code = 5
    code = "engine"

    def __init__(self, message: str, fault: EngineFault = EngineFault.BUG) -> None:
        super().__init__(message)
        self.fault = fault


class LedgerError(AxonError):
    """The ledger cannot be read or written; nothing was lost."""

    exit_code = 6
    code = "ledger"
