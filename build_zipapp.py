#!/usr/bin/env python3
"""Build axon.pyz, one file that runs wherever Python and git are, from this checkout."""

import argparse
import base64
import contextlib
import fcntl
import functools
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info < (3, 11):
    sys.exit("build_zipapp: Python 3.11 or newer is needed; run it with python3.11 or later")

import tomllib

from axon import __version__
from axon.resources import this_target

ROOT = Path(__file__).resolve().parent
BUILD = ROOT / "build"
WHEELS = BUILD / "wheels"
ENGINES = BUILD / "engines"
CLI = "claude_agent_sdk/_bundled/claude"
NATIVE = re.compile(r"\.(abi3|cpython-[\w-]+)\.so$")
UNUSED = re.compile(
    r"\.(pyi|h|so)$|/py\.typed$|/_bundled/|\.data/|\.dist-info/(RECORD|WHEEL|sboms/|direct_url)"
)
PLATFORMS = {
    "linux": [*(f"manylinux_2_{minor}" for minor in range(28, 16, -1)), "manylinux2014"],
    "musl": ["musllinux_1_2", "musllinux_1_1"],
    "macos": ["macosx_14_0"],
}

# Stands in the engine zip where an extension module would: zipimport cannot load one.
SHIM = '''\
"""Load the extension module that lies beside this archive."""
import importlib.machinery
import importlib.util
import os
import sys

_path = os.path.join(os.path.dirname(__loader__.archive), {name!r})
_loader = importlib.machinery.ExtensionFileLoader(__name__, _path)
_spec = importlib.util.spec_from_file_location(__name__, _path, loader=_loader)
sys.modules[__name__] = importlib.util.module_from_spec(_spec)
_loader.exec_module(sys.modules[__name__])
'''

COMPILE = """
import json, py_compile, sys
for source, shown in json.load(sys.stdin):
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    try:
        py_compile.compile(source, source + "c", shown, True, invalidation_mode=mode)
    except py_compile.PyCompileError as error:
        sys.exit("build_zipapp: " + error.msg)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    python: str  # cp312
    platform: str  # linux, musl, macos
    machine: str

    @property
    def name(self) -> str:
        return f"{self.python}-{self.platform}_{self.machine}"

    @property
    def version(self) -> str:
        return f"3.{self.python.removeprefix('cp3')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file inside a wheel."""

    wheel: Path
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A file that the product unpacks; `source` is a wheel's member or a file of ours."""

    name: str
    sha256: str
    size: int
    executable: bool
    source: Member | Path


Entry = bytes | Path | Member


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / ".lock", "ab") as lock:  # two builds share wheels and engine zips
        fcntl.flock(lock, fcntl.LOCK_EX)
        entries = collect(args.flavour, args.targets)
        write_archive(args.out, entries)
    print(f"{args.out}: {args.flavour}, {args.out.stat().st_size / 1e6:.1f} MB")
    if args.verify:
        verify(args.out)
    return 0


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--flavour",
        choices=("core", "slim", "full"),
        default="full",
        help="full: with engine and agent CLI; slim: without the CLI; core: with neither",
    )
    parser.add_argument(
        "--target",
        dest="targets",
        nargs="+",
        type=parse_target,
        default=[parse_target(this_target())],
        help="Pythons and platforms, as cp312-linux_x86_64 (default: this one)",
    )
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "axon.pyz")
    parser.add_argument("--verify", action="store_true", help="read it back, check every hash")
    return parser.parse_args(argv)


def parse_target(name: str) -> Target:
    found = re.fullmatch(r"(cp3(?:1[1-9]))-(linux|musl|macos)_(x86_64|aarch64|arm64)", name)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"unknown target {name!r}; name one as cp312-linux_x86_64 or cp313-macos_arm64"
        )
    return Target(python=found[1], platform=found[2], machine=found[3])


