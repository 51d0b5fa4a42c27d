"""Which files hold secrets, by their names: contained programs do not get to see them."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

MOST_ENTRIES = 20_000  # looked at in one project; folders beyond are hidden whole
SECRET = re.compile(
    r"""\.env(rc|\..*)? | .*\.env | [._]netrc | \.npmrc | \.pypirc | \.git-credentials | \.pgpass
    | \.my\.cnf | \.htpasswd | id_(rsa|dsa|ecdsa|ed25519)(_sk)? | .*\.(pem|key|p12|pfx|jks|ppk)
    | .*\.(keystore|kdbx|tfstate) | (application_default_)?credentials(\.\w+)?
    | .*service[-_]?account.*\.json | secrets?\.(ya?ml|json|toml|ini)
    | \.ssh | \.aws | \.azure | \.gnupg | \.kube | \.docker | \.terraform\.d | \.password-store
    | \.claude\.json | \.vault-token | \.bash_history | \.zsh_history | \.python_history""",
    re.VERBOSE | re.IGNORECASE,
)
HARMLESS = re.compile(r".*\.(example|sample|template|dist|defaults?|pub)", re.IGNORECASE)
TOOL_TREES = frozenset(
    {
        "node_modules",
        ".venv",
        "venv",
        ".git",
        ".axon",
        "target",
        "dist",
        "build",
        "vendor",
        "__pycache__",
        ".tox",
        ".nox",
        "site-packages",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".gradle",
        ".next",
        "bower_components",
    }
)  # fmt: skip; # what is in them was downloaded or made
IN_ETC = (
    "shadow", "shadow-", "gshadow", "gshadow-", "sudoers", "sudoers.d", "ssl/private",
    "pki/tls/private", "letsencrypt", "wireguard", "openvpn", "ipsec.secrets", "ipsec.d", "ppp",
    "NetworkManager", "wpa_supplicant", "netplan", "krb5.keytab", "docker", "kubernetes",
    "rancher", "security/opasswd", "mysql/debian.cnf", "crypttab", "credstore",
    "credstore.encrypted", "cloud", "exim4/passwd.client", "postfix/sasl_passwd",
    "ssh/ssh_host_rsa_key", "ssh/ssh_host_ecdsa_key", "ssh/ssh_host_ed25519_key",
    "ssh/ssh_host_dsa_key",
)  # fmt: skip


def is_secret(name: str) -> bool:
    """Whether a file or folder of this name is taken to hold secrets."""
    return bool(SECRET.fullmatch(name)) and not HARMLESS.fullmatch(name)


def in_system() -> list[str]:
    return [path for name in IN_ETC if os.path.exists(path := f"/etc/{name}")]


def in_project(root: Path) -> list[str]:
    """Secrets below `root`, and what was not looked at for there is too much of it."""
    return list(_search(str(root)))


def _search(root: str) -> Iterator[str]:
    seen, waiting = 0, [root]
    while waiting:
        folder = waiting.pop(0)
        if seen > MOST_ENTRIES:
            yield folder
            continue
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        seen += len(entries)
        for entry in entries:
            if is_secret(entry.name):
                yield entry.path
            elif entry.name not in TOOL_TREES and entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)


def carve(root: str, holes: list[str]) -> Iterator[str]:
    """Paths that together are `root` without the holes: Landlock can give, not take away."""
    inside = [hole for hole in holes if hole == root or hole.startswith(root.rstrip("/") + "/")]
    if not inside:
        yield root
    elif root not in inside:
        try:
            names = sorted(os.listdir(root))
        except OSError:
            return
        for name in names:
            yield from carve(os.path.join(root, name), inside)
