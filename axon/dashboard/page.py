"""The page's files, held in memory: each by its own path, and by one that its content names."""

import json
import re
import time
from hashlib import blake2b
from posixpath import splitext

from axon.dashboard.web.answer import Answer, tagged
from axon.resources import archive_path, list_files, read_bytes

FOLDER = "static"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".webmanifest": "application/manifest+json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
KEPT = "public, max-age=31536000, immutable"
ASKED = "no-cache"
LOOK_SECONDS = 1.0
MISSING = "<!doctype html><title>axon</title><p>This axon was built without its page; use the API."
LINK = re.compile(rb"""\b(src|href)=(["'])(?:\./|/)?([\w./-]+)\2""")
FILLED = ("index.html", "sw.js")


class Page:
    """`find` a path's answer; every path that is no file is the page itself.

    The files are read when one is asked for first: a program may want the API alone.
    """

    def __init__(self) -> None:
        self._answers: dict[str, Answer] = {}
        self._changing = archive_path() is None  # a checkout is being worked on
        self._looked = 0.0
        self._files: dict[str, bytes] = {}

    def read(self) -> None:
        """Any thread may call it, and two at once: they find the same."""
        if not self._answers:
            self._load(_read())

    def find(self, path: str) -> Answer | None:
        """None: there may have been such a file, but it is of another version."""
        if self._changing and time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            if (files := _read()) != self._files:
                self._load(files)
        self.read()
        found = self._answers.get(path)
        if found is not None:
            return found
        return None if path.startswith("/v/") else self._answers["/"]

    def _load(self, files: dict[str, bytes]) -> None:
        self._files = files
        whole = blake2b(digest_size=9)
        for name, body in files.items():
            whole.update(f"{name}\0{len(body)}\0".encode() + body)
        version = whole.hexdigest()
        place = f"/v/{version}/"
        names = json.dumps([place + name for name in files]).encode()
        answers: dict[str, Answer] = {}
        for name, body in files.items():
            if name in FILLED:
                body = body.replace(b"%VERSION%", version.encode()).replace(b"%FILES%", names)
            if name == "index.html":
                body = LINK.sub(lambda found: _placed(found, files, place), body)
            answers[f"/{name}"] = _answer(name, body, ASKED)
            answers[place + name] = _answer(name, body, KEPT)
        shell = _answer("index.html", MISSING.encode(), ASKED)
        answers["/"] = answers.get("/index.html", shell)
        self._answers = answers


def _placed(found: re.Match[bytes], files: dict[str, bytes], place: str) -> bytes:
    """A link to a file of ours leads to the path that its content names."""
    name = found[3].decode("ascii")
    if name not in files:
        return found[0]
    if splitext(name)[1] == ".webmanifest":  # what it names is looked for beside it
        place = "/"
    return b"%b=%b%b%b%b" % (found[1], found[2], place.encode(), found[3], found[2])


def _answer(name: str, body: bytes, keep: str) -> Answer:
    kind = KINDS.get(splitext(name)[1], "application/octet-stream")
    return tagged(Answer(body=body, kind=kind, headers={"Cache-Control": keep}, small=False))


def _read() -> dict[str, bytes]:
    return {name.removeprefix(f"{FOLDER}/"): read_bytes(name) for name in list_files(FOLDER)}
