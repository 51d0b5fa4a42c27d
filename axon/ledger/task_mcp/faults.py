"""What can go wrong with a task server: it is away, or it says no."""

from axon.errors import Forbidden, LedgerError


class Unreachable(LedgerError):
    """It does not answer, or not as a task server does."""


class Refusal(Forbidden):
    """It did not do what a tool was asked for, and said why."""

    code = "refused"
