"""Whether a run has a courier, and what that is given."""

from collections.abc import Callable
from dataclasses import replace

from axon.config import Config
from axon.integrations.errand import Office
from axon.security.secrets import secrets_of
from axon.team.courier.makers import errands_of, tells
from axon.team.courier.serving import serve
from axon.team.environment import own_environment
from axon.team.supervisor import Role

NAME = "courier"
# Of the environment, what leads outside: proxies, and the person's own desktop.
OUTSIDE = {
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
}  # fmt: skip


def office_of(config: Config, run: str) -> Office:
    return Office(
        config=replace(config, environ=own_environment(config)),
        run=run,
        secrets=tuple(secrets_of(config.environ)),
        environ={n: v for n, v in config.environ.items() if n.upper() in OUTSIDE},
    )


def courier_role(config: Config, run: str, say: Callable[[str], None]) -> Role | None:
    """None when nothing is configured that it would be for. The run goes on without it."""
    office = office_of(config, run)
    if not errands_of(office, say):
        return None
    return Role(name=NAME, target=serve, args=(office,), needed=False, lasts=True)


def told_of(config: Config, run: str) -> tuple[str, ...]:
    """The channels on which the courier reports what lands."""
    if not tells(config):
        return ()
    from axon.integrations.notify.chosen import names_of  # runs that tell nobody do without

    return names_of(office_of(config, run))
