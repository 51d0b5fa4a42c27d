"""Run inside a sandbox: tries to get out in every way it knows, and says what came of it.

    python attempts.py SCENE.json    prints {"attempt": "refused: …" | "ESCAPED: …"}

Standard library only, and aimed at nothing but the scene, so that it may be run anywhere.
"""

import ctypes
import fcntl
import json
import mmap
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

Attempt = Callable[[dict[str, Any]], object]
ATTEMPTS: dict[str, Attempt] = {}
LIBC = ctypes.CDLL(None, use_errno=True)
ARM = os.uname().machine == "aarch64"
# getpid() and then exit(42), or exit(43) when it was refused
NARROW_ARM = struct.pack(
    "<8I", 0xE3A07014, 0xEF000000, 0xE3500000, 0xC3A0002A, 0xD3A0002B, 0xE3A07001, 0xEF000000,
    0xE7F000F0,
)  # fmt: skip
NARROW_X86 = bytes.fromhex("b814000000 cd80 85c0 bb2a000000 7f05 bb2b000000 b801000000 cd80 0f0b")


def attempt(function: Attempt) -> Attempt:
    """It escaped when it returns something true; an error means that it was refused."""
    ATTEMPTS[function.__name__] = function
    return function


def call(x86: int, arm: int, *arguments: Any) -> int:
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = LIBC.syscall(ctypes.c_long(arm if ARM else x86), *given)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(result)


def write(path: str, text: str = "escaped\n") -> bool:
    with open(path, "w") as file:
        file.write(text)
    return True


def run(*words: str, cwd: str | None = None) -> bool:
    return subprocess.run(words, cwd=cwd, capture_output=True, timeout=20).returncode == 0


# ── write outside ──


@attempt
def write_by_path(s: dict[str, Any]) -> object:
    return write(s["outside"] + "/new")


@attempt
def append_to_a_file(s: dict[str, Any]) -> object:
    with open(s["canary"], "a") as file:
        return file.write("escaped\n")


@attempt
def write_through_dots(s: dict[str, Any]) -> object:
    deep = Path(s["workspace"]) / "a/b"
    deep.mkdir(parents=True, exist_ok=True)
    up = "../" * 40
    return write(f"{deep}/{up}{s['outside'].lstrip('/')}/dots")


@attempt
def write_through_a_symlink(s: dict[str, Any]) -> object:
    link = Path(s["workspace"], "link")
    link.symlink_to(s["canary"])
    return write(str(link))


@attempt
def write_through_a_linked_folder(s: dict[str, Any]) -> object:
    link = Path(s["workspace"], "folder-link")
    link.symlink_to(s["outside"])
    return write(f"{link}/through")


@attempt
def hard_link_in(s: dict[str, Any]) -> object:
    inside = s["workspace"] + "/hard"
    os.link(s["canary"], inside)
    return write(inside)


@attempt
def hard_link_out(s: dict[str, Any]) -> object:
    source = s["workspace"] + "/to-link"
    write(source)
    os.link(source, s["outside"] + "/hard")
    return True


@attempt
def through_root_of_self(s: dict[str, Any]) -> object:
    return write(f"/proc/self/root{s['outside']}/root")


@attempt
def through_root_of_another(s: dict[str, Any]) -> object:
    return write(f"/proc/{s['victim']}/root{s['outside']}/other-root")


@attempt
def through_folder_of_another(s: dict[str, Any]) -> object:
    return write(f"/proc/{s['victim']}/cwd/cwd")


@attempt
def through_file_of_another(s: dict[str, Any]) -> object:
    return write(f"/proc/{s['victim']}/fd/3")


@attempt
def rename_out(s: dict[str, Any]) -> object:
    source = s["workspace"] + "/to-rename"
    write(source)
    os.rename(source, s["outside"] + "/renamed")
    return True


@attempt
def rename_in(s: dict[str, Any]) -> object:
    os.rename(s["canary"], s["workspace"] + "/taken")
    return True


