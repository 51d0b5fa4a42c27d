"""What the page's server does in a second, beside FastAPI on uvicorn; and what watchers cost.

    python tests/bench/dashboard.py [--quick]

FastAPI, uvicorn, uvloop and httptools come with the extra `bench`; without them the comparison
is left out. Rounds alternate, medians count.
"""

import contextlib
import json
import os
import re
import resource
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from axon.ledger import Ledger, Run, open_ledger
from axon.tasks import Claim, Draft
from tests.bench.load import first_answer, load

ROOT = Path(__file__).resolve().parent.parent.parent
PYZ = Path(os.environ.get("AXON_TEST_PYZ", ROOT / "dist" / "axon.pyz")).resolve()
QUICK = "--quick" in sys.argv
ROUNDS, SECONDS = (2, 0.5) if QUICK else (7, 1.5)
TASKS, LANDED = (5_000, 500) if QUICK else (100_000, 10_000)
CROWDS = (1_000,) if QUICK else (1_000, 10_000)
TOKEN = "bench-token-bench-token-bench-token"

PEER = """
import json
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
payload = json.load(open("payload.json"))
app = FastAPI()

@app.get("/api/issues")
async def issues():
    return JSONResponse(payload)  # so that it need not look at what is in there

app.mount("/", StaticFiles(directory="files"))
"""


@dataclass(frozen=True, slots=True)
class Served:
    process: "subprocess.Popen[bytes]"
    port: int

    def megabytes(self) -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", text)
        return int(found[1]) / 1024 if found else 0.0

    def worked(self) -> float:
        """Seconds of processor time until now."""
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((t / "schedstat").read_text().split()[0]) for t in threads) / 1e9


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def request(port: int, path: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
    )


