"""The one way the policy says no: a reason that lets the agent find another way."""


class Refused(Exception):
    """Why a command may not run; the message is for the agent that asked."""