@attempt
def rename_race(s: dict[str, Any]) -> object:
    """A folder that is now ours and now a link to theirs, while a file is made in it."""
    ours, link = Path(s["workspace"], "race"), Path(s["workspace"], "race-link")
    ours.mkdir()
    link.symlink_to(s["outside"])
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            with suppress(OSError):
                call(316, 276, -100, bytes(ours), -100, bytes(link), 2)  # exchange

    swapper = threading.Thread(target=swap)
    swapper.start()
    for number in range(300):
        with suppress(OSError):
            write(f"{ours}/race-{number}")
        with suppress(OSError):
            os.chmod(f"{ours}/canary", 0o777)
    over.set()
    swapper.join()
    return any(name.startswith("race") for name in seen(s["outside"]))


def seen(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


@attempt
def remove_a_file(s: dict[str, Any]) -> object:
    os.unlink(s["canary"])
    return True


@attempt
def remove_a_folder(s: dict[str, Any]) -> object:
    shutil.rmtree(s["outside"])
    return True


@attempt
def truncate_by_path(s: dict[str, Any]) -> object:
    os.truncate(s["canary"], 0)
    return True


@attempt
def truncate_for_reading(s: dict[str, Any]) -> object:
    os.close(os.open(s["canary"], os.O_RDONLY | os.O_TRUNC))
    return os.stat(s["canary"]).st_size == 0


@attempt
def make_a_folder(s: dict[str, Any]) -> object:
    os.mkdir(s["outside"] + "/folder")
    return True


@attempt
def make_a_pipe(s: dict[str, Any]) -> object:
    os.mkfifo(s["outside"] + "/pipe")
    return True


@attempt
def make_a_device(s: dict[str, Any]) -> object:
    path = s["workspace"] + "/disk"
    os.mknod(path, 0o600 | stat.S_IFBLK, os.stat("/").st_dev)
    with open(path, "rb") as disk:
        return disk.read(512)


@attempt
def map_a_file(s: dict[str, Any]) -> object:
    with open(s["canary"], "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[0:1] = b"X"
        return True


# ── attributes of files outside ──


@attempt
def mode_by_path(s: dict[str, Any]) -> object:
    os.chmod(s["canary"], 0o777)
    return True


@attempt
def mode_of_a_project_file(s: dict[str, Any]) -> object:
    os.chmod(s["project"] + "/a.txt", 0o777)
    return True


@attempt
def mode_by_descriptor(s: dict[str, Any]) -> object:
    found = os.open(s["project"] + "/a.txt", os.O_RDONLY)
    os.fchmod(found, 0o777)
    return True


@attempt
def mode_by_name_of_descriptor(s: dict[str, Any]) -> object:
    found = os.open(s["project"] + "/a.txt", os.O_PATH)
    os.chmod(f"/proc/self/fd/{found}", 0o777)
    return True


@attempt
def owner(s: dict[str, Any]) -> object:
    os.chown(s["canary"], os.getuid(), os.getgid())
    return True


@attempt
def times(s: dict[str, Any]) -> object:
    os.utime(s["project"] + "/a.txt", (1, 1))
    return True


@attempt
def times_by_descriptor(s: dict[str, Any]) -> object:
    os.utime(os.open(s["project"] + "/a.txt", os.O_RDONLY), (1, 1))
    return True


@attempt
def extended_attribute(s: dict[str, Any]) -> object:
    os.setxattr(s["project"] + "/a.txt", "user.escaped", b"1")
    return True


@attempt
def file_flags(s: dict[str, Any]) -> object:
    found = os.open(s["project"] + "/a.txt", os.O_RDONLY)
    fcntl.ioctl(found, 0x40086602, struct.pack("l", 0x80))
    return True


@attempt
def set_user_id(s: dict[str, Any]) -> object:
    path = s["workspace"] + "/suid"
    write(path)
    os.chmod(path, 0o4755)
    outside_view = os.stat(path).st_mode & stat.S_ISUID
    return bool(outside_view) and not s["alone"]


# ── read secrets ──


def read(path: str) -> object:
    with open(path, "rb") as file:
        return file.read(4096).decode("utf-8", "replace") or False


@attempt
def read_a_secret(s: dict[str, Any]) -> object:
    return read(s["secret"])


@attempt
def read_ssh_key(s: dict[str, Any]) -> object:
    return read(s["person"] + "/.ssh/id_ed25519")


@attempt
def read_cloud_key(s: dict[str, Any]) -> object:
    return read(s["person"] + "/.aws/credentials")


@attempt
def read_dotenv_of_the_project(s: dict[str, Any]) -> object:
    return read(s["project"] + "/.env")


@attempt
def read_nested_secret_of_the_project(s: dict[str, Any]) -> object:
    return read(s["project"] + "/config/deep/server.key")


@attempt
def read_git_configuration_of_the_project(s: dict[str, Any]) -> object:
    return read(s["project"] + "/.git/config")


@attempt
def read_the_ledger(s: dict[str, Any]) -> object:
    return read(s["project"] + "/.axon/ledger.db")


@attempt
def read_another_workspace(s: dict[str, Any]) -> object:
    return read(s["project"] + "/.axon/work/ENG-2/secret.txt")


@attempt
def read_environment_of_another(s: dict[str, Any]) -> object:
    return read(f"/proc/{s['victim']}/environ")


@attempt
def read_environment_of_the_first(s: dict[str, Any]) -> object:
    found = str(read("/proc/1/environ"))
    return found if s["marker"] in found else False


@attempt
def read_every_environment(s: dict[str, Any]) -> object:
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):
                found = Path(f"/proc/{name}/environ").read_bytes()
                if s["marker"].encode() in found:
                    return found.decode("utf-8", "replace")
    return False


@attempt
def read_memory_of_another(s: dict[str, Any]) -> object:
    return read(f"/proc/{s['victim']}/maps")


@attempt
def read_shadow(s: dict[str, Any]) -> object:
    return read("/etc/shadow")


@attempt
def read_through_a_hard_link(s: dict[str, Any]) -> object:
    os.link(s["secret"], s["workspace"] + "/secret")
    return read(s["workspace"] + "/secret")


@attempt
def read_by_handle(s: dict[str, Any]) -> object:
    """As root a file can be opened by its number alone."""
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0), 136)
    mount = ctypes.c_int()
    call(303, 264, -100, s["secret"].encode(), handle, ctypes.byref(mount), 0)
    root = os.open("/usr", os.O_RDONLY)
    return os.read(call(304, 265, root, handle, 0), 100)


