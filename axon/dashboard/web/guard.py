"""Who may come in: from this host's own page, or with the token, and from nowhere else."""

import hashlib
import hmac
import re
from dataclasses import field

from axon.dashboard.web.answer import Refusal
from axon.dashboard.web.head import Head, bad
from axon.facts import dataclass

HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::(\d{1,5}))?")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
SAFE = ("GET", "HEAD")
COOKIE_SECONDS = 90 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """`token` empty: everybody on this host may come in. `names`: further NAME or NAME:PORT."""

    port: int
    token: str = field(default="", repr=False)
    names: frozenset[str] = frozenset()
    remote: bool = False  # bound to more than the loopback: any address of ours is a name
    cookie: str = "axon"

    def check_place(self, head: Head) -> None:
        """Refusal: the request was meant for somebody else, or another site sent it."""
        host = head.headers.get("host")
        if host is None:
            raise bad("the Host header is missing")
        found = HOST.fullmatch(host.lower())
        if found is None:
            raise bad("the Host header is no host")
        if not self._is_ours(found[1], found[2] or "80"):
            raise Refusal(421, "misdirected", f"{host[:100]} is no name of this server")
        origin = head.headers.get("origin")
        if origin is not None and not self._same(origin, host):
            raise Refusal(403, "forbidden", "requests from other sites are refused")
        site = head.headers.get("sec-fetch-site", "none")
        visit = head.method in SAFE and not head.path.startswith("/api")
        visit = visit and head.headers.get("sec-fetch-mode", "navigate") == "navigate"
        if site not in ("same-origin", "none") and not visit:
            raise Refusal(403, "forbidden", "requests from other sites are refused")

    def _is_ours(self, name: str, port: str) -> bool:
        if name in self.names or f"{name}:{port}" in self.names:
            return True
        if self.remote:
            return name == "localhost" or _is_address(name)
        return name in LOOPBACK and int(port) == self.port

    def _same(self, origin: str, host: str) -> bool:
        scheme, _, authority = origin.partition("://")
        schemes = ("http", "https") if self.remote or self.names else ("http",)
        return scheme in schemes and authority.lower() == host.lower()

    def check_person(self, head: Head) -> None:
        """Refusal: no token, or a browser was made to send what its page did not."""
        if head.method not in SAFE:
            kind = head.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                raise Refusal(415, "unsupported_media", "send Content-Type: application/json")
        if not self.token:
            if head.method not in SAFE and head.headers.get("x-axon") != "1":
                raise Refusal(403, "forbidden", "without a token, writes need the header X-Axon: 1")
            return
        shown = head.headers.get("authorization")
        if shown is not None:
            scheme, _, word = shown.partition(" ")
            if scheme.lower() != "bearer" or not self.opens(word.strip()):
                raise _unauthorized("the token is wrong; the one printed at the start is right")
        elif not self._knows(head.headers.get("cookie", "")):
            raise _unauthorized("log in with the token that was printed at the start")
        elif head.method not in SAFE and head.headers.get("x-axon") != "1":
            raise Refusal(403, "forbidden", "writes by cookie need the header X-Axon: 1")

    def opens(self, word: str) -> bool:
        return not self.token or hmac.compare_digest(word.encode("utf-8", "replace"), self._bytes)

    @property
    def _bytes(self) -> bytes:
        return self.token.encode("utf-8", "surrogateescape")

    @property
    def pass_word(self) -> str:
        """What the cookie holds: it proves the token, and does not tell it."""
        return hmac.new(self._bytes, b"axon cookie 1", hashlib.sha256).hexdigest()

    def _knows(self, cookies: str) -> bool:
        found = [
            value
            for name, _, value in (part.strip().partition("=") for part in cookies.split(";"))
            if name == self.cookie
        ]
        return len(found) == 1 and hmac.compare_digest(
            found[0].encode("latin-1", "replace"), self.pass_word.encode()
        )

    def set_cookie(self, *, forget: bool = False) -> str:
        value, age = ("", 0) if forget else (self.pass_word, COOKIE_SECONDS)
        return f"{self.cookie}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict"


def _unauthorized(message: str) -> Refusal:
    return Refusal(401, "unauthorized", message, www_authenticate="Bearer")


def _is_address(name: str) -> bool:
    import ipaddress  # seldom needed, and long to import

    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
