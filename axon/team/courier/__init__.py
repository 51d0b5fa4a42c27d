"""The one process of a run that talks to services outside: it alone has their tokens."""

from axon.team.courier.roles import NAME, courier_role
from axon.team.courier.rounds import Rounds

__all__ = ["NAME", "Rounds", "courier_role"]