def collect(flavour: str, targets: list[Target]) -> dict[str, Entry]:
    """Everything the archive holds, by name."""
    pythons = list(dict.fromkeys(target.version for target in targets))
    entries: dict[str, Entry] = {}
    for position, version in enumerate(pythons):
        # the first Python finds its bytecode beside the source, each other in a folder of its own
        prefix = f"py{version.replace('.', '')}/" if position else ""
        entries |= {prefix + name: data for name, data in core(version).items()}
    others = tuple(f"py{version.replace('.', '')}" for version in pythons[1:])
    start = (ROOT / "axon" / "__main__.py").read_text("utf-8")
    entries["__main__.py"] = start.replace("PYTHONS = ()", f"PYTHONS = {others!r}").encode()
    entries |= data_files()
    info = build_info(flavour)
    for target in targets:
        blobs, facts = engine(target, flavour, info)
        info["targets"][target.name] = facts
        entries |= {f"blobs/{blob.name}": blob.source for blob in blobs}
        for blob in blobs:
            info["blobs"][blob.name] = {
                "sha256": blob.sha256,
                "size": blob.size,
                "executable": blob.executable,
            }
    entries["BUILD.json"] = json.dumps(info, indent=1, sort_keys=True).encode()
    entries["MANIFEST.json"] = manifest(entries)
    return entries


def manifest(entries: dict[str, Entry]) -> bytes:
    """The sha256 of every entry but the blobs: BUILD.json has theirs, and is among these."""
    sums = {
        name: hashlib.sha256(entry).hexdigest() if isinstance(entry, bytes) else file_hash(entry)
        for name, entry in entries.items()
        if not isinstance(entry, Member) and not name.startswith("blobs/")
    }
    return json.dumps(sums, indent=0, sort_keys=True).encode()


def build_info(flavour: str) -> dict[str, Any]:
    pinned = dict(pin.split("==") for pin in pins())
    return {
        "version": __version__,
        "flavour": flavour,
        "sdk_version": pinned["claude-agent-sdk"],
        "cli_version": "",
        "packages": {} if flavour == "core" else pinned,
        "wheels": {},
        "targets": {},
        "blobs": {},
    }


def pins() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found: list[str] = project["tool"]["axon"]["engine"]["pins"]
    return found


# ── our own files ──


def core(version: str) -> dict[str, Entry]:
    """axon's modules, source and bytecode for one Python."""
    with tempfile.TemporaryDirectory() as folder:
        names = [name for name in files_below(ROOT / "axon") if name.endswith(".py")]
        for name in names:
            copy = Path(folder, "axon", name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / "axon" / name, copy)
        compile_below(Path(folder), version, "axon.pyz")
        return {name: Path(folder, name).read_bytes() for name in files_below(Path(folder))}


def data_files() -> dict[str, Entry]:
    """What is not code: prompts, and static/ where the package expects it."""
    names = [name for name in files_below(ROOT / "axon") if not name.endswith(".py")]
    found: dict[str, Entry] = {
        f"axon/{name}": (ROOT / "axon" / name).read_bytes() for name in names
    }
    for name in files_below(ROOT / "static"):
        found[f"axon/static/{name}"] = (ROOT / "static" / name).read_bytes()
    return found


