"""Where the programs of this machine are: what contained programs must be able to read and run."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from axon import resources

SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix", "/gnu", "/snap",
    "/etc", "/run/current-system", "/run/systemd/resolve", "/run/resolvconf",
    "/var/lib/dpkg", "/var/lib/ca-certificates", "/var/cache/fontconfig",
)  # fmt: skip
HOMES = ("VIRTUAL_ENV", "CONDA_PREFIX", "JAVA_HOME", "GOROOT", "RUSTUP_HOME", "PYENV_ROOT",
         "NVM_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
         "NODE_EXTRA_CA_CERTS")  # fmt: skip
BESIDE_PROGRAMS = (
    "lib", "lib64", "libexec", "include", "versions", "installs", "plugins", "toolchains", "tools",
    "pyvenv.cfg", "share/pipx", "share/uv", "share/man", "share/mise", "pipx", "install",
)  # fmt: skip
PROGRAMS = frozenset({"bin", "sbin", "shims", "condabin"})


def places(environ: Mapping[str, str], path: str) -> list[str]:
    """Folders and files, those of the system first; nothing of them need exist."""
    home = environ.get("HOME") or "/"
    found = [*SYSTEM, *_pythons()]
    for entry in path.split(os.pathsep):
        found += _around(entry)
    found += [environ[name] for name in HOMES if environ.get(name)]
    found += [f"{home}/.pyenv", f"{home}/.rustup"]
    return list(dict.fromkeys(_fit(found, home)))


def _pythons() -> Iterator[str]:
    """This Python, which starts contained programs, and axon, which it imports for that."""
    yield from (sys.executable, os.path.realpath(sys.executable), sys.prefix, sys.base_prefix)
    archive = resources.archive_path()
    inside = archive or Path(resources.import_path(), "axon")
    yield os.path.abspath(inside)


def _around(folder: str) -> Iterator[str]:
    """A folder of PATH, and what its programs need beside it."""
    if not os.path.isabs(folder):
        return
    yield folder
    top, name = os.path.split(folder.rstrip("/"))
    if name in PROGRAMS and top not in ("", "/"):
        yield from (os.path.join(top, below) for below in BESIDE_PROGRAMS)
        yield from _base_of(top)


def _base_of(environment: str) -> Iterator[str]:
    """A virtual environment borrows the library of another Python."""
    try:
        rows = Path(environment, "pyvenv.cfg").read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for row in rows:
        key, _, value = row.partition("=")
        if key.strip() == "home" and os.path.isabs(value.strip()):
            yield os.path.dirname(value.strip().rstrip("/"))


def _fit(paths: Iterable[str], home: str) -> Iterator[str]:
    """Absolute, there, and not the person's home nor a folder around it."""
    around = os.path.realpath(home)
    for path in paths:
        if os.path.isabs(path) and os.path.exists(path):
            real = os.path.realpath(path)
            if real == "/" or (around + "/").startswith(real.rstrip("/") + "/"):
                continue
            yield os.path.normpath(path)
            if real != path:
                yield real
