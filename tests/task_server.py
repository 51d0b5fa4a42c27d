"""A task server that takes no care: any move is allowed, and it is slow. In a process of its own.

    python -m tests.task_server LEDGER [--latency-ms 5] [--careful] [--newest-first]
        [--stamps exact|seconds|none] [--few-states] [--stream]

It prints its address. Our own server (axon mcp) with its order taken away: `--careful` leaves the
table of moves in force; the other options make its answers look like those of other servers.
"""

import argparse
import asyncio
import json
import random
from typing import Any

import anyio

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ledger")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--careful", action="store_true")
    parser.add_argument("--newest-first", action="store_true")
    parser.add_argument("--stamps", default="exact", choices=["exact", "seconds", "none"])
    parser.add_argument("--few-states", action="store_true")
    parser.add_argument("--stream", action="store_true", help="answer as an event stream")
    options = parser.parse_args()
    CarelessDesk.options = options
    desk = CarelessDesk(lambda: open_ledger(f"file:{options.ledger}", create=True), "ENG")
    app = server.http_app(desk, json_response=not options.stream)
    listener = door.bind("127.0.0.1", 0)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    door.serve(door.Door(app, key="", local=True), listener)


if __name__ == "__main__":
    main()
