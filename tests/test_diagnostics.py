"""`axon health --bundle`: small, readable, complete or not there, and without a secret."""

import base64
import io
import json
import os
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest

from axon.ledger import Event, Run, open_ledger
from axon.monitoring.diagnostics import MOST_LOG_BYTES
from axon.security.secrets import Redactor
from tests.disks import mounted
from tests.drive import Axon
from tests.test_secrets import KINDS

LIVE = "live-Zx81-hunter2-Pass/word+&"
PARTS = {
    "README.txt", "versions.json", "health.json", "config.json", "ledger.json", "runs.json",
    "workers.json", "sessions.json", "metrics.json", "events.jsonl", "axon.log",
}  # fmt: skip
MOST_BYTES = 1 << 20


@pytest.fixture
def project(axon: Axon) -> Axon:
    axon.make_repository()
    axon.configure(engine={"name": "command", "command": "echo x > $AXON_TASK"})
    axon.ok("task", "add", "One", "--check", "true")
    return axon


def pack(axon: Axon, *words: str, code: int = 0) -> dict[str, str]:
    """What the bundle holds, by name."""
    done = axon("health", "--fast", "--bundle", "report.tar.gz", *words)
    assert done.returncode == code, done.stdout + done.stderr
    path = axon.root / "report.tar.gz"
    assert path.stat().st_size <= MOST_BYTES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with tarfile.open(path) as archive:
        found = {}
        for entry in archive:
            assert entry.isreg() and entry.mode == 0o600 and entry.name.count("/") == 1
            file = archive.extractfile(entry)
            assert file is not None
            found[entry.name.partition("/")[2]] = file.read().decode("utf-8")
    path.unlink()
    return found


def test_it_holds_what_a_report_needs(project: Axon) -> None:
    project.ok("task", "comment", "ENG-1", "what a person said about it")
    project.ok("team", "--workers", "1")
    found = pack(project)
    assert found.keys() == PARTS
    documents: dict[str, Any] = {
        name: json.loads(text) for name, text in found.items() if name.endswith(".json")
    }
    assert documents["versions.json"]["axon"] and documents["versions.json"]["python"]
    settings = {entry["key"]: entry for entry in documents["config.json"]}
    assert settings["engine.name"] == {
        "key": "engine.name", "value": "command", "origin": "axon.toml",
    }  # fmt: skip
    assert {check["name"] for check in documents["health.json"]["checks"]} >= {"git", "disk"}
    assert documents["ledger.json"]["states"]["done"] == 1
    assert documents["runs.json"][0]["engine"] == "command"
    assert documents["sessions.json"][0]["identifier"] == "ENG-1"
    events = [json.loads(line) for line in found["events.jsonl"].splitlines()]
    assert {"add", "claim", "land", "run_ended"} <= {event["action"] for event in events}
    assert events[0].keys() == set(Event.__dataclass_fields__)
    assert "started name=worker-1" in found["axon.log"]
    whole = "\n".join(found.values())
    assert "what a person said" not in whole
    assert str(project.root) not in whole and "<project>" in found["ledger.json"]


