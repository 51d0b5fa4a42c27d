"""An MCP server of another program, over stdio or HTTP: one tool that says what it was given.

python tests/remote_server.py [--http]     (prints its port)
"""

import os
import sys
import threading

from mcp.server import MCPServer

server = MCPServer("remote")


@server.tool()
def echo(text: str) -> str:
    """Say the text again, and what this server was told."""
    return f"{text} {os.environ.get('TOLD', '')}".strip()


@server.tool()
def leave() -> str:
    """End this server."""
    os._exit(3)


if __name__ == "__main__":
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    if mode == "--deaf":
        threading.Event().wait()
    elif mode == "--stubborn":
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        server.run("stdio")
        threading.Event().wait()
    else:
        server.run("stdio")