def files_below(folder: Path) -> list[str]:
    """Sorted names of the files that belong to the product: no caches, no editor's leavings."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    names = sorted(path.relative_to(folder).as_posix() for path in found)
    return [name for name in names if not re.search(r"(^|/)(\.|__pycache__/)|~$", name)]


def compile_below(folder: Path, version: str, shown: str) -> None:
    """Write a .pyc beside each .py, in a process in which nothing else has happened.

    Marshalled code depends on what its process has interned and on the hash seed.
    """
    jobs = [
        (str(folder / name), f"{shown}/{name}")
        for name in files_below(folder)
        if name[-3:] == ".py"
    ]
    done = subprocess.run(
        [interpreter(version)[0], "-S", "-s", "-W", "ignore", "-c", COMPILE],
        input=json.dumps(jobs).encode(),
        env={"PYTHONHASHSEED": "0"},
        check=False,
    )
    if done.returncode:
        sys.exit(1)


@functools.cache
def interpreter(version: str) -> tuple[str, str]:
    """A Python of that version, for only it can make its own bytecode, and its exact version."""
    command = sys.executable if version == f"3.{sys.version_info.minor}" else f"python{version}"
    ask = "import sys; print(sys.executable); print(sys.version)"
    with contextlib.suppress(OSError):
        done = subprocess.run([command, "-c", ask], capture_output=True, text=True, check=False)
        executable, _, exact = done.stdout.partition("\n")
        if exact.startswith(f"{version}."):
            return executable, exact
    sys.exit(f"build_zipapp: a target needs python{version} for its bytecode; install it")


# ── the engine ──


def engine(target: Target, flavour: str, info: dict[str, Any]) -> tuple[list[Blob], dict[str, Any]]:
    """The blobs of one target, and what BUILD.json says of it; notes versions in `info`."""
    if flavour == "core":
        return [], {"engine": "", "cli": "", "blobs": []}
    wheels = fetch(target)
    info["wheels"] |= {wheel.name: file_hash(wheel) for wheel in wheels}
    native = {member.name: blob for member, blob in extensions(wheels)}
    blobs = [engine_zip(target, wheels, native), *native.values()]
    facts: dict[str, Any] = {"engine": blobs[0].name, "cli": ""}
    if flavour == "full":
        wheel = next(w for w in wheels if w.name.startswith("claude_agent_sdk-"))
        blobs.append(member_blob(Member(wheel=wheel, name=CLI), "claude", executable=True))
        facts["cli"] = blobs[-1].name
        version = zipfile.ZipFile(wheel).read("claude_agent_sdk/_cli_version.py").decode()
        info["cli_version"] = re.search(r'"([\d.]+)"', version)[1]  # type: ignore[index]
    return blobs, facts | {"blobs": [blob.name for blob in blobs]}


def fetch(target: Target) -> list[Path]:
    """The pinned wheels for `target`, from build/wheels or, the first time, through pip."""
    record = WHEELS / f"{target.name}.json"
    if record.exists():
        known = json.loads(record.read_text())
        wheels = [WHEELS / name for name in known["wheels"]]
        if known["pins"] == pins() and all(wheel.exists() for wheel in wheels):
            return wheels
    WHEELS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WHEELS) as folder:
        download(target, folder)
        names = sorted(os.listdir(folder))
        for name in names:
            os.replace(Path(folder, name), WHEELS / name)
    record.write_text(json.dumps({"pins": pins(), "wheels": names}))
    return [WHEELS / name for name in names]


def download(target: Target, folder: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-qq"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", folder, "--find-links", str(WHEELS)]
    command += ["--implementation=cp", f"--python-version={target.version}"]
    command += [f"--abi={abi}" for abi in (target.python, "abi3", "none")]
    command += [f"--platform={tag}_{target.machine}" for tag in PLATFORMS[target.platform]]
    print(f"fetching {len(pins())} wheels for {target.name}", file=sys.stderr)
    if subprocess.run([*command, *pins()], check=False).returncode:
        sys.exit(f"build_zipapp: pip cannot fetch the wheels of {target.name}; see above")


def extensions(wheels: list[Path]) -> Iterator[tuple[Member, Blob]]:
    """Each extension module: what the engine zip cannot hold."""
    for wheel in wheels:
        for name in zipfile.ZipFile(wheel).namelist():
            if NATIVE.search(name):
                member = Member(wheel=wheel, name=name)
                yield member, member_blob(member, NATIVE.sub("", Path(name).name) + ".so")
            elif re.search(r"\.(so|dylib)(\.\d+)*$", name):
                sys.exit(f"build_zipapp: {wheel.name} brings a library of its own, {name}")


def member_blob(member: Member, name: str, *, executable: bool = False) -> Blob:
    """A wheel's file as a blob. Its RECORD knows hash and size: nothing is unpacked for them."""
    archive = zipfile.ZipFile(member.wheel)
    record = next(n for n in archive.namelist() if n.endswith(".dist-info/RECORD"))
    for line in archive.read(record).decode().splitlines():
        path, digest, size = line.rsplit(",", 2)
        if path == member.name:
            sha256 = base64.urlsafe_b64decode(digest.removeprefix("sha256=") + "=").hex()
            return make_blob(name, sha256, int(size), member, executable)
    raise LookupError(f"{member.name} is not in {record}")


def make_blob(
    name: str, sha256: str, size: int, source: Member | Path, executable: bool = False
) -> Blob:
    stem, suffix = os.path.splitext(name)
    return Blob(
        name=f"{stem}-{sha256[:32]}{suffix}",
        sha256=sha256,
        size=size,
        executable=executable,
        source=source,
    )


def engine_zip(target: Target, wheels: list[Path], native: dict[str, Blob]) -> Blob:
    """One stored zip with all packages; kept in build/engines, for compiling them is slow."""
    recipe = [interpreter(target.version)[1], file_hash(Path(__file__))]
    recipe += [file_hash(wheel) for wheel in wheels]
    key = hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:32]
    path = ENGINES / f"{key}.zip"
    if not path.exists():
        print(f"compiling the engine for {target.name}", file=sys.stderr)
        ENGINES.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            unpack(wheels, native, Path(folder))
            compile_below(Path(folder), target.version, "engine.zip")
            entries: dict[str, Entry] = {n: Path(folder, n) for n in files_below(Path(folder))}
            write_zip(path, namespaces(entries) | entries)
    return make_blob(f"engine-{target.name}.zip", file_hash(path), path.stat().st_size, path)