# ── other processes ──


@attempt
def kill_another(s: dict[str, Any]) -> object:
    os.kill(s["victim"], signal.SIGKILL)
    return True


@attempt
def stop_another(s: dict[str, Any]) -> object:
    os.kill(s["victim"], signal.SIGSTOP)
    return True


@attempt
def kill_by_descriptor(s: dict[str, Any]) -> object:
    signal.pidfd_send_signal(os.pidfd_open(s["victim"]), signal.SIGKILL)
    return True


@attempt
def kill_its_group(s: dict[str, Any]) -> object:
    os.killpg(s["victim"], signal.SIGKILL)
    return True


@attempt
def signal_by_file(s: dict[str, Any]) -> object:
    """The kernel sends SIGIO for whoever owns the file."""
    reader, writer = os.pipe()
    fcntl.fcntl(reader, fcntl.F_SETOWN, s["victim"])
    fcntl.fcntl(reader, 10, int(signal.SIGKILL))  # F_SETSIG
    fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    os.write(writer, b"x")
    return False  # the victim tells


@attempt
def trace_another(s: dict[str, Any]) -> object:
    call(101, 117, 0x4206, s["victim"], 0, 0)  # PTRACE_SEIZE
    return True


@attempt
def write_memory_of_another(s: dict[str, Any]) -> object:
    return write(f"/proc/{s['victim']}/mem")


@attempt
def read_another_by_call(s: dict[str, Any]) -> object:
    buffer = ctypes.create_string_buffer(8)
    vector = struct.pack("PN", ctypes.addressof(buffer), 8)
    call(310, 270, s["victim"], vector, 1, vector, 1, 0)
    return True


@attempt
def take_a_descriptor(s: dict[str, Any]) -> object:
    return call(438, 438, os.pidfd_open(s["victim"]), 3, 0)


@attempt
def limit_another(s: dict[str, Any]) -> object:
    limit = struct.pack("QQ", 1, 1)
    call(302, 261, s["victim"], 0, limit, None)  # RLIMIT_CPU
    return True


@attempt
def slow_another(s: dict[str, Any]) -> object:
    os.setpriority(os.PRIO_PROCESS, s["victim"], 19)
    return True


@attempt
def sacrifice_another(s: dict[str, Any]) -> object:
    return write(f"/proc/{s['victim']}/oom_score_adj", "1000")


