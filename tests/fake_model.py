"""A Messages API server on loopback, in a process of its own: the only fake of the tests.

    python tests/fake_model.py --script FILE [--port 0] [--key KEY] [--log FILE]

It prints its port, then plays the script (see axon/gateway/script.py) for every conversation
whose first user message names a scripted task, and writes a JSON line per request to the log.
"""

import argparse
import json
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from axon.gateway.delegates import AGENT_ID
from axon.gateway.delegation import subagent_turn
from axon.gateway.messages import error_body, tokens_in
from axon.gateway.newest import newest_words
from axon.gateway.script import (
    Script,
    ScriptedTask,
    Turn,
    is_side_request,
    load_script,
    texts_of,
    turn_number,
)
from axon.gateway.scripted import JSON, SIDE_TEXT, Spoiler, perform, whole
from axon.gateway.wire import Cut, Reply


@dataclass
class Model:
    """What the server plays, asks for and has seen."""

    script: Script
    key: str = ""
    log: Path | None = None
    spoiler: Spoiler = field(default_factory=Spoiler)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, entry: dict[str, Any]) -> None:
        if self.log is not None:
            with self.lock, self.log.open("a") as log:
                log.write(json.dumps(entry) + "\n")

    def task_of(self, document: dict[str, Any]) -> ScriptedTask | None:
        """Known by its name in the first message: a server sees no sessions."""
        content = (document.get("messages") or [{}])[0].get("content") or ""
        # before the prompt stand reminders of the CLI, which may name other tasks' commits
        prompt = content if isinstance(content, str) else content[-1].get("text", "")
        return self.script.of_text(prompt)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    model: Model

    def do_HEAD(self) -> None:
        self._log(200, {})
        self._send(whole(200, JSON, b""))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        document = json.loads(body)
        if self.model.key and self._key() != self.model.key:
            self._refuse(401, "invalid x-api-key")
        elif self.path.startswith("/v1/messages/count_tokens"):
            self._log(200, document)
            answer = json.dumps({"input_tokens": tokens_in(len(body))}).encode()
            self._send(whole(200, JSON, answer))
        elif self.path.startswith("/v1/messages"):
            self._play(document, len(body))
        else:
            self._refuse(404, f"nothing at {self.path}")

    def _play(self, document: dict[str, Any], size: int) -> None:
        number, agent = turn_number(document), self.headers.get(AGENT_ID, "")
        task, script = None, self.model.script
        if is_side_request(document, agent):
            played = subagent_turn(script, script.tasks if agent else (), document, number)
            turn = played or Turn(text=SIDE_TEXT)
        else:
            task = self.model.task_of(document)
            turn = script.turn(task, number, newest_words(document))
        name = (task.title or task.task) if task else ""
        fault = self.model.spoiler.due(f"{name} {agent} {number}", turn.fault)
        if fault is not None and fault.refuse:
            self._log(0, document, turn=number, task=name)
            self.close_connection = True
            return
        threading.Event().wait(turn.delay_seconds + (fault.hang_seconds if fault else 0))
        reply = perform(turn, fault, document, number, self._workspace(document), size, agent)
        self._send(reply, document, turn=number, task=name)

    def _workspace(self, document: dict[str, Any]) -> str:
        """The CLI tells the model its working directory; scripts may rather use relative paths."""
        text = json.dumps([document.get("system"), document.get("messages")], ensure_ascii=False)
        _, found, rest = text.partition("orking directory: ")
        return rest.split("\\n")[0].split('"')[0] if found else "."

    def _key(self) -> str:
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        return self.headers.get("x-api-key") or bearer

    def _refuse(self, status: int, message: str) -> None:
        self._log(status, {})
        self._send(whole(status, JSON, error_body(status, message)))

    def _send(self, reply: Reply, document: dict[str, Any] | None = None, **facts: Any) -> None:
        """Log first: who has read the answer may look into the log."""
        pieces, cut = [], False
        try:
            for piece in reply.pieces:
                pieces.append(piece)
        except Cut:
            cut = True
        if document is not None:
            self._log(reply.status, document, usage=usage_in(b"".join(pieces)), **facts)
        chunked = reply.length is None
        framing = ("transfer-encoding", "chunked") if chunked else ("content-length", reply.length)
        self.send_response(reply.status)
        for name, value in (*reply.headers, framing):
            self.send_header(name, str(value))
        self.end_headers()
        for piece in pieces if self.command != "HEAD" else []:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if cut:
            self.close_connection = True
        elif chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _log(self, status: int, document: dict[str, Any], **facts: Any) -> None:
        entry = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "model": document.get("model", ""),
            "stream": bool(document.get("stream")),
            "tools": [tool["name"] for tool in document.get("tools", [])],
            "system": "\n".join(texts_of({"content": document.get("system", [])})),
            "said": [t for m in document.get("messages", []) for t in texts_of(m)],
            "status": status,
        }
        self.model.note(entry | facts)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is inherited
        pass


def usage_in(sent: bytes) -> dict[str, int]:
    """The figures that went out, by an eye other than the gateway's."""
    usage: dict[str, int] = {}
    for line in sent.splitlines():
        try:
            event = json.loads(line.removeprefix(b"data: "))
        except ValueError:
            continue
        usage |= event.get("usage") or event.get("message", {}).get("usage") or {}
    return usage


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients of these tests hang up on purpose


def serve(model: Model, port: int) -> Server:
    handler = type("PlayingHandler", (Handler,), {"model": model})
    return Server(("127.0.0.1", port), handler)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--script", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="")
    parser.add_argument("--log", type=Path)
    args = parser.parse_args()
    server = serve(Model(script=load_script(args.script), key=args.key, log=args.log), args.port)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
