"""One connection: what it has sent, what it waits for, and until when it may take its time."""

import socket
from enum import IntEnum

from axon.dashboard.web.head import Head
from axon.dashboard.web.plan import Work


class Phase(IntEnum):
    IDLE = 0  # nothing of a request has come
    HEAD = 1
    BODY = 2
    WORKING = 3
    WRITING = 4
    LEAVING = 5  # told all, and closed for writing: what still comes is thrown away


class Connection:
    """The loop alone touches it."""

    __slots__ = (
        "buffer", "close", "deadline", "eof", "events", "fd", "head", "out", "phase", "served",
        "sock", "work",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.buffer = bytearray()
        self.phase = Phase.IDLE
        self.deadline = deadline
        self.head: Head | None = None
        self.work: Work | None = None
        self.out: memoryview | None = None  # what the peer has not taken yet
        self.close = False
        self.eof = False  # the peer sends nothing more
        self.events = 0  # that the selector watches for
        self.served = 0