@attempt
def look_into_the_watcher(s: dict[str, Any]) -> object:
    """Who answers for this sandbox must not be its puppet."""
    return read(f"/proc/{os.getppid()}/mem") if not s["alone"] else False


# ── the kernel ──


@attempt
def mount_something(s: dict[str, Any]) -> object:
    kind, where = b"tmpfs", s["workspace"].encode()
    call(165, 40, kind, where, kind, 0, None)
    return True


@attempt
def user_namespace(s: dict[str, Any]) -> object:
    call(272, 97, 0x10000000)
    return True


@attempt
def namespace_by_clone(s: dict[str, Any]) -> object:
    child = call(56, 220, 0x10000000 | int(signal.SIGCHLD), 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    return True


@attempt
def namespace_by_program(s: dict[str, Any]) -> object:
    return run("unshare", "-Urm", "true")


@attempt
def sandbox_in_a_sandbox(s: dict[str, Any]) -> object:
    """Mounts of its own would bring back what is covered."""
    return run("bwrap", "--bind", "/", "/", "--unshare-user", "cat", s["secret"])


@attempt
def change_root(s: dict[str, Any]) -> object:
    os.chroot(s["workspace"])
    return True


@attempt
def rings(s: dict[str, Any]) -> object:
    """io_uring does files and sockets past any filter of calls."""
    return call(425, 425, 4, ctypes.create_string_buffer(120))


@attempt
def programs_in_the_kernel(s: dict[str, Any]) -> object:
    return call(321, 280, 0, ctypes.create_string_buffer(128), 128)


@attempt
def keys(s: dict[str, Any]) -> object:
    return call(248, 217, b"user", b"axon-escape", b"x", 1, -3)


@attempt
def performance_events(s: dict[str, Any]) -> object:
    return call(298, 241, ctypes.create_string_buffer(128), s["victim"], -1, -1, 0)


@attempt
def core_pattern(s: dict[str, Any]) -> object:
    return write("/proc/sys/kernel/core_pattern", "|/tmp/escaped")


@attempt
def other_machine_words(s: dict[str, Any]) -> object:
    """The x32 way into the kernel has other numbers."""
    return not ARM and call(0x40000000 | 39, 0) > 0


@attempt
def narrow_machine_words(s: dict[str, Any]) -> object:
    """A 32-bit program has yet other numbers: this one asks for its own and ends with 42."""
    machine, code = (40, NARROW_ARM) if ARM else (3, NARROW_X86)
    start, size = 0x10000, 84 + len(code)
    head = (2, machine, 1, start + 84, 52, 0, 0x05000000 if ARM else 0, 52, 32, 1, 0, 0, 0)
    load = (1, 0, start, start, size, size, 5, 0x1000)
    program = Path(s["workspace"], "narrow")
    program.write_bytes(
        b"\x7fELF\1\1\1".ljust(16, b"\0")
        + struct.pack("<HHIIIIIHHHHHH", *head)
        + struct.pack("<8I", *load)
        + code
    )
    program.chmod(0o755)
    return subprocess.run([program], capture_output=True, timeout=20).returncode == 42


# ── sockets and the network ──


def reach(family: int, kind: int, address: Any) -> bool:
    with socket.socket(family, kind) as found:
        found.settimeout(3)
        found.connect(address)
        if kind == socket.SOCK_DGRAM:
            found.send(b"escaped")
        return True


@attempt
def ssh_agent(s: dict[str, Any]) -> object:
    return reach(socket.AF_UNIX, socket.SOCK_STREAM, s["agent"])


@attempt
def docker(s: dict[str, Any]) -> object:
    return reach(socket.AF_UNIX, socket.SOCK_STREAM, s["docker"])


@attempt
def docker_by_race(s: dict[str, Any]) -> object:
    """Two threads: one connects, the other changes the address under it."""
    own = s["temporary"] + "/own.sock"
    server = socket.socket(socket.AF_UNIX)
    server.bind(own)
    server.listen(100)
    names = [struct.pack("H108s", 1, path.encode()) for path in (own, s["docker"])]
    buffer = ctypes.create_string_buffer(names[0], 110)
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            for name in names:
                ctypes.memmove(buffer, name, 110)

    swapper = threading.Thread(target=swap)
    swapper.start()
    for _ in range(200):
        with socket.socket(socket.AF_UNIX) as found:
            found.setblocking(False)
            LIBC.connect(found.fileno(), buffer, 110)
    over.set()
    swapper.join()
    return False  # the server tells


@attempt
def docker_by_descriptor(s: dict[str, Any]) -> object:
    found = os.open(s["docker"], os.O_PATH)
    return reach(socket.AF_UNIX, socket.SOCK_STREAM, f"/proc/self/fd/{found}")


@attempt
def docker_by_link(s: dict[str, Any]) -> object:
    link = s["workspace"] + "/docker.sock"
    os.symlink(s["docker"], link)
    return reach(socket.AF_UNIX, socket.SOCK_STREAM, link)


@attempt
def system_log(s: dict[str, Any]) -> object:
    return reach(socket.AF_UNIX, socket.SOCK_DGRAM, s["log"])


@attempt
def system_log_by_pair(s: dict[str, Any]) -> object:
    one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.sendto(b"escaped", s["log"])
    return True


@attempt
def abstract_socket(s: dict[str, Any]) -> object:
    return reach(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + s["abstract"])


@attempt
def raw_socket(s: dict[str, Any]) -> object:
    return bool(socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))


