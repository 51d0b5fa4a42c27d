"""What GitHub said last, by address: an answer that has not changed costs nothing to ask for."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axon.security.secrets import Redactor

MOST_PAGES = 300
MOST_CHARACTERS = 256 << 10  # of one answer; a longer one is asked for whole each time


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer as it was kept, without secrets."""

    etag: str
    document: Any
    following: str  # address of the next page, or nothing


class Memory:
    """Kept in a file that may be lost at any time: nothing rests on it but speed."""

    def __init__(self, path: Path | None, redactor: Redactor) -> None:
        self._path = path
        self._redactor = redactor
        self._pages: dict[str, Page] = {}
        self._changed = False
        if path is not None:
            with suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
                found = json.loads(path.read_text("utf-8"))
                pages = {url: Page(**page) for url, page in found.items()}
                if all(
                    isinstance(p.etag, str) and isinstance(p.following, str) for p in pages.values()
                ):
                    self._pages = pages

    def page(self, url: str) -> Page | None:
        return self._pages.get(url)

    def keep(self, url: str, etag: str, document: Any, following: str) -> None:
        clean = self._redactor.value(document)
        self._pages.pop(url, None)
        self._changed = True
        if len(json.dumps(clean)) <= MOST_CHARACTERS:
            self._pages[url] = Page(etag=etag, document=clean, following=following)
        while len(self._pages) > MOST_PAGES:
            del self._pages[next(iter(self._pages))]

    def save(self) -> None:
        """Whole or not at all; a full disk loses nothing that matters."""
        if self._path is None or not self._changed:
            return
        self._changed = False
        pages = {
            url: {"etag": p.etag, "document": p.document, "following": p.following}
            for url, p in self._pages.items()
        }
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            try:
                with open(draft, "x", encoding="utf-8", opener=_private) as file:
                    json.dump(pages, file)
                os.replace(draft, self._path)
            finally:
                draft.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
