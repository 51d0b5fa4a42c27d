"""The project's files as a commit has them, read by git alone: nothing of the project is run."""

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SECONDS = 10.0
MAX_LIST_BYTES = 32 << 20
PASSED = ("PATH", "HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM")
ENVIRONMENT = {
    "GIT_NO_LAZY_FETCH": "1",  # a partial clone must not go to the network for this
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
FILE, LINK = "100", "120000"  # how the modes of files and of symbolic links begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    path: str
    link: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The commit that `ref` names in the repository at `root`."""

    root: Path
    ref: str
    environ: Mapping[str, str]
    seconds: float = SECONDS  # that one look may take

    def entries(self, *paths: str) -> tuple[list[Entry], bool]:
        """Its files and links, and whether these are all of them: time and size are bounded."""
        command = ("ls-tree", "-r", "-z", "--full-tree", self.ref, "--", *paths)
        out, whole = self._git(MAX_LIST_BYTES, *command)
        lines = out.decode("utf-8", "replace").split("\0")
        return list(_parsed(lines[:-1])), whole  # what stands behind the last NUL is cut off

    def text(self, path: str, most_bytes: int) -> str | None:
        """The beginning of a file; None when it is not there."""
        out, whole = self._git(most_bytes, "cat-file", "blob", f"{self.ref}:{path}")
        return out.decode("utf-8", "replace") if out or whole else None

    def _git(self, most_bytes: int, *args: str) -> tuple[bytes, bool]:
        """What it prints, as far as it comes; nothing when git fails."""
        environ = {name: self.environ[name] for name in PASSED if name in self.environ}
        try:
            process = subprocess.Popen(
                ["git", "--no-replace-objects", *args],
                cwd=self.root,
                env={"PATH": os.defpath, **environ, **ENVIRONMENT},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            return b"", False
        assert process.stdout is not None
        alarm = threading.Timer(self.seconds, process.kill)
        alarm.start()
        try:
            out = process.stdout.read(most_bytes + 1)
            if len(out) > most_bytes:
                process.kill()
                return out[:most_bytes], False
            return out, process.wait() == 0
        finally:
            alarm.cancel()
            process.stdout.close()
            process.wait()


def _parsed(lines: list[str]) -> Iterator[Entry]:
    for line in lines:
        facts, tab, path = line.partition("\t")
        if tab and facts.startswith((FILE, LINK)):  # not the submodules
            yield Entry(path=path, link=facts.startswith(LINK))
