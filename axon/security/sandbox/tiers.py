"""Which tier this machine can do: tried, not guessed, and never less than was asked for."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from axon import resources
from axon.config import Config
from axon.errors import UsageError
from axon.security.launcher import kernel, landlock
from axon.security.sandbox import bubblewrap, tools
from axon.security.sandbox.bounds import Place
from axon.security.sandbox.contained import Sandbox, Tier

TRY_SECONDS = 20.0
TRIAL_PREFIX = "axon-try-"
PORTS_ABI = 4
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
TIERS: tuple[Tier, ...] = ("bubblewrap", "landlock", "sandbox-exec")
WITHOUT = "--unsafe-no-sandbox runs agents with all your rights"

# Run inside: must fail to read and to write outside, and must be able to work inside.
TRIAL = """\
import os, sys
outside, secret, inside = sys.argv[1:]
open(os.path.join(inside, "made"), "w").close()
os.chmod(os.path.join(inside, "made"), 0o700)
for path, mode in ((os.path.join(outside, "made"), "w"), (secret, "r")):
    try:
        open(path, mode).close()
    except OSError:
        continue
    sys.exit("it lets programs out")
"""


def choose(config: Config, root: Path, common: Path) -> Sandbox:
    """The best tier that holds here. UsageError says why there is none, and what to do."""
    base = _base(config, root, common)
    if config.no_sandbox:
        return replace(base, tier="none")
    reasons = []
    for tier in TIERS if config.sandbox_tier == "auto" else (config.sandbox_tier,):
        found = _tried(replace(base, tier=tier), config)  # type: ignore[arg-type]
        if isinstance(found, Sandbox):
            return found
        reasons.append(f"{tier}: {found}")
    raise UsageError(
        f"nothing here can contain agents ({'; '.join(reasons)}); install bubblewrap, or "
        f"accept that {WITHOUT}"
    )


def _base(config: Config, root: Path, common: Path) -> Sandbox:
    path = config.environ.get("PATH") or DEFAULT_PATH
    ports = {"open": None, "model-only": (), "ports": config.sandbox_ports}[config.sandbox_network]
    return Sandbox(
        tier="none",
        project=root,
        common=common,
        ports=ports,
        imports=os.path.abspath(resources.import_path()),
        tools=tuple(tools.places(config.environ, path)),
        shown=tuple(_expanded(config.sandbox_read, config.environ)),
        written=tuple(_expanded(config.sandbox_write, config.environ)),
    )


def _expanded(paths: tuple[str, ...], environ: Mapping[str, str]) -> Iterator[str]:
    home = environ.get("HOME", "")
    for path in paths:
        full = f"{home}{path[1:]}" if path == "~" or path.startswith("~/") else path
        if not os.path.isabs(full) or ".." in Path(full).parts:
            raise UsageError(f"sandbox: {path!r} must be a whole path, or begin with ~/")
        yield os.path.realpath(full)


def _tried(sandbox: Sandbox, config: Config) -> Sandbox | str:
    """The tier as it is here, or why it is not."""
    if (sandbox.tier == "sandbox-exec") != (sys.platform == "darwin"):
        return "not on this system"
    kinds: dict[str, Callable[[Sandbox, str], Sandbox | str]] = {
        "bubblewrap": _bubblewrap,
        "landlock": _landlock,
        "sandbox-exec": _sandbox_exec,
    }
    found = kinds[sandbox.tier](sandbox, config.environ.get("PATH") or DEFAULT_PATH)
    return found if isinstance(found, str) else _proven(found)


def _bubblewrap(sandbox: Sandbox, path: str) -> Sandbox | str:
    program = shutil.which("bwrap", path=f"{path}{os.pathsep}{DEFAULT_PATH}")
    if program is None:
        return "bwrap is not installed"
    bounded = bubblewrap.can_bound(program)
    return _with_kernel(replace(sandbox, program=program, bounded=bounded))


def _landlock(sandbox: Sandbox, path: str) -> Sandbox | str:
    found = _with_kernel(sandbox)
    if isinstance(found, Sandbox) and not found.abi:
        return "the kernel has no Landlock, or it is switched off"
    return found


def _with_kernel(sandbox: Sandbox) -> Sandbox | str:
    """The same with what the kernel can do; why not, when ports cannot be closed as asked."""
    if kernel.MACHINE not in kernel.COLUMNS:
        return f"no filter of system calls for {kernel.MACHINE or 'this machine'}"
    abi, local = _abi(), kernel.can_share()
    if sandbox.ports is not None and abi < PORTS_ABI and not local:
        return "this kernel cannot close ports (sandbox.network must be open)"
    return replace(sandbox, abi=abi, local=local)


def _sandbox_exec(sandbox: Sandbox, path: str) -> Sandbox | str:
    program = shutil.which("sandbox-exec", path="/usr/bin")
    return replace(sandbox, program=program) if program else "sandbox-exec is missing"


def _abi() -> int:
    return min(landlock.abi(), landlock.NEWEST_ABI)


def trial_folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder for something that is only tried; `clear_trials` finds it when we are killed."""
    return tempfile.TemporaryDirectory(prefix=f"{TRIAL_PREFIX}{os.getpid()}-")


def clear_trials(now: float | None = None) -> int:
    """Remove the folders of trials whose process was killed; how many there were."""
    now, count = time.time() if now is None else now, 0
    for folder in Path(tempfile.gettempdir()).glob(f"{TRIAL_PREFIX}*"):
        with suppress(OSError):
            facts = folder.lstat()
            ours = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid()
            # another container may share the folder, but not our process numbers
            if ours and now - facts.st_mtime > 2 * TRY_SECONDS and not _is_alive(folder.name):
                shutil.rmtree(folder, ignore_errors=True)
                count += 1
    return count


def _is_alive(name: str) -> bool:
    """Whether the process lives that made the folder `name`."""
    pid = name.removeprefix(TRIAL_PREFIX).partition("-")[0]
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError, OverflowError):  # ValueError: of an older axon
        return False
    except PermissionError:
        pass
    return True


def _proven(sandbox: Sandbox) -> Sandbox | str:
    """Try it: a program that only looks like bwrap, or a kernel that says no, is found out here."""
    clear_trials()
    with trial_folder() as name:
        top = Path(name).resolve()
        place = Place(workspace=top / "in", home=top / "in/home", temporary=top / "in/tmp")
        for folder in (*place.folders, str(top / "out")):
            Path(folder).mkdir()
        secret = top / "out" / "secret"
        secret.write_text("secret")
        trial = replace(sandbox, project=place.workspace, common=top / "none", written=(), shown=())
        given = [str(top / "out"), str(secret), str(place.workspace)]
        words = trial.at(place).around([sys.executable, "-I", "-S", "-c", TRIAL, *given])
        return _outcome(words, place) or sandbox


def _outcome(words: list[str], place: Place) -> str:
    """Why the trial failed, in one line; empty when it did not."""
    environment = {"PATH": DEFAULT_PATH, "HOME": str(place.home), "LC_ALL": "C"}
    try:
        done = subprocess.run(
            words,
            cwd=place.workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRY_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"a trial took more than {TRY_SECONDS:g} s"
    except OSError as error:
        return f"cannot be run ({error.strerror})"
    if done.returncode == 0:
        if (place.workspace.parent / "out" / "made").exists():
            return "it lets programs out"
        return "" if (place.workspace / "made").exists() else "it did not run the trial"
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    how = signal.Signals(-done.returncode).name if done.returncode < 0 else f"{done.returncode}"
    return f"not permitted here ({said[-1][:160] if said else f'exit {how}'})"