@attempt
def packet_socket(s: dict[str, Any]) -> object:
    return bool(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))


@attempt
def vm_socket(s: dict[str, Any]) -> object:
    return bool(socket.socket(40, socket.SOCK_STREAM))


@attempt
def audit_socket(s: dict[str, Any]) -> object:
    return bool(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9))


@attempt
def udp(s: dict[str, Any]) -> object:
    return reach(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", s["udp"]))


@attempt
def another_port(s: dict[str, Any]) -> object:
    return reach(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", s["tcp"]))


@attempt
def another_port_by_mapped_address(s: dict[str, Any]) -> object:
    return reach(socket.AF_INET6, socket.SOCK_STREAM, ("::ffff:127.0.0.1", s["tcp"]))


@attempt
def another_port_by_fast_open(s: dict[str, Any]) -> object:
    with socket.socket() as found:
        return found.sendto(b"escaped", 0x20000000, ("127.0.0.1", s["tcp"]))


@attempt
def another_port_by_multipath(s: dict[str, Any]) -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262) as found:
        found.settimeout(3)
        found.connect(("127.0.0.1", s["tcp"]))
        return True


# ── what outlives the session ──


@attempt
def shared_memory(s: dict[str, Any]) -> object:
    write(f"/dev/shm/{s['name']}")
    return not s["alone"]


@attempt
def temporary_folder(s: dict[str, Any]) -> object:
    write(f"/tmp/{s['name']}")
    return not s["alone"]


@attempt
def system_v_memory(s: dict[str, Any]) -> object:
    call(29, 194, s["key"], 4096, 0o1666)
    return not s["alone"]


@attempt
def message_queue(s: dict[str, Any]) -> object:
    call(240, 180, s["name"].encode(), os.O_CREAT | os.O_RDWR, 0o600, None)
    return not s["alone"]


@attempt
def cron(s: dict[str, Any]) -> object:
    return write(f"/etc/cron.d/{s['name']}", "* * * * * root true\n")


@attempt
def crontab(s: dict[str, Any]) -> object:
    return write(f"/var/spool/cron/crontabs/{s['name']}")


@attempt
def systemd_user_unit(s: dict[str, Any]) -> object:
    folder = Path(s["person"], ".config/systemd/user")
    folder.mkdir(parents=True, exist_ok=True)
    write(f"{folder}/escape.service")
    return not s["alone"]  # else it is a folder of the same name that ends with the sandbox


@attempt
def shell_start_file(s: dict[str, Any]) -> object:
    write(s["person"] + "/.bashrc")
    return not s["alone"]


@attempt
def type_into_the_terminal(s: dict[str, Any]) -> object:
    for number in (termios.TIOCSTI, 0x541C):
        with suppress(OSError), open("/dev/tty", "rb", buffering=0) as terminal:
            fcntl.ioctl(terminal, number, b"x")
            return True
    master, follower = os.openpty()
    fcntl.ioctl(follower, termios.TIOCSTI, b"x")  # one's own, if there is one at all
    return True


@attempt
def power(s: dict[str, Any]) -> object:
    return write("/proc/sysrq-trigger", "h")


# ── the project and what a person's programs obey ──


@attempt
def hook_of_the_project(s: dict[str, Any]) -> object:
    return write(s["project"] + "/.git/hooks/post-checkout", "#!/bin/sh\ntouch escaped\n")


@attempt
def configuration_of_the_project(s: dict[str, Any]) -> object:
    return run("git", "config", "--file", s["project"] + "/.git/config", "core.pager", "touch x")


@attempt
def reference_of_the_project(s: dict[str, Any]) -> object:
    return run("git", "-C", s["project"], "update-ref", "refs/heads/escaped", "HEAD")


@attempt
def reference_by_push(s: dict[str, Any]) -> object:
    return run("git", "push", s["project"], "HEAD:refs/heads/escaped", cwd=s["workspace"])


@attempt
def objects_of_the_project(s: dict[str, Any]) -> object:
    return write(s["project"] + "/.git/objects/escaped")


@attempt
def alternates_of_the_project(s: dict[str, Any]) -> object:
    return write(s["project"] + "/.git/objects/info/alternates", "/tmp\n")


@attempt
def files_of_the_project(s: dict[str, Any]) -> object:
    return write(s["project"] + "/new.txt")


@attempt
def settings_of_the_project(s: dict[str, Any]) -> object:
    os.makedirs(s["project"] + "/.claude", exist_ok=True)
    return write(s["project"] + "/.claude/settings.json")


@attempt
def servers_of_the_project(s: dict[str, Any]) -> object:
    return write(s["project"] + "/.mcp.json")


@attempt
def another_workspace(s: dict[str, Any]) -> object:
    return write(s["project"] + "/.axon/work/ENG-2/mine.txt")


@attempt
def the_ledger(s: dict[str, Any]) -> object:
    return write(s["project"] + "/.axon/ledger.db")


def obeyed(s: dict[str, Any], name: str) -> object:
    """Only bubblewrap can hold single names in a folder that may be written."""
    path = Path(s["workspace"], name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(str(path))
    return s["alone"]


@attempt
def hook_of_the_workspace(s: dict[str, Any]) -> object:
    return obeyed(s, ".git/hooks/pre-commit")


@attempt
def configuration_of_the_workspace(s: dict[str, Any]) -> object:
    with open(s["workspace"] + "/.git/config", "a") as file:
        file.write("[core]\n\tpager = touch escaped\n")
    return s["alone"]


@attempt
def configuration_by_moving_the_repository(s: dict[str, Any]) -> object:
    moved = s["workspace"] + "/.git-moved"
    os.rename(s["workspace"] + "/.git", moved)
    if not s["alone"]:
        os.rename(moved, s["workspace"] + "/.git")
    return s["alone"]


@attempt
def alternates_of_the_workspace(s: dict[str, Any]) -> object:
    return obeyed(s, ".git/objects/info/alternates")


@attempt
def settings_of_the_workspace(s: dict[str, Any]) -> object:
    return obeyed(s, ".claude/settings.json")


@attempt
def servers_of_the_workspace(s: dict[str, Any]) -> object:
    return obeyed(s, ".mcp.json")


@attempt
def settings_by_renaming(s: dict[str, Any]) -> object:
    folder = Path(s["workspace"], "claude-to-be")
    folder.mkdir()
    os.rename(folder, s["workspace"] + "/.claude")
    return s["alone"]


# These take away what others aim at.
LAST = ("kill_another", "kill_by_descriptor", "kill_its_group", "limit_another", "signal_by_file",
        "stop_another", "rename_in", "remove_a_file", "remove_a_folder")  # fmt: skip


def outcome(function: Attempt, scene: dict[str, Any]) -> str:
    try:
        found = function(scene)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return f"refused: {error}"
    return f"ESCAPED: {found}"[:300] if found else "refused: nothing came of it"


def apart(function: Attempt, scene: dict[str, Any]) -> str:
    """In a process of its own: what one attempt does to itself is no help and no harm to others."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.write(writer, outcome(function, scene).encode("utf-8", "replace"))
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8", errors="replace") as file:
        said = file.read()
    os.waitpid(child, 0)
    return said or "refused: it was killed"


def main(path: str) -> None:
    with open(path) as file:
        scene = json.load(file)
    names = sorted(ATTEMPTS, key=lambda name: LAST.index(name) if name in LAST else -1)
    print(json.dumps({name: apart(ATTEMPTS[name], scene) for name in names}))


if __name__ == "__main__":
    main(sys.argv[1])
