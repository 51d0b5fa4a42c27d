"""The merge queue: one task at a time onto the newest target, judged there, moved and proven."""

from axon.team.landing.checkout import recover
from axon.team.landing.land import Brought, Deferred, Landed, Rejected, bring_over, land
from axon.team.landing.lander import NAME, serve

__all__ = [
    "NAME",
    "Brought",
    "Deferred",
    "Landed",
    "Rejected",
    "bring_over",
    "land",
    "recover",
    "serve",
]
