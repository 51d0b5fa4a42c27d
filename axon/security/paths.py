"""Which files an agent may read and write, decided on where a path really leads."""

import os
import re
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from axon.security.lists import names

# Never written by an agent, also when they do not exist yet: they decide what runs, and as whom.
PROTECTED = frozenset({".git", ".claude", ".mcp.json", ".axon"})
# Never read: file names, endings, folders.
SECRET_NAMES = names("""
    .env .netrc _netrc .git-credentials .pypirc .pgpass .my.cnf .vault-token .htpasswd .dockercfg
    .npmrc .yarnrc.yml id_rsa id_dsa id_ecdsa id_ed25519 .credentials.json credentials.json
    service-account.json secrets.yaml secrets.yml secrets.json .bash_history .zsh_history
    .python_history trust.json
    """)
SECRET_ENDINGS = (".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk")
SECRET_FOLDERS = names(".ssh .gnupg .aws .azure .kube .docker .password-store .mozilla keyrings")
SECRET_PAIRS = frozenset(
    (".config", name) for name in ("gcloud", "gh", "hub", "axon", "op", "chromium", "google-chrome")
) | {("run", "secrets")}
EXAMPLES = frozenset({"example", "sample", "template", "dist", "defaults", "schema"})
SYSTEM_SECRETS = (
    "/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/ssh/", "/dev/mem", "/dev/kmem", "/dev/sd",
    "/dev/nvme", "/dev/vd", "/dev/disk", "/proc/kcore", "/proc/kmem",
)  # fmt: skip
DEVICES = frozenset(
    f"/dev/{name}" for name in ("null", "stdin", "stdout", "stderr", "tty", "zero", "full")
)

_PROC = re.compile(
    r"/proc/[^/]+/(?:task/[^/]+/)?(?:environ|mem|maps|root|cwd|fd|map_files|pagemap|auxv)(?:/|$)"
)
_SOCKET = re.compile(r"/(?:var/)?run/(?:docker|containerd|podman|crio|dbus|systemd)\b")
_SHORT = re.compile(r"(git|claude|mcp|axon|env)~\d+$")  # the short names of FAT and NTFS


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where one session works."""

    workspace: Path
    temporary: Path
    home: Path  # the session's own, not the person's

    def writable(self) -> tuple[str, str]:
        return os.path.realpath(self.workspace), os.path.realpath(self.temporary)


def folded(name: str) -> str:
    """The name as the most careless file system would see it: case, forms, invisible characters."""
    if name.isascii():
        plain = name.lower()
    else:
        shown = (c for c in name if unicodedata.category(c) not in ("Cf", "Mn"))
        plain = unicodedata.normalize("NFKC", "".join(shown)).casefold()
    plain = plain.split(":", 1)[0] if "::" in plain or plain.endswith(":$data") else plain
    plain = plain.rstrip(" .") or plain
    short = _SHORT.match(plain)
    return f".{short[1]}" if short else plain


def real(path: str, folder: str) -> str:
    """Where `path` leads from `folder`: links followed, also dangling and in missing parents."""
    plain = os.path.normpath(os.path.join(folder, path))
    if plain in DEVICES or plain.startswith("/dev/fd/"):
        return plain  # its links lead to what this process has open, not the agent's
    return os.path.realpath(os.path.join(folder, path))


def why_not_written(path: str, places: Places) -> str:
    """Why an agent may not write the resolved `path`; empty when it may."""
    if path in DEVICES or path.startswith("/dev/fd/"):
        return ""
    for top in places.writable():
        if path == top or path.startswith(top + "/"):
            return _within(path[len(top) + 1 :], path)
    return f"{path} is outside the workspace; write inside {places.workspace}, or to $TMPDIR"


def _within(inner: str, path: str) -> str:
    for name in inner.split("/"):
        if folded(name) in PROTECTED or folded(name) in (".mcp", ".axon"):
            return f"{inner} is protected: agents do not write {'/'.join(sorted(PROTECTED))}"
    if reason := secret(inner):
        return reason
    try:
        facts = os.lstat(path)
    except (OSError, ValueError):
        return ""
    if stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1:
        return f"{inner} is hard-linked to a file elsewhere; remove it and write it anew"
    if not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)):
        return f"{inner} is no ordinary file"
    return ""


def why_not_read(path: str, places: Places) -> str:
    """Why an agent may not read the resolved `path`; empty when it may."""
    for top in (*places.writable(), os.path.realpath(places.home)):
        if path == top or path.startswith(top + "/"):
            return secret(path[len(top) :])
    names = [folded(name) for name in path.split("/")]
    if ".axon" in names:
        return f"{path} is axon's own state; the task's text and the axon tools tell what is needed"
    return secret(path)


def secret(path: str) -> str:
    """Why the name of `path` says that it holds secrets; empty when it does not."""
    names = [folded(name) for name in path.split("/") if name]
    if not names:
        return ""
    for folder, name in zip(names, names[1:], strict=False):
        if (folder, name) in SECRET_PAIRS:
            return _kept(path)
    if any(name in SECRET_FOLDERS for name in names) or is_secret_name(names[-1]):
        return _kept(path)
    plain = "/" + "/".join(names)
    if plain.startswith(SYSTEM_SECRETS) or _PROC.match(plain) or _SOCKET.match(plain):
        return _kept(path)
    return ""


def is_secret_name(name: str) -> bool:
    """Whether a file of this name holds secrets, to judge by the (folded) name."""
    if name in SECRET_NAMES or (name.endswith(SECRET_ENDINGS) and len(name) > 5):
        return True
    if name.startswith(".env.") or name.startswith(".envrc"):
        return not EXAMPLES & set(name.split(".")[2:])
    return name.startswith(("id_rsa.", "id_ed25519.")) and not name.endswith(".pub")


def _kept(path: str) -> str:
    shown = path if len(path) < 120 else "…" + path[-119:]
    return f"{shown} may hold secrets, which agents do not read; ask the person for what you need"
