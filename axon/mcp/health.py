"""Try one MCP server in a process of its own: its answer comes as one line of JSON.

python -c "from axon.mcp.health import main; main()"     (what `question` makes on stdin)
"""

import asyncio
import json
import os
import sys
from dataclasses import asdict
from typing import Any

from axon.mcp.relay import Connection, ServerFailed
from axon.mcp.spec import Server

PROGRAM = "from axon.mcp.health import main; main()"


def question(server: Server, seconds: float) -> str:
    return json.dumps({"server": asdict(server), "seconds": seconds})


def main() -> None:
    given = json.load(sys.stdin)
    facts: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given["server"].items()
    }
    answer = asyncio.run(_tried(Server(**facts), given["seconds"]))
    print(json.dumps(answer), flush=True)
    os._exit(0)  # nothing is left to do, and a server that does not end must not hold us up


async def _tried(server: Server, seconds: float) -> dict[str, Any]:
    with open(os.devnull, "w") as nowhere:
        connection = Connection(server, nowhere, seconds)
        try:
            await connection.open()
        except ServerFailed as error:
            return {"error": str(error)}
        names = [tool.name for tool in connection.tools]
        await connection.close()
    return {"tools": names}
