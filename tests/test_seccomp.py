"""The filter of system calls, computed as the kernel would, for both machines on either."""

import errno
import struct
from itertools import product

import pytest

from axon.security.launcher import kernel, seccomp

MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NARROW = {"x86_64": 0x40000003, "aarch64": 0x40000028}  # i386, 32-bit ARM
ALLOWED, ASKED = 0x7FFF0000, 0x7FC00000
REFUSED = 0x00050000
FACTS = ("alone", "watched", "local", "datagrams", "truncation", "signals")
KINDS = [dict(zip(FACTS, kind, strict=True)) for kind in product((True, False), repeat=len(FACTS))]


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(kernel, "MACHINE", request.param)
    return str(request.param)


def outcome(code: seccomp.Code, machine: int, number: int, *arguments: int) -> int:
    """What the filter answers. A step outside of the program is an IndexError."""
    given = [*arguments, *(0,) * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, machine, 0, *given)
    at = value = 0
    for _ in code:
        kind, then, otherwise, operand = struct.unpack("HBBI", code[at])
        at += 1
        if kind == seccomp.RETURN:
            return int(operand)
        if kind == seccomp.LOAD:
            value = struct.unpack_from("<I", data, operand)[0]
        elif kind == seccomp.AND:
            value &= operand
        else:
            holds = {
                seccomp.EQUALS: value == operand,
                seccomp.ANY_BIT: bool(value & operand),
                0x35: value >= operand,
            }[kind]
            at += then if holds else otherwise
    raise AssertionError("the filter does not end")


def call(machine: str, name: str, *arguments: int, **kind: bool) -> int:
    given = {**dict.fromkeys(KINDS[0], False), **kind}
    return outcome(seccomp.program(**given), MACHINES[machine], kernel.number(name), *arguments)


def test_no_other_way_into_the_kernel_is_open(machine: str) -> None:
    for kind in KINDS:
        code = seccomp.program(**kind)
        for other in {*MACHINES.values(), *NARROW.values()} - {MACHINES[machine]}:
            for number in (*range(0, 480, 23), 0x40000000):
                assert outcome(code, other, number) == REFUSED | errno.EPERM
        assert outcome(code, MACHINES["x86_64"], 0x40000000 | 39) == REFUSED | errno.EPERM


def test_each_call_ends_in_an_answer_and_what_harms_in_a_refusal(machine: str) -> None:
    for kind in KINDS:
        code = seccomp.program(**kind)
        for number in range(0, 500, 3):
            assert outcome(code, MACHINES[machine], number) >= 0
        for name in seccomp.NEVER:
            if (number := kernel.number(name)) >= 0:
                assert outcome(code, MACHINES[machine], number) == REFUSED | errno.EPERM, name


def test_what_the_machine_lacks_has_no_number(machine: str) -> None:
    absent = {"chmod", "chown", "lchown", "open", "utime", "utimes", "futimesat", "iopl", "ioperm",
              "modify_ldt"}  # fmt: skip
    lacking = {name for name in kernel.NUMBERS if kernel.number(name) < 0}
    assert lacking == (absent if machine == "aarch64" else set())
    numbers = [kernel.number(name) for name in kernel.NUMBERS if name not in lacking]
    assert len(numbers) == len(set(numbers))


def test_what_landlock_does_not_see_is_asked_for(machine: str) -> None:
    for name in ("fchmod", "fchmodat", "fchown", "fchownat", "utimensat"):
        assert call(machine, name, watched=True) == ASKED
        assert call(machine, name, alone=True) == ALLOWED
    assert call(machine, "connect", watched=True, local=True) == ASKED
    for name in ("kill", "tkill", "tgkill", "pidfd_send_signal"):
        assert call(machine, name, watched=True) == ASKED
        assert call(machine, name, watched=True, signals=True) == ALLOWED
    assert call(machine, "rt_sigqueueinfo") == REFUSED | errno.EPERM
    assert call(machine, "fsetxattr", watched=True) == REFUSED | errno.ENOTSUP
    assert call(machine, "fchmodat2", watched=True) == REFUSED | errno.ENOSYS


def test_arguments_decide_where_they_must(machine: str) -> None:
    eperm, plain = REFUSED | errno.EPERM, {"alone": True, "truncation": True}
    assert call(machine, "clone", 0x10000000, **plain) == eperm  # a user namespace
    assert call(machine, "clone", 0x11, **plain) == ALLOWED
    assert call(machine, "clone3", **plain) == REFUSED | errno.ENOSYS
    assert call(machine, "ioctl", 0, 0x5412, **plain) == eperm
    assert call(machine, "ioctl", 0, 0x5401, **plain) == ALLOWED
    assert call(machine, "fcntl", 3, 8, 99) == eperm  # the kernel would signal for it
    assert call(machine, "fcntl", 3, 2) == ALLOWED
    assert call(machine, "ioctl", 3, 0x8901) == eperm
    assert call(machine, "openat", 0, 0, 0x200) == eperm  # for reading, and cut to nothing
    assert call(machine, "openat", 0, 0, 0x241) == ALLOWED
    assert call(machine, "openat", 0, 0, 0x200, truncation=True) == ALLOWED
    assert call(machine, "prlimit64", 0) == ALLOWED
    assert call(machine, "prlimit64", 99) == eperm
    assert call(machine, "socket", 2, 1 | 0x80000, 6, watched=True, local=True) == ALLOWED
    assert call(machine, "socket", 2, 2, 0, watched=True, local=True) == eperm  # UDP
    assert call(machine, "socket", 2, 2, 17, datagrams=True, alone=True) == ALLOWED
    assert call(machine, "socket", 2, 3, 1, datagrams=True, alone=True) == eperm  # raw
    assert call(machine, "socket", 17, 3) == REFUSED | errno.EAFNOSUPPORT  # packets
    assert call(machine, "socket", 1, 1, watched=True) == REFUSED | errno.EACCES
    assert call(machine, "sendto", 3, 0, 0, seccomp.FAST_OPEN) == eperm