@contextlib.contextmanager
def served(words: list[str], folder: Path, path: str) -> Iterator[tuple[Served, float]]:
    """A server in `folder`, and the seconds until its first 200."""
    port = free_port()
    words = [word.replace("PORT", str(port)) for word in words]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    began = time.perf_counter()
    process = subprocess.Popen(words, cwd=folder, env=environ, stdout=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(OSError):
                if first_answer(port, request(port, path))[0] == 200:
                    break
            assert process.poll() is None and time.perf_counter() - began < 30
            time.sleep(0.001)
        yield Served(process, port), time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def page(
    folder: Path, path: str = "/api/me"
) -> contextlib.AbstractContextManager[tuple[Served, float]]:
    words = [sys.executable, str(PYZ), "dashboard", "--port", "PORT", "--token", TOKEN]
    return served(words, folder, path)


def peer(folder: Path) -> contextlib.AbstractContextManager[tuple[Served, float]]:
    words = [sys.executable, "-m", "uvicorn", "peer:app", "--port", "PORT", "--no-access-log"]
    fast = ["--loop", "uvloop", "--http", "httptools", "--log-level", "warning"]
    return served([*words, *fast], folder, "/api/issues")


def project(folder: Path) -> Ledger:
    folder.mkdir(exist_ok=True)
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", *words]
        subprocess.run(git, cwd=folder, check=True)
    (folder / ".axon").mkdir()
    return open_ledger(f"file:{folder / '.axon' / 'ledger.db'}", create=True)


def starts(folder: Path) -> None:
    seconds, worked = [], []
    for _ in range(3 if QUICK else 15):
        with page(folder) as (server, took):
            seconds.append(took)
            worked.append(server.worked())
    told, least = statistics.median(seconds) * 1000, min(seconds) * 1000
    print(
        f"start to first 200: {told:.0f} ms (reach 150), fastest {least:.0f} ms, of which it"
        f" computes {statistics.median(worked) * 1000:.0f} ms; load {os.getloadavg()[0]:.0f} on"
        f" {os.cpu_count()} cores"
    )


def comparison(folder: Path) -> None:
    """The same JSON and the same file, from both, round by round, while somebody writes."""
    try:
        import fastapi  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
        import uvloop  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
    except ImportError:
        print("FastAPI and uvloop are not installed (pip install -e '.[bench]'): no comparison")
        return
    beside = folder.parent / "peer"
    (beside / "files").mkdir(parents=True)
    (beside / "peer.py").write_text(PEER)
    path = "/api/issues?limit=20"
    with page(folder) as (ours, _):
        _, data = first_answer(ours.port, request(ours.port, path))
        (beside / "payload.json").write_bytes(data.partition(b"\r\n\r\n")[2])
        _, data = first_answer(ours.port, request(ours.port, "/index.html"))
        file = data.partition(b"\r\n\r\n")[2]
        (beside / "files" / "index.html").write_bytes(file)
        (beside / "payload.json").write_text(
            json.dumps(json.loads((beside / "payload.json").read_bytes()))
        )
        with _in(beside), peer(beside) as (theirs, _), writing(folder):
            for what, asked in (
                (f"JSON, {path}", path),
                (f"a file, {len(file)} bytes", "/index.html"),
            ):
                for connections in (8, 64):
                    _side_by_side(ours.port, theirs.port, what, asked, connections)


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Somebody writes ten times a second: what was answered before is out of date."""
    stop = threading.Event()

    def write() -> None:
        own = open_ledger(f"file:{folder / '.axon' / 'ledger.db'}")
        while not stop.wait(0.1):
            own.record("progress", actor="bench", identifier="ENG-1", why="still there")
        own.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _side_by_side(ours: int, theirs: int, what: str, path: str, connections: int) -> None:
    rates: dict[int, list[float]] = {ours: [], theirs: []}
    for _ in range(ROUNDS):
        for port, found in rates.items():
            found.append(load(port, request(port, path), connections, SECONDS).rate)
    a, b = (statistics.median(rates[port]) for port in (ours, theirs))
    print(
        f"{what}, {connections} connections: {a:,.0f}/s, FastAPI on uvicorn {b:,.0f}/s;"
        f" ratio {a / b:.1f} (reach 2)"
    )


def velocity(folder: Path, ledger: Ledger) -> None:
    """While somebody writes ten times a second."""
    began = time.perf_counter()
    _fill(ledger)
    print(
        f"made {TASKS:,} tasks, {LANDED:,} of them landed, in {time.perf_counter() - began:.0f} s"
    )
    path = "/api/analytics/velocity?days=30"
    with page(folder, path) as (server, first):
        asked = request(server.port, path)
        with writing(folder):
            found = load(server.port, asked, 8, 2 * ROUNDS * SECONDS)
    print(
        f"velocity over {TASKS:,} tasks, 8 connections: p50 {found.quantile(0.5) * 1000:.2f} ms,"
        f" p99 {found.quantile(0.99) * 1000:.2f} ms (reach 10), {found.rate:,.0f}/s;"
        f" from the start of the server to the first answer {first:.1f} s"
    )


def _fill(ledger: Ledger) -> None:
    for start in range(0, TASKS, 10_000):
        count = min(10_000, TASKS - start)
        ledger.add([Draft(title=f"Task {start + n}") for n in range(count)])
    run = Run(id="run-bench", pid=1, host="h", target="main", engine="command", workers=1)
    ledger.start_run(run, 600)
    lease = ledger.lease("landing", "bench", 36_000)
    assert lease is not None
    for _ in range(LANDED):
        task = ledger.claim(worker="w1", run=run.id, lease_seconds=600)
        assert task is not None
        claim = Claim(identifier=task.identifier, token=task.token, worker="w1", run=run.id)
        ledger.submit(claim, commit="c", verified=True)
        ledger.landed(lease, task.identifier, commit="m", target="main", verified=True)
    ledger.end_run(run.id)


def crowd(folder: Path, ledger: Ledger, count: int) -> None:
    """So many watchers: what they weigh, and when the last of them has an event."""
    with page(folder) as (server, _):
        before = server.megabytes()
        selector = selectors.DefaultSelector()
        socks = []
        asked = request(server.port, "/api/events")
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", server.port), 30)
            sock.sendall(asked)
            socks.append(sock)
        for sock in socks:
            data = b""
            while b"event: team" not in data or not data.endswith(b"\n\n"):
                data += sock.recv(1 << 16)
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ)
        grown = server.megabytes() - before
        took = []
        for number in range(3 if QUICK else 7):
            began = time.perf_counter()
            ledger.record("progress", actor="bench", identifier="ENG-1", why=f"mark {number}.")
            took.append(_all_have(selector, f"mark {number}.".encode(), count) - began)
        peak = server.megabytes() - before
        for sock in socks:
            sock.close()
        selector.close()
    limits = {1_000: (32, 0.3), 10_000: (150, 1.0)}[count]
    print(
        f"{count:,} watchers: {grown:.0f} MB more, {peak:.0f} MB at the end (reach {limits[0]});"
        f" all have an event after {statistics.median(took):.2f} s, slowest {max(took):.2f} s"
        f" (reach {limits[1]})"
    )


def _all_have(selector: selectors.BaseSelector, mark: bytes, count: int) -> float:
    waiting = set(selector.get_map())
    assert len(waiting) == count
    while waiting:
        for key, _ in selector.select(10):
            assert isinstance(key.fileobj, socket.socket)
            if mark in key.fileobj.recv(1 << 16):
                waiting.discard(key.fd)
    return time.perf_counter()


def main() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name) / "project"
        ledger = project(folder)
        ledger.add([Draft(title=f"Task {n}", description="Do it well. " * 10) for n in range(200)])
        starts(folder)
        comparison(folder)
        for count in CROWDS:
            crowd(folder, ledger, count)
        ledger.close()
    # the history is made in memory: 30,000 writes that survive power loss would take their time
    with tempfile.TemporaryDirectory(prefix="axon-bench-", dir=memory) as name:
        folder = Path(name) / "project"
        ledger = project(folder)
        velocity(folder, ledger)
        ledger.close()


if __name__ == "__main__":
    main()
