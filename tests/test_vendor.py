"""The engine's way to disk: whole or not there, once, and never where others can write."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import build_zipapp
from axon.commands.cache import Entry, unused
from axon.engines import vendor
from axon.resources import Blob, this_target
from tests.drive import wait_for

MODULE = b'"""Stands for the SDK."""\nVALUE = 42\n'
PAYLOAD = b"\0" * (3 << 20)


def small_archive(core: Path, out: Path, *, flavour: str = "full", target: str = "") -> Path:
    """The built core with a small engine in it: the product's own code, unpacked in no time."""
    engine = out.with_name("engine.zip")
    build_zipapp.write_zip(engine, {"claude_agent_sdk/__init__.py": MODULE, "payload": PAYLOAD})
    cli = out.with_name("claude")
    cli.write_text("#!/bin/sh\necho 1.2.3\n")
    sources = [("engine.zip", engine, False), ("claude", cli, True)][
        : 2 if flavour == "full" else 1
    ]
    blobs = [
        build_zipapp.make_blob(
            name, build_zipapp.file_hash(path), path.stat().st_size, path, executable
        )
        for name, path, executable in sources
    ]
    with zipfile.ZipFile(core) as archive:
        entries: dict[str, build_zipapp.Entry] = {n: archive.read(n) for n in archive.namelist()}
        info = json.loads(archive.read("BUILD.json"))
    names = [blob.name for blob in blobs]
    facts = {"engine": names[0], "cli": names[1] if flavour == "full" else "", "blobs": names}
    info |= {"flavour": flavour, "targets": {target or this_target(): facts}}
    info["blobs"] = {
        blob.name: {"sha256": blob.sha256, "size": blob.size, "executable": blob.executable}
        for blob in blobs
    }
    entries |= {f"blobs/{blob.name}": blob.source for blob in blobs}
    entries["BUILD.json"] = json.dumps(info).encode()
    build_zipapp.write_archive(out, entries)
    return out


