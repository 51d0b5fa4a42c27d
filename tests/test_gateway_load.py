"""Many connections, large streams and a death in the middle: bounded, and counted once."""

import os
import resource
import signal
import socket
import threading
from pathlib import Path

from tests.drive import wait_for
from tests.gateway_stand import Raw, asking_alone, bench, fake_model, usage_rows
from tests.test_gateway import SSE_HEAD, chunk, event
from tests.test_gateway_faults import asked, process

TURN = {"text": "Done.", "usage": {"input_tokens": 10, "output_tokens": 5}}


def test_hundreds_of_idle_connections_and_hundreds_at_work(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    turn = {**TURN, "delay_seconds": 0.2}
    try:
        with (
            fake_model(tmp_path, [turn]) as (url, _),
            bench(tmp_path, base_url=url) as made,
            process(made) as (_, _, port),
        ):
            idle = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(500)]
            statuses: list[int] = []
            threads = [
                threading.Thread(target=lambda: statuses.append(asked(made, port)))
                for _ in range(200)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert statuses == [200] * 200
            idle[-1].sendall(f"HEAD / HTTP/1.1\r\nx-api-key: {made.token}\r\n\r\n".encode())
            assert idle[-1].recv(100).startswith(b"HTTP/1.1 200 ")
            for sock in idle:
                sock.close()
            assert made.usage()[0] == 200 * 15
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_hundred_megabytes_pass_without_being_held(tmp_path: Path) -> None:
    """And while the child reads slowly, the model's end is not read on ahead of it."""
    piece, count, sent = chunk(event("ping", filler="x" * 65_000)), 1640, [0]

    def talk(sock: socket.socket) -> None:
        raw.read(sock)
        sock.sendall(SSE_HEAD)
        for _ in range(count):
            sock.sendall(piece)
            sent[0] += 1
        sock.sendall(b"0\r\n\r\n")

    raw = Raw(talk)
    with (
        raw,
        bench(tmp_path, base_url=raw.url) as made,
        process(made) as (child, _, port),
    ):
        before = resident(child.pid or 0)
        sock = asking_alone(made, port)
        last = [-1]

        def stalled() -> bool:
            """No more is taken from the model: what is on its way is in the kernel's buffers."""
            same, last[0] = sent[0] == last[0] > 0, sent[0]
            return same

        wait_for(stalled)
        assert sent[0] < count / 2
        seen = 0
        while data := sock.recv(1 << 20):
            seen += len(data)
            if data.endswith(b"0\r\n\r\n"):
                break
        sock.close()
        assert seen > 100 << 20
        assert resident(child.pid or 0) - before < 32 << 20


def resident(pid: int) -> int:
    """The most memory that process ever had."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) << 10


def test_killed_in_mid_stream_nothing_is_counted_twice(tmp_path: Path) -> None:
    """The child sees its answer break off, asks again as the CLI does, and finds the successor."""
    held = threading.Event()

    def talk(sock: socket.socket) -> None:
        while raw.read(sock):
            start = {"model": "claude-haiku-4-5", "usage": {"input_tokens": 7, "output_tokens": 1}}
            sock.sendall(SSE_HEAD + chunk(event("message_start", message=start)))
            if len(raw.requests) == 1:
                held.wait(20)
                return
            body = event("message_delta", delta={}, usage={"output_tokens": 9})
            sock.sendall(chunk(body + event("message_stop")) + b"0\r\n\r\n")

    raw = Raw(talk)
    with raw, bench(tmp_path, base_url=raw.url) as made:
        with process(made) as (child, _, port):
            sock = asking_alone(made, port)
            heard = b""
            while b"message_start" not in heard:  # in one piece or in several
                heard += sock.recv(65536)
            os.kill(child.pid or 0, signal.SIGKILL)
            child.join(5)
            while sock.recv(65536):
                pass  # to its end
            sock.close()
            with process(made, port) as (_, _, again):
                assert again == port
                assert asked(made, port) == 200
        held.set()
        assert made.usage()[0] == 16
        assert usage_rows(made) == 1
