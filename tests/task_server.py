"""A task server that takes no care: any move is allowed, and it is slow. In a process of its own.

    python -m tests.task_server LEDGER [--port 0] [--latency-ms 5] [--careful] [--newest-first]
        [--stamps exact|seconds|none] [--few-states] [--stream]

It prints its address. Our own server (axon mcp) with its order taken away: `--careful` leaves the
table of moves in force; the other options make its answers look like those of other servers.
"""

import argparse
import asyncio
import json
import random
import sys
import threading
from collections.abc import Sequence
from typing import Any

import anyio
import uvicorn

from axon.ledger import open_ledger
from axon.ledger.file import FileLedger
from axon.ledger.rows import fetch, put
from axon.ledger.transaction import Tx
from axon.mcp import door, server
from axon.mcp.answers import state_named
from axon.mcp.tools import call
from axon.tasks import State

FEW = ("Backlog", "Todo", "In Progress", "Done", "Canceled")


class CarelessDesk(server.Desk):
    """The desk of our own server, without compare-and-swap."""

    options: argparse.Namespace

    async def ask(self, actor: str, name: str, arguments: dict[str, Any]) -> str:
        pause = self.options.latency_ms / 1000
        await anyio.sleep(pause * random.uniform(0.5, 1.0))
        if name == "Task_TransitionIssueState" and not self.options.careful:
            said = await self._force(arguments)
        else:
            said = await super().ask(actor, name, arguments)
        await anyio.sleep(pause * random.uniform(0.0, 0.5))
        return json.dumps(self._as_others_say(name, json.loads(said)))

    def serve_another(self, path: str) -> None:
        """A new ledger in the place of the old one."""

        def change() -> None:
            self._ledger.close()
            self._ledger = open_ledger(f"file:{path}", create=True)

        self._thread.submit(change).result()

    async def _force(self, arguments: dict[str, Any]) -> str:
        wanted = arguments["target_state"]
        if self.options.few_states and wanted not in FEW:
            return json.dumps({"error": f"State '{wanted}' not found"})
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._set, arguments["issue_id"], wanted)

    def _set(self, identifier: str, name: str) -> str:
        state = State.BLOCKED if name == "Backlog" else state_named(name)

        def work(tx: Tx) -> None:
            put(tx, fetch(tx, identifier), {"state": state.value, "updated_at": tx.now})

        assert isinstance(self._ledger, FileLedger)
        self._ledger._store.write(work)
        return call(self._caller("careless"), "Task_GetIssue", {"issue_id": identifier})

    def _as_others_say(self, name: str, answer: Any) -> Any:
        if name == "Task_ListWorkflowStates" and self.options.few_states:
            return {"states": [{"name": state} for state in FEW]}
        if name == "Task_ListIssues" and self.options.few_states:
            return {"issues": answer, "count": len(answer)}
        if isinstance(answer, dict) and "comments" in answer:
            for comment in answer["comments"]:
                if self.options.stamps == "seconds":
                    comment["created_at"] = comment["created_at"].partition(".")[0] + "+00:00"
                elif self.options.stamps == "none":
                    del comment["created_at"]
            if self.options.newest_first:
                answer["comments"].reverse()
        return answer


def options_of(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ledger")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--careful", action="store_true")
    parser.add_argument("--newest-first", action="store_true")
    parser.add_argument("--stamps", default="exact", choices=["exact", "seconds", "none"])
    parser.add_argument("--few-states", action="store_true")
    parser.add_argument("--stream", action="store_true", help="answer as an event stream")
    return parser.parse_args(words)


class TaskServer:
    """The server, ready to run here, or in a thread of a test."""

    def __init__(self, words: Sequence[str]) -> None:
        options = options_of(words)
        self.desk = CarelessDesk(lambda: open_ledger(f"file:{options.ledger}", create=True), "ENG")
        self.desk.options = options
        app = server.http_app(self.desk, json_response=not options.stream)
        self._listener = door.bind("127.0.0.1", options.port)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        config = uvicorn.Config(
            door.Door(app, key="", local=True), ws="none", log_config=None, timeout_keep_alive=60
        )
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        self._uvicorn.run(sockets=[self._listener])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Idle connections are cut."""
        self._uvicorn.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.desk.close()


if __name__ == "__main__":
    own = TaskServer(sys.argv[1:])
    print(own.url, flush=True)
    own.run()