def unpack(wheels: list[Path], native: dict[str, Blob], folder: Path) -> None:
    for wheel in wheels:
        archive = zipfile.ZipFile(wheel)
        for name in archive.namelist():
            if not name.endswith("/") and not UNUSED.search(name):
                archive.extract(name, folder)
    for name, blob in native.items():
        shim = folder / (NATIVE.sub("", name) + ".py")
        shim.parent.mkdir(parents=True, exist_ok=True)
        shim.write_text(SHIM.format(name=blob.name))


def namespaces(entries: dict[str, Entry]) -> dict[str, Entry]:
    """Folders without __init__.py: zipimport sees them only by an entry of their own."""
    folders = {f"{parent}/" for name in entries for parent in list(Path(name).parents)[:-1]}
    bare = {name for name in folders if f"{name}__init__.py" not in entries}
    return {name: b"" for name in bare if ".dist-info/" not in name}


# ── zip files, the same bytes each time ──


def write_archive(out: Path, entries: dict[str, Entry]) -> None:
    write_zip(out, entries, shebang=b"#!/usr/bin/env python3\n", mode=0o755)


def write_zip(
    out: Path, entries: dict[str, Entry], *, shebang: bytes = b"", mode: int = 0o644
) -> None:
    """Under a temporary name first: `out` is whole or not there."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")
    try:
        with open(part, "wb") as file:
            file.write(shebang)
            with zipfile.ZipFile(file, "w") as archive:
                for name in sorted(entries):
                    add(archive, name, entries[name])
            os.fchmod(file.fileno(), mode)
        os.replace(part, out)
    finally:
        part.unlink(missing_ok=True)


def add(archive: zipfile.ZipFile, name: str, entry: Entry) -> None:
    if isinstance(entry, Member):
        add_member(archive, name, entry)
        return
    info = fixed(name)
    if isinstance(entry, Path) and entry.suffix == ".zip":
        info.compress_type = zipfile.ZIP_DEFLATED  # stored inside, so it shrinks to a third
    archive.writestr(
        info, entry if isinstance(entry, bytes) else entry.read_bytes(), compresslevel=9
    )


def fixed(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.create_system = 3  # Unix, whoever builds
    kind = stat.S_IFDIR | 0o755 if name.endswith("/") else stat.S_IFREG | 0o644
    info.external_attr = kind << 16
    return info


def add_member(archive: zipfile.ZipFile, name: str, member: Member) -> None:
    """Copy a wheel's file as it is, compressed: deflating 380 MB again takes half a minute."""
    assert archive.fp is not None
    with zipfile.ZipFile(member.wheel) as wheel, open(member.wheel, "rb") as raw:
        origin = wheel.getinfo(member.name)
        info = fixed(name)
        info.compress_type = origin.compress_type
        info.CRC, info.file_size = origin.CRC, origin.file_size
        info.compress_size = origin.compress_size
        info.header_offset = archive.fp.tell()
        archive.fp.write(info.FileHeader(zip64=False))
        raw.seek(origin.header_offset + 26)  # the two lengths that end a local header
        lengths = raw.read(4)
        skip = int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
        raw.seek(skip, os.SEEK_CUR)
        left = origin.compress_size
        while left:
            left -= archive.fp.write(raw.read(min(left, 1 << 20)))
    archive.filelist.append(info)
    archive.NameToInfo[info.filename] = info
    archive.start_dir = archive.fp.tell()


def file_hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ── looking at the result ──


def verify(path: Path) -> None:
    """Read every byte back, and start it."""
    with zipfile.ZipFile(path) as archive:
        blobs = json.loads(archive.read("BUILD.json"))["blobs"]
        damaged = archive.testzip()
        for name, facts in blobs.items():
            with archive.open(f"blobs/{name}") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() != facts["sha256"]:  # type: ignore[arg-type]
                    damaged = name
    if damaged:
        sys.exit(f"build_zipapp: {damaged} in {path} is damaged; build again")
    command = [sys.executable, str(path), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.stdout != f"axon {__version__}\n" or done.stderr or done.returncode:
        sys.exit(f"build_zipapp: {path} --version says {done.stdout}{done.stderr}")
    print(f"{path}: {len(blobs)} blobs are whole, --version says {done.stdout.strip()}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
