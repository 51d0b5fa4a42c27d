"""Small functions that each look at one thing this configuration needs, and say how it is."""

from axon.monitoring.health.check import (
    Check,
    CheckState,
    Probe,
    failed,
    good,
    look_all,
    looked,
    skipped,
    warned,
)

__all__ = [
    "Check",
    "CheckState",
    "Probe",
    "failed",
    "good",
    "look_all",
    "looked",
    "skipped",
    "warned",
]
