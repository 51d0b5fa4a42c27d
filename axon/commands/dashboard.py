"""Serve the page: see everything the ledger has, and steer it."""

import signal
import sys
from argparse import ArgumentParser, Namespace
from contextlib import closing
from typing import TYPE_CHECKING, Any

from axon.commands import add_json, add_ledger, ledger_of, make_state_dir, print_json
from axon.config import Config, settings
from axon.dashboard.port import DEFAULT_PORT, LOOPBACK, listen
from axon.dashboard.settings import PageSettings, token_of
from axon.errors import UsageError
from axon.security.masking import shown_settings
from axon.security.secrets import secrets_of
from axon.security.trust import allowed_only

if TYPE_CHECKING:
    from axon.ledger import Ledger
    from axon.team.roles import Companion

DESKTOP = ("DISPLAY", "WAYLAND_DISPLAY")


def configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, metavar="N", help="8003; 0: the next free one"
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="127.0.0.1")
    parser.add_argument(
        "--allow-remote", action="store_true", help="let --host be one that others can reach"
    )
    parser.add_argument("--token", metavar="TOKEN", help="instead of the project's own")
    parser.add_argument(
        "--no-auth", action="store_true", help="let everybody on this host in, without a token"
    )
    parser.add_argument("--open", action="store_true", help="open a browser, where there is one")
    add_ledger(parser)
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    _check(args)
    with closing(ledger_of(config)) as ledger:
        return _serve(args, config, ledger)


def _serve(args: Namespace, config: Config, ledger: "Ledger") -> int:
    from axon.dashboard.server import serve_here

    make_state_dir(config)
    config, ignored = allowed_only(config)
    for notice in ignored:
        print(f"axon: {notice}", file=sys.stderr)
    token = "" if args.no_auth else token_of(config)
    listener = listen(args.host, args.port)
    page = page_settings(config, token, remote=args.host not in LOOPBACK)
    link = link_to(listener.getsockname(), token)
    if args.json:
        print_json({"url": link, "port": listener.getsockname()[1]})
    else:
        print(f"axon dashboard: {link}")
    sys.stdout.flush()
    if args.open and _has_desktop(config):
        import webbrowser

        webbrowser.open(link)
    stopped = []

    def ready(loop: Any) -> None:
        def stop(number: int, frame: Any) -> None:
            stopped.append(number)
            loop.stop()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)

    serve_here(page, listener, ready, ledger)
    return 130 if stopped else 0


def _check(args: Namespace) -> None:
    if args.host not in LOOPBACK and not args.allow_remote:
        raise UsageError(f"{args.host} can be reached by others; say --allow-remote if you mean it")
    if args.host not in LOOPBACK and args.no_auth:
        raise UsageError("--no-auth is for this host alone; leave --host or --no-auth out")
    if not 0 <= args.port <= 65535:
        raise UsageError("--port must be a number from 0 to 65535")


def _has_desktop(config: Config) -> bool:
    return sys.platform == "darwin" or any(config.environ.get(name) for name in DESKTOP)


def page_settings(config: Config, token: str, *, remote: bool = False) -> PageSettings:
    """What the page's process gets: of the environment only what git needs."""
    from axon.team.environment import own_environment, without_secrets

    help_of = {setting.metadata["key"]: setting.metadata["doc"] for setting in settings()}
    return PageSettings(
        config=without_secrets(config, own_environment(config)),
        token=token,
        remote=remote,
        secrets=tuple(secrets_of(config.environ)),
        shown=tuple(
            {
                "name": entry["key"],
                "value": entry["value"],
                "origin": entry["origin"],
                "help": help_of.get(entry["key"], ""),
            }
            for entry in shown_settings(config)
        ),
    )


def link_to(address: Any, token: str) -> str:
    """The token stands behind the #: no server is ever sent it, and no log has it."""
    host, port = address[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/" + (f"#token={token}" if token else "")


def companion(config: Config, port: int) -> "Companion":
    """The page of a run, as a process beside its workers. UsageError: the port is taken."""
    from axon.dashboard.server import serve
    from axon.team.roles import Companion
    from axon.team.supervisor import Role

    if not 0 <= port <= 65535:
        raise UsageError("--dashboard-port must be a number from 0 to 65535")
    try:
        listener = listen(LOOPBACK[0], port)
    except UsageError as error:
        raise UsageError(f"{error}: --dashboard-port N, or --no-dashboard for none") from None
    token = token_of(config)
    page = page_settings(config, token)
    return Companion(
        role=Role(name="dashboard", target=serve, args=(page, listener), needed=False, lasts=True),
        notice=f"dashboard: {link_to(listener.getsockname(), token)}",
    )
