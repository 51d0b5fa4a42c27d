"""Whoever is told by a program: any command, which gets JSON on standard input, or the desktop."""

import html
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from axon.integrations.notify import Notice, Undelivered
from axon.integrations.notify.webhook import plain_body
from axon.ledger import Letter

SECONDS = 30.0
LONGEST_SAID, LAST_BYTES = 200, 4096
LATER = 75  # EX_TEMPFAIL: the command asks to be tried again
MOST_ATTEMPTS = 5
# The two texts are arguments: nothing in them is read as a script.
APPLE_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Implements `axon.integrations.notify.Notifier`."""

    name: str
    command: str = field(repr=False)
    kinds: frozenset[str]
    folder: str
    environ: Mapping[str, str] = field(repr=False)
    origin: str
    repeats: bool = True

    @property
    def channel(self) -> str:
        return f"command {self.name}"

    def render(self, notice: Notice) -> list[dict[str, Any]]:
        return [plain_body(notice)]

    def send(self, letter: Letter) -> str:
        delivery = f"{self.origin}-{letter.id}"
        about = {"id": delivery, "again": letter.doubts > 0, **letter.body}
        environ = {**self.environ, "AXON_KIND": letter.kind, "AXON_DELIVERY": delivery}
        code, said = _run(["sh", "-c", self.command], json.dumps(about), self.folder, environ)
        if code == 0:
            return delivery
        last = letter.attempts + 1 >= MOST_ATTEMPTS and code != LATER
        raise Undelivered(
            f"the command ended with {code}{f': {said}' if said else ''}",
            then="never" if last else "later",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Desktop:
    """Implements `axon.integrations.notify.Notifier`: notify-send, or osascript on a Mac."""

    name: str
    kinds: frozenset[str]
    environ: Mapping[str, str] = field(repr=False)
    repeats: bool = False  # a notification that is late is no news

    @property
    def channel(self) -> str:
        return f"desktop {self.name}"

    def render(self, notice: Notice) -> list[dict[str, Any]]:
        return [{"title": notice.title, "body": notice.body[:500]}]

    def send(self, letter: Letter) -> str:
        title, body = str(letter.body["title"]), str(letter.body["body"])
        command = desktop_command(title, body, sys.platform)
        if shutil.which(command[0], path=self.environ.get("PATH")) is None:
            raise Undelivered(f"there is no {command[0]} here", then="nobody")
        code, said = _run(command, "", "/", self.environ)
        if code:
            raise Undelivered(f"{command[0]} ended with {code}: {said}", then="never")
        return ""


def desktop_command(title: str, body: str, platform: str) -> list[str]:
    if platform == "darwin":
        script = [word for line in APPLE_SCRIPT for word in ("-e", line)]
        return ["osascript", *script, "--", title, body]
    # its body may hold markup, so that ours must not be taken for any
    return ["notify-send", "--app-name=axon", "--", title, html.escape(body, quote=False)]


def _run(
    command: Sequence[str], text: str, folder: str, environ: Mapping[str, str]
) -> tuple[int, str]:
    """Exit code and last line of what it said. It has a group of its own, and a time to end."""
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
        except OSError as error:
            raise Undelivered(f"cannot start it: {error.strerror}", then="nobody") from None
        try:
            process.communicate(text.encode(), timeout=SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Undelivered(f"it had not ended after {SECONDS:.0f} s", doubtful=True) from None
        said.seek(max(0, said.seek(0, os.SEEK_END) - LAST_BYTES))
        lines = said.read().decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return process.returncode, last[:LONGEST_SAID]