@pytest.fixture
def small(core_pyz: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    return small_archive(core_pyz, folder / "axon.pyz")


def script(before: str = "", after: str = "") -> str:
    """A program that activates the engine of the archive on its PYTHONPATH and prints its paths."""
    return f"""
import os, sys
from axon.engines import vendor
from axon.errors import AxonError
{before}
try:
    paths = vendor.activate(os.environ, say=lambda text: print("said", text))
except AxonError as error:
    print(error)
    sys.exit(error.exit_code)
print(*paths.python_path, paths.cli)
{after}
"""


def start(archive: Path, code: str, **environ: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-S", "-c", code],  # not what the tests have installed
        env={"PYTHONPATH": str(archive), "PATH": os.environ["PATH"], **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, out


def activate(archive: Path, before: str = "", after: str = "", **environ: str) -> tuple[int, str]:
    return finish(start(archive, script(before, after), **environ))


def axon(archive: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(archive), *arguments],
        env={"PATH": os.environ["PATH"], **environ},
        cwd=archive.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def listing(folder: Path) -> dict[str, tuple[int, int, int]]:
    facts = {path.name: path.stat() for path in folder.iterdir()}
    return {name: (f.st_ino, f.st_size, f.st_mtime_ns) for name, f in facts.items()}


# ── the real engine ──

IMPORTS = """
import claude_agent_sdk, mcp.server, mcp.client, mcp.types, opentelemetry.propagators.textmap
import importlib.metadata, jsonschema
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives import serialization
import cryptography.x509, _cffi_backend, pydantic, rpds
class Model(pydantic.BaseModel):
    number: int
assert Model.model_validate_json('{"number": 1}').number == 1
jsonschema.validate({}, {"$schema": "https://json-schema.org/draft/2020-12/schema"})
assert rsa.generate_private_key(65537, 1024).key_size == 1024
places = {m: sys.modules[m].__file__ for m in ("claude_agent_sdk", "mcp", "pydantic", "rpds")}
assert all(".zip/" in place for place in places.values()), places
print("works", importlib.metadata.version("claude-agent-sdk"), importlib.metadata.version("mcp"))
"""


def test_real_engine_imports_here_and_in_a_child(pyz: Path, engine_cache: Path) -> None:
    command = f"[sys.executable, '-S', '-c', {'import sys' + IMPORTS!r}]"
    environ = "{'PYTHONPATH': os.pathsep.join(paths.python_path)}"
    child = f"import subprocess; subprocess.run({command}, env={environ}, check=True)"
    cli = "; subprocess.run([paths.cli, '--version'], check=True, env={'PATH': '/usr/bin:/bin'})"
    after = f"{IMPORTS}sys.stdout.flush(); {child}{cli}"

    code, out = activate(pyz, after=after, AXON_CACHE_DIR=str(engine_cache))

    assert code == 0, out
    pinned = dict(pin.split("==") for pin in build_zipapp.pins())
    works = f"works {pinned['claude-agent-sdk']} {pinned['mcp']}"
    assert out.splitlines()[-3:-1] == [works, works]
    assert out.splitlines()[-1].endswith("(Claude Code)")


def test_killed_while_unpacking_leaves_nothing_half(pyz: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    process = start(pyz, script(), AXON_CACHE_DIR=str(cache))
    wait_for(lambda: any(p.stat().st_size for p in cache.glob(".claude-*.part")))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not list(cache.glob("claude-*"))
    assert list(cache.glob(".claude-*.part"))

    code, out = activate(pyz, AXON_CACHE_DIR=str(cache))

    assert code == 0
    assert "said unpacking the agent engine, 363 MB" in out  # the rest was there, and kept
    assert not list(cache.glob(".*.part"))
    shutil.rmtree(cache)


# ── the cache ──


def test_second_start_writes_nothing(small: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    code, first = activate(small, AXON_CACHE_DIR=str(cache))
    assert code == 0
    before = listing(cache)

    code, again = activate(
        small, "", "import claude_agent_sdk as s; print(s.VALUE)", AXON_CACHE_DIR=str(cache)
    )

    assert code == 0
    assert first.splitlines()[1:] == again.splitlines()[:1]
    assert again.splitlines()[1] == "42"
    assert listing(cache) == before
    assert cache.stat().st_mode & 0o777 == 0o700


def test_two_at_once_unpack_once(small: Path, tmp_path: Path) -> None:
    environ = {"AXON_CACHE_DIR": str(tmp_path / "cache")}
    slow = "write = vendor._write; import time\n"
    slow += "vendor._write = lambda *a: (time.sleep(0.5), write(*a))"
    both = [start(small, script(slow), **environ) for _ in range(2)]

    results = [finish(process) for process in both]

    assert [code for code, _ in results] == [0, 0]
    assert sum(out.count("said") for _, out in results) == 1
    assert len({out.splitlines()[-1] for _, out in results}) == 1


def test_holder_of_the_lock_is_not_waited_for_ever(small: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    with vendor.locked(cache):
        code, out = activate(small, "vendor.LOCK_SECONDS = 0.2", AXON_CACHE_DIR=str(cache))
    assert code == 5
    assert f"{cache}/.lock is held by another axon" in out


def test_damaged_file_in_the_cache_is_replaced(small: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    activate(small, AXON_CACHE_DIR=str(cache))
    engine = next(cache.glob("engine-*.zip"))
    os.truncate(engine, 100)
    next(cache.glob("claude-*")).chmod(0o600)
    (cache / ".engine-x.part").write_bytes(b"left by a kill")

    code, out = activate(small, "", "import claude_agent_sdk", AXON_CACHE_DIR=str(cache))

    assert code == 0, out
    assert "said" in out
    assert engine.stat().st_size > len(PAYLOAD)
    assert os.access(next(cache.glob("claude-*")), os.X_OK)
    assert not list(cache.glob(".*.part"))


@pytest.mark.parametrize("where", [-1, 0, 1])
def test_damaged_archive_is_named(small: Path, tmp_path: Path, where: int) -> None:
    """Whether the deflate stream, its checksum or its length is what went wrong."""
    with zipfile.ZipFile(small) as archive:
        info = next(i for i in archive.infolist() if i.filename.startswith("blobs/engine-"))
    damaged = bytearray(small.read_bytes())
    middle = info.header_offset + info.compress_size * (where + 2) // 4
    damaged[middle : middle + 8] = b"\xff" * 8
    small.write_bytes(damaged)

    code, out = activate(small, AXON_CACHE_DIR=str(tmp_path / "cache"))

    assert code == 5
    assert "is damaged at engine-" in out and "copy it again" in out
    assert [p.name for p in (tmp_path / "cache").iterdir()] == [".lock"]


# ── which folder ──


def test_order_of_roots(tmp_path: Path) -> None:
    environ = {
        "XDG_CACHE_HOME": "/x",
        "HOME": "/home/me",
        "TMPDIR": "/t",
        "XDG_RUNTIME_DIR": "/run/me",
    }
    user = os.geteuid()
    assert [str(root.path) for root in vendor.cache_roots(environ)] == [
        "/x/axon",
        "/home/me/.cache/axon",
        f"/var/tmp/axon-{user}",
        f"/t/axon-{user}",
        "/run/me/axon",
    ]
    assert [str(r.path) for r in vendor.cache_roots(environ, "/mine")] == ["/mine"]
    named = {**environ, "AXON_CACHE_DIR": "/mine"}
    assert [str(r.path) for r in vendor.cache_roots(named)] == ["/mine"]
    relative = [str(r.path) for r in vendor.cache_roots({"XDG_CACHE_HOME": "x", "HOME": ""})]
    assert relative == [f"/var/tmp/axon-{user}", f"/tmp/axon-{user}"]


def test_next_root_when_the_first_is_refused(small: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shared = tmp_path / "xdg" / "axon"
    shared.mkdir(parents=True)
    shared.chmod(0o777)

    code, out = activate(small, HOME=str(home), XDG_CACHE_HOME=str(shared.parent))

    assert code == 0
    assert str(home / ".cache" / "axon") in out.splitlines()[-1]
    assert list(shared.iterdir()) == []


def test_chosen_folder_is_used_or_an_error(small: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for chosen in (file, file / "below"):
        code, out = activate(small, AXON_CACHE_DIR=str(chosen), HOME=str(tmp_path))
        assert code == 5
        assert str(chosen) in out and out.count("\n") == 1
    assert not (tmp_path / ".cache").exists()


def refused(path: Path) -> str:
    with pytest.raises(vendor.Unusable) as reason:
        vendor.refuse(vendor.Root(path=path, owners=frozenset({os.geteuid(), 0})))
    return str(reason.value)


def test_folders_others_could_write_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir(mode=0o700)
    vendor.refuse(vendor.Root(path=root, owners=frozenset({os.geteuid()})))

    link = tmp_path / "link"
    link.symlink_to(root)
    assert refused(link) == "is a symbolic link"
    for mode in (0o720, 0o702):
        root.chmod(mode)
        assert refused(root).startswith("can be written by others")
    root.chmod(0o700)
    tmp_path.chmod(0o777)
    assert refused(root) == "lies in a folder that others can write"
    tmp_path.chmod(0o1777)  # as /tmp: nobody can move what is not theirs
    vendor.refuse(vendor.Root(path=root, owners=frozenset({os.geteuid()})))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folder_of_someone_else_is_refused(tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    root = outer / "root"
    root.mkdir(parents=True, mode=0o700)
    os.chown(outer, 12345, -1)
    assert refused(root) == "lies in a folder of user 12345"
    os.chown(root, 12345, -1)
    assert refused(root) == "belongs to user 12345"


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a small tmpfs with the options given; only root can."""
    point = tmp_path / "mount"
    point.mkdir(mode=0o700)

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "tmpfs", str(point)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not possible here")
        return point

    yield mount
    subprocess.run(["umount", str(point)], capture_output=True, check=False)


def test_noexec_is_named(small: Path, mounted: Callable[[str], Path]) -> None:
    point = mounted("noexec,size=16m")
    code, out = activate(small, AXON_CACHE_DIR=str(point))
    assert code == 5
    assert f"{point} is on a file system mounted noexec; set AXON_CACHE_DIR" in out
    assert list(point.iterdir()) == []


def test_too_little_space_is_seen_first(small: Path, mounted: Callable[[str], Path]) -> None:
    point = mounted("size=8m")
    code, out = activate(small, AXON_CACHE_DIR=str(point))
    assert code == 5
    assert f"{point} has too little space: " in out and "bytes needed, " in out and " free" in out
    assert [path.name for path in point.iterdir()] == [".lock"]


def test_disk_that_fills_meanwhile(small: Path, mounted: Callable[[str], Path]) -> None:
    point = mounted("size=2m")
    code, out = activate(small, "vendor.SPARE_BYTES = -1 << 40", AXON_CACHE_DIR=str(point))
    assert code == 5
    assert f"{point} is full: " in out and "bytes needed" in out and "free" in out
    assert [path.name for path in point.iterdir()] == [".lock"]


# ── flavours, prepared folders ──


def test_core_says_what_to_do(core_pyz: Path, tmp_path: Path) -> None:
    code, out = activate(core_pyz, HOME=str(tmp_path))
    assert code == 5
    assert "this axon.pyz (core) carries no engine for" in out
    assert "install claude-agent-sdk==" in out


def test_engine_for_another_python_is_named(core_pyz: Path, tmp_path: Path) -> None:
    archive = small_archive(core_pyz, tmp_path / "axon.pyz", target="cp399-linux_x86_64")
    code, out = activate(archive, HOME=str(tmp_path))
    assert code == 5
    assert f"no engine for {this_target()}, but for cp399-linux_x86_64; use one that does" in out


def test_slim_has_no_cli(core_pyz: Path, tmp_path: Path) -> None:
    archive = small_archive(core_pyz, tmp_path / "axon.pyz", flavour="slim")
    code, out = activate(archive, HOME=str(tmp_path))
    assert code == 0
    assert out.endswith(" None\n")


def test_own_cli_leaves_the_packed_one_packed(small: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    code = script().replace("os.environ,", "os.environ, packed_cli=False,")
    assert finish(start(small, code, AXON_CACHE_DIR=str(cache)))[1].endswith(" None\n")
    assert not list(cache.glob("claude-*"))


def test_checkout_uses_the_installed_sdk() -> None:
    pytest.importorskip("claude_agent_sdk")
    paths = vendor.activate({})
    assert paths.python_path == ()
    assert paths.cli is not None and paths.cli.name == "claude"


def test_prepared_folder_needs_no_cache(small: Path, tmp_path: Path) -> None:
    prepared = small.with_name(f"{small.name}.engine")
    done = axon(small, "cache", "unpack", "--to", str(prepared), HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    before = listing(prepared)

    code, out = activate(small, HOME=str(tmp_path / "home"))

    assert code == 0
    assert out.startswith(str(prepared))
    assert listing(prepared) == before
    assert not (tmp_path / "home").exists()

    next(prepared.glob("engine-*")).unlink()
    code, out = activate(small, HOME=str(tmp_path / "home"))
    assert code == 0
    assert str(tmp_path / "home" / ".cache" / "axon") in out.splitlines()[-1]


# ── axon cache ──


def test_cache_list_and_gc(small: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    environ = {"AXON_CACHE_DIR": str(cache)}
    activate(small, **environ)
    old, recent = (cache / f"{name}-{'0' * 32}" for name in ("old", "recent"))
    old.write_bytes(b"12345")
    os.utime(old, (time.time() - 8 * 86400,) * 2)
    recent.write_bytes(b"")
    (cache / "not-ours").write_bytes(b"")
    (cache / ".claude-x.part").write_bytes(b"")

    done = axon(small, "cache", "list", "--json", **environ)
    (root,) = json.loads(done.stdout)["roots"]
    assert root["path"] == str(cache) and root["refused"] == ""
    current = {file["name"].partition("-")[0]: file["current"] for file in root["files"]}
    assert current == {"claude": True, "engine": True, "old": False, "recent": False}
    assert "this build" in axon(small, "cache", "list", **environ).stdout

    assert axon(small, "cache", "gc", **environ).stdout == "removed 1 files, 5 bytes\n"
    assert {path.name for path in cache.iterdir()} >= {recent.name, "not-ours", ".lock"}
    assert not old.exists() and not list(cache.glob(".*.part"))

    assert axon(small, "cache", "gc", "--all", **environ).returncode == 0
    assert not recent.exists()
    assert len(list(cache.glob("engine-*"))) == len(list(cache.glob("claude-*"))) == 1


def test_use_keeps_a_file_from_gc(small: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    activate(small, AXON_CACHE_DIR=str(cache))
    engine = next(cache.glob("engine-*"))
    os.utime(engine, (0, 0))
    activate(small, AXON_CACHE_DIR=str(cache))
    assert time.time() - engine.stat().st_mtime < 3600


def test_what_gc_may_remove() -> None:
    entry = Entry(path=Path("x"), size=1, used_at=100.0, current=False)
    assert unused(entry, 100.0 + 60, 60)
    assert not unused(entry, 100.0 + 59, 60)
    assert not unused(entry, 50.0, 60)  # the clock went back
    assert not unused(Entry(path=Path("x"), size=1, used_at=0.0, current=True), 1e9, 0)


def test_unpack_to_a_bad_place(small: Path, tmp_path: Path, core_pyz: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    done = axon(small, "cache", "unpack", "--to", str(file))
    assert done.returncode == 1
    assert done.stderr == f"axon: {file}: File exists; choose another with --to\n"
    done = axon(core_pyz, "cache", "unpack", "--to", str(tmp_path / "x"))
    assert done.returncode == 2
    assert done.stderr.startswith("axon: this axon carries no engine to unpack; use")


# ── replaced under a running process ──


def test_replaced_archive_is_noticed(small: Path, tmp_path: Path) -> None:
    code = """
import os, sys, shutil
from axon import resources
name = resources.list_files("prompts")[0]
assert resources.read_bytes(name) and not resources.archive_changed()
path = resources.archive_path()
shutil.copy(path, f"{path}.new")
os.replace(f"{path}.new", path)
assert resources.archive_changed()
from axon.errors import AxonError
for read in (lambda: resources.read_text(name), lambda: resources.list_files("prompts")):
    try:
        read()
    except AxonError as error:
        print(error)
"""
    status, out = finish(start(small, code))
    assert status == 0
    assert out == f"{small} was replaced while it ran; start axon again\n" * 2


def test_missing_and_outside_files_are_not_found() -> None:
    from axon import resources

    for name in ("prompts/none.md", "prompts/../errors.py", "/etc/passwd", "static/none"):
        with pytest.raises(FileNotFoundError):
            resources.read_bytes(name)
    assert resources.list_files("none") == ()
    assert not resources.archive_changed()
    assert Blob(name="x", sha256="", size=0, executable=False)
