"""Keep connections of HTTP/1.1 busy, with as little work per request as can be."""

import re
import selectors
import socket
import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Load:
    """What one round has brought."""

    requests: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    def quantile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def first_answer(port: int, request: bytes) -> tuple[int, bytes]:
    """Its status, and all of its bytes."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(request)
        data = sock.recv(1 << 20)
        while (size := _size(data)) is None or len(data) < size:
            data += sock.recv(1 << 20)
    return int(data.split(b" ", 2)[1]), data


def _size(data: bytes) -> int | None:
    head, found, _ = data.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return len(head) + 4 + int(length[1]) if found and length else None


def load(port: int, request: bytes, connections: int, seconds: float) -> Load:
    """Each connection asks again as soon as it was answered."""
    status, data = first_answer(port, request)
    assert status == 200, data[:500]
    size = len(data)
    selector = selectors.DefaultSelector()
    found = Load()
    socks = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(connections)]
    room = bytearray(1 << 20)
    for sock in socks:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ, [0, time.perf_counter()])
    began = time.perf_counter()
    for sock in socks:
        sock.send(request)
    ends = began + seconds
    while (now := time.perf_counter()) < ends:
        for key, _ in selector.select(1):
            state, peer = key.data, key.fileobj
            assert isinstance(peer, socket.socket)
            state[0] += peer.recv_into(room)
            if state[0] >= size:
                now = time.perf_counter()
                found.latencies.append(now - state[1])
                found.requests += 1
                state[0], state[1] = 0, now
                peer.send(request)
    found.seconds = now - began
    for sock in socks:
        selector.unregister(sock)
        sock.close()
    selector.close()
    return found