def test_no_secret_is_in_it(project: Axon) -> None:
    """Live ones in every spelling, and all known kinds, in log, events, settings and `.env`."""
    project.variables |= {
        "ANTHROPIC_API_KEY": LIVE,
        "MY_PASSWORD": LIVE + "-2",
        "MCP_API_KEY": "mcp-" + LIVE,
        "ANTHROPIC_BASE_URL": "http://user:pa55w0rd-of-the-proxy@127.0.0.1:9",
        "AXON_DASHBOARD_TOKEN": "dashboard-token-0123456789",
    }
    (project.root / ".env").write_text("DB_PASSWORD='only-in-dotenv-4711'\n")
    spelled = [
        LIVE, json.dumps(LIVE), base64.b64encode(f"u:{LIVE}".encode()).decode(),
        LIVE.encode().hex(), LIVE + "-2", "only-in-dotenv-4711", "dashboard-token-0123456789",
    ]  # fmt: skip
    secrets = [*spelled, *KINDS.values()]
    shapeless = [value for value in KINDS.values() if value in Redactor().text(value)]
    project.variables |= {f"SECRET_{n}": value for n, value in enumerate(shapeless)}
    log = project.root / ".axon" / "axon.log"
    lines = [f"line {n} said {secret} at the end" for n, secret in enumerate(secrets)]
    log.write_text("\n".join(lines) + "\n")
    with log.open("a") as file:
        file.write("x" * MOST_LOG_BYTES + "\n" + "\n".join(lines) + "\n")
    ledger = open_ledger(f"file:{project.root / '.axon' / 'ledger.db'}")
    for secret in secrets:
        ledger.record("gate", actor="w1", why=f"it printed {secret}", data={"log": secret})
        ledger.record("gate", actor="w1", why="x" * 280 + " " + secret)
    ledger.pause(" ".join(secrets))
    ledger.start_run(Run(id="run-1", pid=1, host="h", target=LIVE, engine="command", workers=1), 20)
    ledger.halt_run("run-1", "bug", f"it was told {LIVE}")
    ledger.close()
    whole = "\n".join(pack(project, code=5).values())  # an address with a password is refused
    assert "line 3 said [redacted]" in whole
    for secret in secrets:
        for part in secret.splitlines():
            for piece in {part, part[:12]} if len(part) >= 24 else {part}:
                assert len(piece) < 12 or piece not in whole, part
    assert "pa55w0rd-of-the-proxy" not in whole


def test_a_log_of_a_gigabyte_that_is_no_text(project: Axon) -> None:
    log = project.root / ".axon" / "axon.log"
    half = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7b\n" * 400
    with log.open("wb") as file:
        file.truncate(1 << 30)
        file.seek(0, os.SEEK_END)
        file.write(half.encode())
        file.write(b"\xff\xfe\x00 no text\n" * 16_000)
        file.write(b"the last line\n")
    found = pack(project)["axon.log"]
    assert found.endswith("the last line\n") and "\ufffd" in found
    assert "MIIEpAIBAAKCAQEA7b" not in found
    log.unlink()
    os.mkfifo(log)
    assert pack(project)["axon.log"] == "it is not a file\n"
    log.unlink()
    assert pack(project)["axon.log"] == "there is none\n"


def test_what_is_there_is_not_replaced_unless_told(project: Axon) -> None:
    path = project.root / "report.tar.gz"
    path.write_text("mine")
    done = project("health", "--fast", "--bundle", "report.tar.gz")
    assert done.returncode == 2 and "say --force" in done.stderr and not done.stdout
    assert path.read_text() == "mine"
    assert pack(project, "--force").keys() == PARTS
    done = project("health", "--fast", "--bundle", "no/such/folder/x.tgz")
    assert done.returncode == 2 and done.stderr.count("\n") == 1


def test_a_full_disk_is_one_line_and_nothing_half(project: Axon, tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "4k") as small:
        (small / "filler").write_bytes(b"x" * 4096)
        done = project("health", "--fast", "--bundle", str(small / "report.tgz"))
        assert done.returncode == 2 and "No space left" in done.stderr
        assert done.stderr.count("\n") == 1
        assert [path.name for path in small.iterdir()] == ["filler"]


def test_it_is_written_also_when_everything_is_broken(project: Axon) -> None:
    path = project.root / ".axon" / "ledger.db"
    path.write_bytes(b"no ledger at all" * 1000)
    for name in ("-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)
    project.ok("health", "--fast", "--bundle", "report.tar.gz")
    data = (project.root / "report.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = {name.partition("/")[2]: name for name in archive.getnames()}
        told = archive.extractfile(names["ledger.json"])
        assert told is not None and "error" in json.loads(told.read())
    assert {"config.json", "versions.json", "axon.log"} <= names.keys()
