"""The REST API of GitHub: limits obeyed, tries bounded, the token shown to one host only."""

import json
import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from axon.errors import UsageError
from axon.integrations.exchange import Call, NoReply, Reply, exchange
from axon.integrations.github.faults import GitHubError, refusal, said_by
from axon.integrations.github.memory import Memory, Page
from axon.integrations.github.place import Place
from axon.security.secrets import Redactor

log = logging.getLogger(__name__)

VERSION = "2022-11-28"
SECONDS = 30.0  # for one request and its whole answer
LARGEST = 16 << 20  # bytes of an answer
TRIES = 3
PAGE, MOST_PAGES = 100, 20
MOST_REDIRECTS = 3
LEAST_SECONDS = 1.0  # for one that asks to wait not at all
SECONDARY_SECONDS = 60.0  # GitHub asks for a minute where it names no time
REPEATABLE = frozenset({"GET", "PUT", "PATCH", "DELETE"})  # doing it twice is doing it once
_NEXT = re.compile(r'<([^<>]{1,2000})>\s*;[^,<]*\brel="?next"?')


@dataclass(slots=True, kw_only=True)
class GitHub:
    """One repository, as one token may use it. Not thread-safe."""

    place: Place
    token: str = field(repr=False)
    redactor: Redactor = field(repr=False)
    memory: Memory = field(repr=False)
    proxy: str = field(default="", repr=False)
    patience: float = 0.0  # seconds one call may wait for a limit to end
    pause: Callable[[float], None] = time.sleep
    seconds: float = SECONDS
    remaining: int | None = None  # requests left, as last told
    resets_at: float = 0.0  # Unix time when there are more
    _held_until: float = 0.0  # monotonic

    def __post_init__(self) -> None:
        if not self.token.isascii() or not self.token.isprintable() or " " in self.token:
            raise UsageError("GITHUB_TOKEN cannot be sent as it is; copy it again")

    @property
    def repo(self) -> str:
        """The path that all of the repository is below."""
        return f"/repos/{self.place.full}"

    def get(self, path: str, **query: Any) -> Any:
        return self._fetch(self._url(path, query))[0]

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """The items of a list, over all its pages (but not of an endless list)."""
        url = self._url(path, {"per_page": PAGE, **query})
        for _ in range(MOST_PAGES):
            document, url = self._fetch(url)
            if not isinstance(document, list):
                raise GitHubError(f"GitHub answers {path} with no list; see GITHUB_REPO")
            yield from document
            if not url:
                return
        log.warning("list cut path=%s pages=%s", path, MOST_PAGES)

    def send(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> Any:
        """Change something; everything that leaves here is free of secrets."""
        clean = self.redactor.value(dict(document)) if document is not None else None
        body = json.dumps(clean).encode() if clean is not None else b""
        return _document(self._ask(method, self._url(path, {}), body, {}))

    def _fetch(self, url: str) -> tuple[Any, str]:
        """A document and the address of the page after it; both kept while GitHub's are alike."""
        kept = self.memory.page(url)
        kept = kept if kept and self._may_last(kept) else None
        answer = self._ask("GET", url, b"", {"If-None-Match": kept.etag} if kept else {})
        if answer.status == 304 and kept is not None:
            return kept.document, self._following(url, answer) or kept.following
        document, following = _document(answer), self._following(url, answer)
        if etag := answer.headers.get("etag", ""):
            self.memory.keep(url, etag, document, following)
        return document, following

    def _may_last(self, kept: Page) -> bool:
        """Whether "not changed" would tell all: of a page after one that is full it says nothing.

        What leads elsewhere was written into the file by somebody else.
        """
        if kept.following:
            return self._is_ours(kept.following)
        return not isinstance(kept.document, list) or len(kept.document) < PAGE

    def _following(self, url: str, answer: Reply) -> str:
        found = _NEXT.search(answer.headers.get("link", ""))
        following = _joined(url, found[1]) if found else ""
        return following if self._is_ours(following) and following != url else ""

    def _url(self, path: str, query: Mapping[str, Any]) -> str:
        return f"{self.place.api}{path}" + (f"?{urlencode(query)}" if query else "")

    def _is_ours(self, url: str) -> bool:
        """The token may be shown there."""
        try:
            return urlsplit(url)[:2] == urlsplit(self.place.api)[:2]
        except ValueError:
            return False

    def _ask(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The answer to one request, after as many tries as it may have."""
        what = f"{method} {urlsplit(url).path}"
        patience, redirects = self.patience, 0
        tries = TRIES
        while True:
            self._refuse_held(what)
            try:
                answer = self._exchange(method, url, body, headers)
            except NoReply as error:
                tries -= 1
                if tries > 0 and (method in REPEATABLE or not error.sent):
                    self._breathe(tries)
                    continue
                raise GitHubError(
                    f"GitHub ({self.place.api}) gives no answer to {what}: {error}; check the "
                    "network",
                    passing=True,
                ) from None
            wait = self._limit(answer)
            if wait is not None:
                if wait > patience:
                    raise self._limited(wait)
                patience -= wait
                self.pause(wait)
                self._held_until = 0.0
            elif answer.status in (301, 302, 307, 308):
                redirects += 1
                url = self._elsewhere(url, answer, redirects)
            elif answer.status >= 500 and method in REPEATABLE and tries > 1:
                tries -= 1
                self._breathe(tries)
            elif answer.status >= 400:
                raise refusal(what, answer, self.redactor.text)
            else:
                return answer

    def _exchange(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        assert self._is_ours(url)
        sent = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "X-GitHub-Api-Version": VERSION,
            **({"Content-Type": "application/json"} if body else {}),
            **headers,
        }
        call = Call(method=method, url=url, headers=sent, body=body or None, proxy=self.proxy)
        return exchange(call, seconds=self.seconds, most=LARGEST)

    def _elsewhere(self, url: str, answer: Reply, redirects: int) -> str:
        """Where a redirect leads, when that is the same host."""
        to = _joined(url, answer.headers.get("location", ""))
        if not self._is_ours(to):
            host = urlsplit(to).netloc[:100]
            raise GitHubError(
                f"GitHub ({self.place.api}) sends us to another host ({host}), which is not shown "
                "the token; set GITHUB_REPO to the right address"
            )
        if redirects > MOST_REDIRECTS:
            raise GitHubError(f"GitHub ({self.place.api}) sends us in circles; check GITHUB_REPO")
        return to

    def _limit(self, answer: Reply) -> float | None:
        """Seconds to wait when the answer says that we ask too much."""
        left = _number(answer.headers.get("x-ratelimit-remaining", ""))
        reset = _number(answer.headers.get("x-ratelimit-reset", ""))
        if left is not None:
            self.remaining, self.resets_at = int(left), reset or 0.0
        if answer.status not in (403, 429):
            return None
        after = _number(answer.headers.get("retry-after", ""))
        now, spent = time.time(), left == 0
        if after is None and spent and reset is not None and reset >= now:  # else a clock is wrong
            after = reset - now + 1.0
        told = spent or answer.status == 429 or "rate limit" in said_by(answer).lower()
        if after is None and told:
            after = SECONDARY_SECONDS
        if after is None:
            return None
        wait = min(max(after, LEAST_SECONDS), 3600.0)
        self._held_until = time.monotonic() + wait
        return wait

    def _refuse_held(self, what: str) -> None:
        """Nothing is asked while a limit holds: that would only prolong it."""
        left = self._held_until - time.monotonic()
        if left > 0:
            raise self._limited(left)

    def _limited(self, wait: float) -> GitHubError:
        return GitHubError(
            f"GitHub's rate limit holds for {wait:.0f} s more; it goes on after that",
            status=429,
            passing=True,
            wait=wait,
        )

    def _breathe(self, tries_left: int) -> None:
        self.pause(2.0 ** (TRIES - 1 - tries_left) * random.uniform(0.5, 1.0))


def _document(answer: Reply) -> Any:
    if answer.status in (204, 205) or not answer.body:
        return None
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise GitHubError(
            "GitHub answers with something that is no JSON; check GITHUB_REPO and any proxy",
            passing=True,
        ) from None


def _joined(url: str, reference: str) -> str:
    """Nothing when no address comes of it."""
    try:
        return urljoin(url, reference)
    except ValueError:
        return ""


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
