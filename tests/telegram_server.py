"""A Telegram of our own: the Bot API as documented, on loopback, with faults at will."""

import json
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "123456:AAFakeTokenFakeTokenFakeTokenFakeToke"
CHAT, PERSON = 4242, 77


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@dataclass
class Fault:
    """What the next call of a method meets. `then`: it takes effect all the same."""

    kind: str  # status, html, slow, cut, huge, redirect, hangup, garbage
    status: int = 500
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    then: bool = False


@dataclass
class TelegramServer:
    """What it was sent, what it has to tell, and how it fails."""

    token: str = TOKEN
    sent: list[dict[str, Any]] = field(default_factory=list)  # messages that were taken
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    faults: dict[str, deque[Fault]] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)  # not confirmed yet
    last_update: int = 9000
    chats: set[int] = field(default_factory=lambda: {CHAT})
    poll: int = 0  # the newest one: it ends the others

    def __post_init__(self) -> None:
        self._lock = threading.Condition()
        self._ended = threading.Event()
        handler = type("Handler", (_Handler,), {"desk": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._ended.set()
        with self._lock:
            self._lock.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def fail(self, method: str, *faults: Fault) -> None:
        self.faults.setdefault(method, deque()).extend(faults)

    def texts(self, chat: int = CHAT) -> list[str]:
        return [str(one["text"]) for one in self.sent if one["chat_id"] == chat]

    def says(self, text: str, *, chat: int = CHAT, sender: int = PERSON, **more: Any) -> int:
        """A person writes; the number of the update."""
        message = {
            "message_id": 500 + len(self.updates),
            "date": int(more.pop("date", time.time())),
            "chat": {"id": chat, "type": "private"},
            "from": {"id": sender, "is_bot": False, "first_name": "A"},
            "text": text,
            **more,
        }
        return self.update({"message": message})

    def presses(self, data: str, *, chat: int = CHAT, sender: int = PERSON) -> int:
        query = {
            "id": f"query-{self.last_update}",
            "from": {"id": sender, "is_bot": False, "first_name": "A"},
            "message": {"message_id": 1, "date": 1, "chat": {"id": chat, "type": "private"}},
            "chat_instance": "1",
            "data": data,
        }
        return self.update({"callback_query": query})

    def update(self, about: dict[str, Any]) -> int:
        with self._lock:
            self.last_update += 1
            self.updates.append({"update_id": self.last_update, **about})
            self._lock.notify_all()
            return self.last_update

    def answer(self, method: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.calls.append((method, given))
        do = getattr(self, f"_{method}", None)
        if do is None:
            return _refusal(404, "Not Found: method not found")
        status, document = do(given)
        return int(status), document

    def _getMe(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        me = {"id": 123456, "is_bot": True, "first_name": "axon", "username": "axon_test_bot"}
        return 200, {"ok": True, "result": me}

    def _getChat(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if given.get("chat_id") not in self.chats:
            return _refusal(400, "Bad Request: chat not found")
        return 200, {"ok": True, "result": {"id": given["chat_id"], "type": "private"}}

    def _sendMessage(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        text = str(given.get("text", ""))
        if given.get("parse_mode") == "HTML":
            try:
                text = parsed(text)
            except ValueError as error:
                return _refusal(400, f"Bad Request: can't parse entities: {error}")
        if not text.strip():
            return _refusal(400, "Bad Request: message text is empty")
        if units(text) > 4096:
            return _refusal(400, "Bad Request: message is too long")
        with self._lock:
            self.sent.append({**given, "parsed": text})
            number = len(self.sent)
            self._lock.notify_all()
        return 200, {"ok": True, "result": {"message_id": number, "text": text}}

    def _getUpdates(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        offset, wait = given.get("offset"), float(given.get("timeout", 0))
        with self._lock:
            if isinstance(offset, int):
                self.updates = [one for one in self.updates if one["update_id"] >= offset]
            self.poll += 1
            mine = self.poll
            self._lock.notify_all()
            self._lock.wait_for(
                lambda: bool(self.updates) or self._ended.is_set() or self.poll != mine, wait
            )
            if self.poll != mine:
                return _refusal(409, "Conflict: terminated by other getUpdates request")
            return 200, {"ok": True, "result": self.updates[: int(given.get("limit", 100))]}

    def _answerCallbackQuery(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, {"ok": True, "result": True}

    def _editMessageReplyMarkup(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, {"ok": True, "result": True}


def parsed(text: str) -> str:
    """What is read of Telegram's HTML. ValueError: tags or entities that are none."""
    read: list[str] = []
    open_tags: list[str] = []
    at = 0
    known = {"&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"'}
    while at < len(text):
        if text[at] == "<":
            end = text.index(">", at)
            tag = text[at + 1 : end]
            if tag.removeprefix("/") not in ("b", "i", "pre", "code"):
                raise ValueError(f"unsupported start tag {tag!r}")
            if tag.startswith("/"):
                if not open_tags or open_tags.pop() != tag[1:]:
                    raise ValueError("unmatched end tag")
            else:
                open_tags.append(tag)
            at = end + 1
        elif entity := next((e for e in known if text.startswith(e, at)), ""):
            read.append(known[entity])
            at += len(entity)
        elif text[at] == "&":
            raise ValueError("unknown entity")
        else:
            read.append(text[at])
            at += 1
    if open_tags:
        raise ValueError(f"can't find end tag of {open_tags[-1]}")
    return "".join(read)


def _refusal(code: int, said: str, **parameters: Any) -> tuple[int, dict[str, Any]]:
    more = {"parameters": parameters} if parameters else {}
    return code, {"ok": False, "error_code": code, "description": said, **more}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    desk: TelegramServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        _, _, rest = self.path.partition("/bot")
        token, _, method = rest.partition("/")
        given = json.loads(body or b"{}")
        if token != self.desk.token:
            self._json(*_refusal(401, "Unauthorized"))
            return
        waiting = self.desk.faults.get(method)
        if waiting:
            self._fault(waiting.popleft(), method, given)
        else:
            self._json(*self.desk.answer(method, given))

    def _fault(self, fault: Fault, method: str, given: dict[str, Any]) -> None:
        if fault.then:
            self.desk.answer(method, given)
        match fault.kind:
            case "status":
                more = {"parameters": fault.parameters} if fault.parameters else {}
                said = {"ok": False, "error_code": fault.status, "description": fault.description}
                self._json(fault.status, {**said, **more})
            case "html":
                self._body(fault.status, b"<html><body><h1>502 Bad Gateway</h1></body></html>")
            case "redirect":
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case "huge":
                self.send_response(200)
                self.send_header("Content-Length", str(1 << 40))
                self.end_headers()
                piece = b"x" * (1 << 20)
                try:
                    for _ in range(64):
                        self.wfile.write(piece)
                except OSError:
                    pass
                self.close_connection = True
            case "cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"ok": tr')
                self._hang_up()
            case "slow":  # a byte now and then, for as long as anybody listens
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                try:
                    while not self.desk._ended.wait(fault.seconds):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                except OSError:
                    pass
                self.close_connection = True
            case "garbage":
                self.wfile.write(b"\x00\x01 no HTTP at all\r\n\r\n")
                self._hang_up()
            case _:
                self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def _json(self, status: int, document: dict[str, Any]) -> None:
        self._body(status, json.dumps(document).encode(), "application/json")

    def _body(self, status: int, body: bytes, kind: str = "text/html") -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # it has gone
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass
