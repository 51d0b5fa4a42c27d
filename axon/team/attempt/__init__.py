"""One attempt at one task: prepare, let the agent work, keep what it did, judge, hand on."""

from axon.team.attempt.assignment import Assignment, crowded, may_claim, soon, spent
from axon.team.attempt.flow import Attempt

__all__ = ["Assignment", "Attempt", "crowded", "may_claim", "soon", "spent"]
