"""Containment of everything an agent or a project's own command does."""

from axon.security.sandbox.bounds import Place
from axon.security.sandbox.contained import UNCONTAINED, Contained, Sandbox
from axon.security.sandbox.describing import Containment, describe
from axon.security.sandbox.tiers import choose, clear_trials, trial_folder

__all__ = [
    "UNCONTAINED",
    "Contained",
    "Containment",
    "Place",
    "Sandbox",
    "choose",
    "clear_trials",
    "describe",
    "trial_folder",
]
