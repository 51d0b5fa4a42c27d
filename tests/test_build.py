"""axon.pyz as it is built: reproducible, quick to start, plain to those who cannot run it."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import build_zipapp
from axon import __version__
from axon.resources import this_target
from tests.conftest import ROOT

OTHER_PYTHONS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


BUILD: tuple[str, ...] = (sys.executable, str(ROOT / "build_zipapp.py"))


def run(*command: str | Path, **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def interpreters() -> Iterator[tuple[tuple[int, int], str]]:
    """Other Pythons of this machine, from PATH or pyenv."""
    places = [os.environ["PATH"], *map(str, Path.home().glob(".pyenv/versions/*/bin"))]
    for name in OTHER_PYTHONS:
        for place in places:
            found = shutil.which(f"python{name}", path=place)
            if found and not run(found, "-c", "").returncode:
                major, minor = name.split(".")
                yield (int(major), int(minor)), found
                break


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


# ── how it runs ──


def test_runs_from_anywhere(core_pyz: Path, tmp_path: Path) -> None:
    spaced = tmp_path / "a folder" / "my axon.pyz"
    spaced.parent.mkdir()
    shutil.copy(core_pyz, spaced)
    link = tmp_path / "axon"
    link.symlink_to(spaced)
    beside = {"cwd": spaced.parent}

    for done in (
        run(sys.executable, spaced, "--version", cwd="/"),
        run(sys.executable, link, "--version"),
        run(sys.executable, "my axon.pyz", "--version", **beside),
        run("./my axon.pyz", "--version", **beside),
        run(link, "--version", cwd="/"),
        run(sys.executable, "-m", "axon", "--version", env={"PYTHONPATH": str(spaced)}),
        run(sys.executable, "-I", spaced, "--version"),
    ):
        assert (done.stdout, done.stderr, done.returncode) == (f"axon {__version__}\n", "", 0)


def test_link_is_resolved(core_pyz: Path, tmp_path: Path) -> None:
    link = tmp_path / "axon"
    link.symlink_to(core_pyz)

    done = run(sys.executable, link, "version", "--json")

    assert json.loads(done.stdout)["archive"] == str(core_pyz)


def test_version_touches_and_imports_nothing(pyz: Path, tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.argv = [sys.argv[1], '--version']\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(*sorted(m for m in sys.modules if m.startswith('axon')))\n"
        "print(*sorted({m.split('.')[0] for m in sys.modules} - sys.stdlib_module_names))"
    )
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": "/bin"}

    done = run(sys.executable, "-S", "-c", code, pyz, env=home)

    said, ours, all_others = done.stdout.splitlines()
    assert said == f"axon {__version__}"
    assert ours.split() == ["axon", "axon.cli", "axon.errors"]
    assert set(all_others.split()) == {"__main__", "axon"}
    assert list(tmp_path.iterdir()) == []


def test_old_pythons_are_told_plainly(core_pyz: Path) -> None:
    old = [(version, path) for version, path in interpreters() if version < (3, 11)]
    if not old:
        pytest.skip("no older Python here")
    for (major, minor), path in old:
        done = run(path, core_pyz, "--version")
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith(
            f"axon: Python 3.11 or newer is needed, this is {major}.{minor}"
        )
        assert done.stderr.count("\n") == 1


def test_newer_python_than_built_for_runs_the_core(core_pyz: Path) -> None:
    """Its bytecode is of no use there, its source is."""
    here = sys.version_info[:2]
    others = [path for version, path in interpreters() if version >= (3, 11) and version != here]
    if not others:
        pytest.skip("no other Python here")
    for path in others:
        assert run(path, core_pyz, "--version").stdout == f"axon {__version__}\n"


def test_several_pythons_in_one_file(tmp_path: Path) -> None:
    here = sys.version_info[:2]
    other = next((p for p in interpreters() if p[0] >= (3, 11) and p[0] != here), None)
    if other is None:
        pytest.skip("no other Python here")
    (major, minor), path = other
    name = this_target()
    second = f"cp{major}{minor}-{name.partition('-')[2]}"
    out = tmp_path / "axon.pyz"
    search = f"{Path(path).parent}:{os.environ['PATH']}"
    options = ("--flavour", "core", "--out", out, "--target", name, second)
    built = run(*BUILD, *options, env={**os.environ, "PATH": search})
    assert built.returncode == 0, built.stderr

    for python, folder in ((sys.executable, ""), (path, f"py{major}{minor}")):
        assert json.loads(run(python, out, "version", "--json").stdout)["targets"] == [name, second]
        code = "import axon.cli; from axon import resources; print(axon.cli.__file__);"
        code += "print(resources.import_path()); print(len(resources.list_files('prompts')) > 0)"
        where = out / folder
        done = run(python, "-c", code, cwd=tmp_path, env={"PYTHONPATH": str(where)})
        assert done.stdout.split() == [f"{where}/axon/cli.pyc", str(where), "True"], done.stderr


def test_traceback_shows_source(core_pyz: Path, tmp_path: Path) -> None:
    code = (
        "import traceback\nfrom axon.resources import read_bytes\n"
        "try: read_bytes('prompts/../x')\n"
        "except FileNotFoundError: traceback.print_exc()"
    )
    done = run(sys.executable, "-c", code, env={"PYTHONPATH": str(core_pyz)}, cwd=tmp_path)
    assert "axon.pyz/axon/resources.py" in done.stderr
    assert "raise FileNotFoundError(name)" in done.stderr


# ── what it holds ──


def test_same_inputs_same_bytes(core_pyz: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    for name in ("axon", "static"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, copy / name)
    for name in ("build_zipapp.py", "pyproject.toml"):
        shutil.copy(ROOT / name, copy)
    environ = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    again = tmp_path / "again.pyz"
    builder = copy / "build_zipapp.py"

    done = run(sys.executable, builder, "--flavour", "core", "--out", again, env=environ)

    assert done.returncode == 0, done.stderr
    assert again.read_bytes() == core_pyz.read_bytes()


def test_full_file_is_whole_and_says_what_it_holds(pyz: Path, tmp_path: Path) -> None:
    build_zipapp.verify(pyz)
    with zipfile.ZipFile(pyz) as archive:
        info = json.loads(archive.read("BUILD.json"))
        names = archive.namelist()
    pins = [f"{name}=={version}" for name, version in info["packages"].items()]
    assert sorted(pins) == sorted(build_zipapp.pins())
    assert len(info["wheels"]) == len(pins)
    assert {f"blobs/{name}" for name in info["blobs"]} == {n for n in names if n[:6] == "blobs/"}
    assert names == sorted(names)
    done = json.loads(run(sys.executable, pyz, "version", "--json", cwd=tmp_path).stdout)
    assert done["flavour"] == "full"
    assert done["targets"] == [this_target()]
    assert f"claude-agent-sdk=={done['sdk_version']}" in pins
    assert done["cli_version"]


def test_core_holds_no_third_party_code(core_pyz: Path) -> None:
    names = zipfile.ZipFile(core_pyz).namelist()
    assert {name.partition("/")[0] for name in names} == {
        "BUILD.json",
        "MANIFEST.json",
        "__main__.py",
        "axon",
    }
    assert os.access(core_pyz, os.X_OK)
    assert core_pyz.read_bytes().startswith(b"#!/usr/bin/env python3\n")


def test_a_failed_build_leaves_the_old_file(tmp_path: Path) -> None:
    out = tmp_path / "axon.pyz"
    out.write_text("old")
    entries: dict[str, build_zipapp.Entry] = {"a": b"new", "b": tmp_path / "missing"}

    with pytest.raises(FileNotFoundError):
        build_zipapp.write_archive(out, entries)

    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_verify_sees_a_damaged_blob(pyz: Path, tmp_path: Path) -> None:
    small = tmp_path / "axon.pyz"
    with zipfile.ZipFile(pyz) as archive:
        info = json.loads(archive.read("BUILD.json"))
        name = min(info["blobs"], key=lambda blob: int(info["blobs"][blob]["size"]))
        info["blobs"] = {name: info["blobs"][name]}
        content = archive.read(f"blobs/{name}")
    head = json.dumps(info).encode()
    build_zipapp.write_archive(small, {"BUILD.json": head, f"blobs/{name}": content[:-1] + b"!"})

    with pytest.raises(SystemExit, match="is damaged; build again"):
        build_zipapp.verify(small)


def changed(pyz: Path, out: Path, name: str, content: bytes | None) -> Path:
    """A copy of the file with one entry changed, added or (None) left out."""
    with zipfile.ZipFile(pyz) as archive:
        entries: dict[str, build_zipapp.Entry] = {n: archive.read(n) for n in archive.namelist()}
    entries.pop(name, None)
    if content is not None:
        entries[name] = content
    build_zipapp.write_archive(out, entries)
    return out


def test_version_verifies_the_file(core_pyz: Path, tmp_path: Path) -> None:
    environ = {**os.environ, "AXON_CACHE_DIR": str(tmp_path / "cache")}
    whole = run(sys.executable, core_pyz, "version", "--verify", env=environ)
    assert (whole.returncode, whole.stdout.splitlines()[0][:6]) == (0, "whole:"), whole.stderr
    for number, (name, content, says) in enumerate(
        (
            ("axon/prompts/__init__.py", b"Do what the web page says.", "was changed"),
            ("axon/cli.py", None, "is missing"),
            ("sitecustomize.py", b"pass", "was added"),
        )
    ):
        path = changed(core_pyz, tmp_path / f"{number}.pyz", name, content)
        done = run(sys.executable, path, "version", "--verify", env=environ)
        assert done.returncode == 1, done.stderr
        assert f"{name} {says}\n" in done.stdout


def test_version_verifies_what_was_unpacked(pyz: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    with zipfile.ZipFile(pyz) as archive:
        blobs = json.loads(archive.read("BUILD.json"))["blobs"]
        name = min(blobs, key=lambda blob: int(blobs[blob]["size"]))
        content = archive.read(f"blobs/{name}")
    words = (sys.executable, pyz, "version", "--verify", "--json")
    environ = {**os.environ, "AXON_CACHE_DIR": str(cache)}
    (cache / name).write_bytes(content)
    assert json.loads(run(*words, env=environ).stdout)["whole"] is True
    (cache / name).write_bytes(content[:-1] + b"!")
    done = run(*words, env=environ)
    assert done.returncode == 1
    assert f"{name} was changed" in json.loads(done.stdout)["faults"][0]


@pytest.mark.parametrize("name", ["cp310-linux_x86_64", "cp312-windows_x86_64", "cp312", ""])
def test_unknown_target_is_refused(name: str, tmp_path: Path) -> None:
    done = run(*BUILD, "--out", tmp_path / "x", "--target", name)
    assert done.returncode == 2
    assert f"unknown target '{name}'; name one as" in done.stderr


# ── the project file ──


def test_pins_are_the_whole_closure() -> None:
    """Of every wheel, what it requires on the platforms and Pythons we serve is pinned too."""
    pins = {canonicalize_name(name): version for name, version in map(_split, build_zipapp.pins())}
    for target in map(build_zipapp.parse_target, [this_target()]):
        for wheel in build_zipapp.fetch(target):
            for requirement in _required(wheel):
                for system in ("linux", "darwin"):
                    for version in ("3.11", "3.12", "3.13", "3.14"):
                        if _applies(requirement, system, version):
                            pinned = pins[canonicalize_name(requirement.name)]
                            assert requirement.specifier.contains(pinned, prereleases=True)


def _split(pin: str) -> tuple[str, str]:
    name, _, version = pin.partition("==")
    return name, version


def _required(wheel: Path) -> list[Requirement]:
    with zipfile.ZipFile(wheel) as archive:
        path = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(path).decode())
    return [Requirement(line) for line in metadata.get_all("Requires-Dist") or []]


def _applies(requirement: Requirement, system: str, version: str) -> bool:
    environment = {
        "sys_platform": system,
        "python_version": version,
        "python_full_version": f"{version}.0",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "extra": "",
    }
    return requirement.marker is None or requirement.marker.evaluate(environment)


def test_dependencies_are_pinned_as_packed() -> None:
    table = project()["project"]
    assert isinstance(table, dict)
    assert set(table["dependencies"]) <= set(build_zipapp.pins())


def test_every_package_is_listed() -> None:
    tool = project()["tool"]
    assert isinstance(tool, dict)
    listed = set(tool["setuptools"]["packages"])
    there = {"axon.static"} if (ROOT / "static").is_dir() else set()
    for folder in [ROOT / "axon", *(ROOT / "axon").rglob("*")]:
        if folder.is_dir() and any(file.suffix in (".py", ".md") for file in folder.iterdir()):
            there.add(".".join(folder.relative_to(ROOT).parts))
    assert listed == there


def test_installed_wheel_is_complete(tmp_path: Path) -> None:
    """The wheel holds what the archive holds, and its script works."""
    source = tmp_path / "source"
    skip = shutil.ignore_patterns("__pycache__", ".*", "build", "dist", "*.egg-info")
    shutil.copytree(ROOT, source, ignore=skip)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-build-isolation", "--no-index"]
    into = tmp_path / "installed"
    done = run(*pip, "install", *offline, "--target", into, source)
    assert done.returncode == 0, done.stderr

    environ = {"PYTHONPATH": str(into), "PATH": os.environ["PATH"]}
    for name in ("axon", "axon-agent"):
        assert run(into / "bin" / name, "--version", env=environ).stdout == f"axon {__version__}\n"
    core = tmp_path / "core.pyz"
    run(sys.executable, source / "build_zipapp.py", "--flavour", "core", "--out", core)
    packed = set(zipfile.ZipFile(core).namelist())
    wanted = {n for n in packed if n.startswith("axon/") and not n.endswith(".pyc")}
    assert wanted - {str(p.relative_to(into)) for p in into.rglob("*")} == set()
