"""Serve the ledger to any MCP client: on stdin and stdout, or over HTTP."""

import logging
import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from axon.commands import add_ledger, ledger_of
from axon.config import Config
from axon.errors import UsageError

if TYPE_CHECKING:
    from axon.mcp.server import Desk

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def configure(parser: ArgumentParser) -> None:
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--http", type=_port, metavar="PORT", help="streamable HTTP at /mcp")
    way.add_argument("--sse", type=_port, metavar="PORT", help="the older HTTP+SSE at /sse")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="listen on an address others can reach; needs a key in MCP_API_KEY",
    )
    add_ledger(parser)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError
    return port


def run(args: Namespace, config: Config) -> int:
    from axon.engines import vendor

    key = config.mcp_key.strip()
    local = args.host in LOOPBACK
    _check(args, key, local)
    logging.basicConfig(
        level=logging.WARNING, format="axon: %(levelname)s %(message)s", stream=sys.stderr
    )
    vendor.activate(config.environ, config.cache_dir, packed_cli=False, say=_say)
    from axon.mcp import server

    desk = server.Desk(
        lambda: ledger_of(config),
        config.team,
        stale_hours=config.stale_hours,
        recordings=config.state_dir / "sessions",
    )
    try:
        if args.http is None and args.sse is None:
            # a thread waits in a read of stdin, and the interpreter would wait for that thread
            signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))
            server.serve_stdio(desk)
        else:
            _serve(args, desk, key, local)
    finally:
        desk.close()
    return 0


def _check(args: Namespace, key: str, local: bool) -> None:
    if local or (args.http is None and args.sse is None):
        return
    if not args.allow_remote:
        raise UsageError(
            f"others can reach {args.host}; add --allow-remote and a key in MCP_API_KEY,"
            " or leave --host out"
        )
    if not key:
        raise UsageError("--allow-remote needs a key; set MCP_API_KEY to one that is hard to guess")


def _serve(args: Namespace, desk: "Desk", key: str, local: bool) -> None:
    from axon.mcp import door, server

    is_sse = args.http is None
    port = args.sse if is_sse else args.http
    app = server.sse_app(desk) if is_sse else server.http_app(desk)
    listener = door.bind(args.host, port)
    name = f"[{args.host}]" if ":" in args.host else args.host
    path = "/sse" if is_sse else "/mcp"
    print(f"http://{name}:{listener.getsockname()[1]}{path}", flush=True)
    if not key:
        _say("no MCP_API_KEY is set: every process of this host may use the ledger")
    door.serve(door.Door(app, key=key, local=local), listener)


def _say(line: str) -> None:
    print(f"axon: {line}", file=sys.stderr)
