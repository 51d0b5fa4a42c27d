"""What the gateway adds to a request: 8 streams at once, against a direct connection.

    python tests/bench/gateway.py

The model is a process of its own that answers with 20 events, 10 ms apart. Rounds alternate.
"""

import http.client
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from axon.gateway.server import serve  # noqa: E402
from tests.gateway_stand import bench, request  # noqa: E402

STREAMS, ROUNDS, EACH = 8, 6, 10
MODEL = """
import asyncio, json
def event(kind, **more):
    data = f"event: {kind}\\ndata: {json.dumps({'type': kind, **more})}\\n\\n".encode()
    return b"%x\\r\\n%b\\r\\n" % (len(data), data)
START = event("message_start", message={"model": "claude-sonnet-4-5", "usage": {"input_tokens": 9}})
DELTA = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "word " * 8})
END = event("message_delta", usage={"output_tokens": 9}) + event("message_stop") + b"0\\r\\n\\r\\n"
HEAD = b"HTTP/1.1 200 OK\\r\\ncontent-type: text/event-stream\\r\\n"
HEAD += b"transfer-encoding: chunked\\r\\n\\r\\n"
async def talk(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\\r\\n\\r\\n")).lower()
            await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\\r\\n")[0]))
            writer.write(HEAD + START)
            for _ in range(20):
                await asyncio.sleep(0.01)
                writer.write(DELTA)
                await writer.drain()
            writer.write(END)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def ask(port: int, token: str, body: bytes, found: list[tuple[float, float]]) -> None:
    """Time to the first byte, and to the end, of each of a client's requests."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(EACH):
        began = time.perf_counter()
        connection.request("POST", "/v1/messages", body, {"x-api-key": token})
        response = connection.getresponse()
        response.read1(1)
        first = time.perf_counter() - began
        response.read()
        found.append((first, time.perf_counter() - began))
    connection.close()


def at_once(port: int, token: str, body: bytes) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    threads = [
        threading.Thread(target=ask, args=(port, token, body, found)) for _ in range(STREAMS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def quantiles(seconds: list[float]) -> tuple[float, float]:
    """Median and 99th percentile, in ms."""
    cuts = statistics.quantiles(seconds, n=100)
    return 1000 * cuts[49], 1000 * cuts[98]


def measure(model: int, gateway: int, token: str) -> None:
    body = json.dumps(request() | {"system": "x" * 60_000}).encode()
    found: dict[int, list[tuple[float, float]]] = {model: [], gateway: []}
    for port in found:
        at_once(port, token, body)  # warm
    for _ in range(ROUNDS):
        for port, times in found.items():
            times += at_once(port, token, body)
    for number, what in enumerate(("time to the first byte", "time to the end")):
        direct = quantiles([times[number] for times in found[model]])
        through = quantiles([times[number] for times in found[gateway]])
        print(
            f"gateway, {STREAMS} streams at once, {what}: p50 {through[0]:.1f} ms, "
            f"p99 {through[1]:.1f} ms; direct {direct[0]:.1f}, {direct[1]:.1f}; "
            f"added {through[0] - direct[0]:.1f}, {through[1] - direct[1]:.1f}"
        )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        model = subprocess.Popen([sys.executable, "-c", MODEL], stdout=subprocess.PIPE, text=True)
        assert model.stdout is not None
        port = int(model.stdout.readline())
        ours: Connection
        with bench(Path(name), base_url=f"http://127.0.0.1:{port}") as made:
            context = multiprocessing.get_context("forkserver")
            ours, theirs = context.Pipe()
            child = context.Process(target=serve, args=(made.settings, theirs))
            child.start()
            theirs.close()
            measure(port, ours.recv(), made.token)
            ours.send("stop")
            child.join(10)
        model.kill()
        model.communicate()


if __name__ == "__main__":
    main()
