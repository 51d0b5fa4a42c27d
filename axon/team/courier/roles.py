"""Whether a run has a courier, and what that is given."""

from dataclasses import replace

from axon.config import Config
from axon.integrations.errand import Office
from axon.security.secrets import secrets_of
from axon.team.courier.makers import errands_of
from axon.team.courier.serving import serve
from axon.team.environment import own_environment
from axon.team.supervisor import Role

NAME = "courier"


def office_of(config: Config, run: str) -> Office:
    return Office(
        config=replace(config, environ=own_environment(config)),
        run=run,
        secrets=tuple(secrets_of(config.environ)),
    )


def courier_role(config: Config, run: str) -> Role | None:
    """None when nothing is configured that it would be for. The run goes on without it."""
    office = office_of(config, run)
    if not errands_of(office):
        return None
    return Role(name=NAME, target=serve, args=(office,), needed=False, lasts=True)
