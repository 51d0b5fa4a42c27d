"""Which repository is meant, and where its host answers."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from axon.errors import UsageError

PUBLIC = "github.com"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHORT = re.compile(r"([^/\s:@]+)/([^/\s:@]+)")
_SCP = re.compile(r"(?:[^@/\s]+@)?([^:/\s]+):(?!//)/?(.+)")
LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One repository on one host. `site`: "https://github.com"."""

    site: str
    owner: str
    name: str

    @property
    def full(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def api(self) -> str:
        """The only address the token is sent to, besides `url` for git."""
        host = urlsplit(self.site).netloc
        apart = host == PUBLIC or host.endswith(".ghe.com")  # the latter: kept in one country
        return f"https://api.{host}" if apart else f"{self.site}/api/v3"

    @property
    def url(self) -> str:
        """What git pushes to and fetches from."""
        return f"{self.site}/{self.full}.git"


def place_of(text: str, where: str) -> Place:
    """The repository that `text` names. UsageError: it names none; `where` says who said it.

    OWNER/NAME, https://HOST/OWNER/NAME(.git), ssh://git@HOST/OWNER/NAME, git@HOST:OWNER/NAME.
    """
    text = text.strip()
    short = _SHORT.fullmatch(text)
    if short:
        return _place(f"https://{PUBLIC}", f"{short[1]}/{short[2]}", where)
    if "://" not in text and (scp := _SCP.fullmatch(text)):
        return _place(_site("https", scp[1].lower(), where), scp[2], where)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _wrong(where) from None
    host = (parts.hostname or "").lower()
    if parts.scheme in ("ssh", "git+ssh", "git"):
        return _place(_site("https", host, where), parts.path, where)
    if parts.scheme not in ("https", "http") or not host:
        raise _wrong(where)
    host = f"[{host}]" if ":" in host else host
    netloc = f"{host}:{port}" if port else host
    return _place(_site(parts.scheme, netloc, where), parts.path, where)


def _site(scheme: str, netloc: str, where: str) -> str:
    if netloc in ("ssh.github.com", f"www.{PUBLIC}"):
        netloc = PUBLIC
    host = netloc.rpartition(":")[0] if netloc.rpartition(":")[2].isdigit() else netloc
    known = re.fullmatch(r"[a-z0-9.:\[\]-]+", netloc)
    if not known or ("." not in host and host not in LOOPBACK):  # an alias of ssh: no host of TLS
        raise _wrong(where)
    if scheme == "http" and host not in LOOPBACK:
        raise UsageError(
            f"{where} names an address without TLS, and a token would be read on its way there; "
            "use https://"
        )
    return f"{scheme}://{netloc}"


def _place(site: str, path: str, where: str) -> Place:
    owner, _, name = path.strip("/").removesuffix(".git").partition("/")
    if not _NAME.fullmatch(owner) or not _NAME.fullmatch(name.rstrip("/")) or name in (".", ".."):
        raise _wrong(where)
    return Place(site=site, owner=owner, name=name)


def _wrong(where: str) -> UsageError:
    return UsageError(
        f"{where} names no GitHub repository; set GITHUB_REPO to OWNER/NAME, or to "
        "https://HOST/OWNER/NAME of an enterprise host"
    )
