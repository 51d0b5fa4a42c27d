"""Recorded sessions in the terminal: listed, shown, played in their own rhythm, and kept."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from axon.commands.sessions.replaying import in_rhythm
from axon.core.playback.document import as_json, as_markdown
from axon.core.recorder import Recorder
from axon.core.terminal import plain
from axon.engines import EngineEvent
from axon.ledger import Session, open_ledger
from axon.tasks import Claim, Draft
from tests.drive import Axon, wait_for
from tests.test_cli_tasks import fails

EVIL = "\x1b]0;title\x07\x1b[2J\x9b31mred\u202e"


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def axon(core_pyz: Path, tmp_path: Path) -> Iterator[Axon]:
    driver = Axon(pyz=core_pyz, root=tmp_path / "my project", cache=tmp_path / "cache")
    driver.make_repository()
    driver.ok("init")
    yield driver
    driver.end()


def record(axon: Axon, name: str, *events: tuple[float, EngineEvent], ended: bool = True) -> None:
    """One attempt at a task of its own, with events at these seconds."""
    ledger = open_ledger(f"file:{axon.root}/.axon/ledger.db")
    ledger.add([Draft(title="Mend it")])
    task = ledger.claim(worker="w1", run="", lease_seconds=60)
    assert task is not None
    claim = Claim(identifier=task.identifier, token=1, worker="w1", run="")
    session = Session(
        id=name, identifier=task.identifier, attempt=1, run="", worker="w1", engine="claude",
        model="haiku", started_at=time.time(),
    )  # fmt: skip
    ledger.start_session(session, token_hash=name, claim=claim)
    clock = Clock()
    with Recorder(axon.root / ".axon", name, lambda value: value, clock) as recorder:
        for at, event in events:
            clock.now = at
            recorder.write(event)
    if ended:
        ledger.end_session(name, outcome="finished", turns=2)
    ledger.close()


def said(text: str) -> EngineEvent:
    return EngineEvent(kind="text", text=text)


def bash(command: str) -> EngineEvent:
    return EngineEvent(kind="tool", tool="Bash", input={"command": command})


# ── list, show ──


def test_sessions_are_listed_and_shown(axon: Axon) -> None:
    assert axon.ok("sessions", "list") == "no sessions: no agent has worked yet\n"
    output = EngineEvent(kind="tool_result", output="no", data={"is_error": True})
    record(axon, "s1", (0, said("hello")), (61, bash("make")), (62, output))
    record(axon, "s2", ended=False)
    head, first, second = axon.ok("sessions", "list").splitlines()
    assert head.split()[:3] == ["session", "task", "attempt"]
    assert first.split()[:4] == ["s1", "ENG-1", "1", "w1"] and first.endswith("finished")
    assert second.split()[0] == "s2" and second.endswith("running")
    listed = axon.json("sessions", "list", "--task", "eng-2")
    assert [(s["id"], s["ended_at"]) for s in listed] == [("s2", None)]
    assert [s["id"] for s in axon.json("sessions", "list", "--limit", "1")] == ["s2"]
    assert "no task ENG-9" in fails(axon, 3, "sessions", "list", "--task", "ENG-9")

    shown = axon.json("sessions", "show", "s1")
    recording = shown["recording"]
    assert (shown["identifier"], shown["outcome"]) == ("ENG-1", "finished")
    assert recording["kinds"] == {"text": 1, "tool": 1, "tool_result": 1}
    assert (recording["tools"], recording["errors"], recording["seconds"]) == ({"Bash": 1}, 1, 62)
    text = axon.ok("sessions", "show", "s1")
    assert "3 events in 1:02" in text and "tools       Bash 1" in text
    for action in ("show", "replay", "export"):
        assert "no session ../s1" in fails(axon, 3, "sessions", action, "../s1")


def test_a_recording_that_has_gone_is_said(axon: Axon) -> None:
    record(axon, "s1", (0, said("x")))
    (axon.root / ".axon" / "sessions" / "s1.jsonl").unlink()
    assert axon.json("sessions", "show", "s1")["recording"] is None
    assert "recording   none" in axon.ok("sessions", "show", "s1")
    for action in ("replay", "export"):
        assert "session s1 has no recording in" in fails(axon, 3, "sessions", action, "s1")


# ── replay ──


def test_events_come_in_their_own_rhythm() -> None:
    events: list[dict[str, Any]] = [
        {"at": 5.0}, {"at": 5.5}, {"kind": "damaged"}, {"at": 65.5}, {"at": 64.0}, {"at": 66.0},
    ]  # fmt: skip

    def times(speed: float, longest: float) -> list[float]:
        clock = Clock()
        played = in_rhythm(events, speed, longest, clock.sleep, clock)
        return [clock.now for _ in played]

    assert times(1, 2.0) == [0, 0.5, 0.5, 2.5, 2.5, 4.5]
    assert times(1, float("inf")) == [0, 0.5, 0.5, 60.5, 60.5, 62.5]
    assert times(10, 2.0) == pytest.approx([0, 0.05, 0.05, 2.05, 2.05, 2.25])


def test_what_showing_takes_is_not_waited_for_again() -> None:
    clock = Clock()
    seen = []
    for _ in in_rhythm([{"at": n / 2} for n in range(4)], 1, 2.0, clock.sleep, clock):
        seen.append(clock.now)
        clock.now += 0.25
    assert seen == [0, 0.5, 1.0, 1.5]


def test_a_recording_is_played(axon: Axon) -> None:
    record(axon, "s1", (0, said("first words")), (0.4, bash("make")), (900, said(f"last {EVIL}")))
    begun = time.monotonic()
    out = axon.ok("sessions", "replay", "s1")
    assert time.monotonic() - begun >= 2.4, "0.4 s, and a long pause of which 2 s are left"
    places = [out.index(part) for part in ("attempt 1 · w1", "first words", "$ make", "last red")]
    assert places == sorted(places) and "  0:00  first words" in out and "15:00" in out
    assert plain(out) == out and "finished" in out.splitlines()[-1]
    out = axon.ok("sessions", "replay", "s1", "--from", "0.4", "--speed", "1000")
    assert "first words" not in out and "$ make" in out
    lines = axon.ok("sessions", "replay", "s1", "--speed", "1000", "--json").splitlines()
    assert [json.loads(line)["at"] for line in lines] == [0, 0.4, 900]
    for option, value in (("--speed", "0"), ("--speed", "nan"), ("--from", "-1")):
        assert f"{option} must be" in fails(axon, 2, "sessions", "replay", "s1", option, value)


def test_a_replay_can_be_ended(axon: Axon) -> None:
    record(axon, "s1", (0, said("first words")), (900, said("never")), ended=False)
    process = axon.start("sessions", "replay", "s1", "--real")
    assert process.stdout is not None
    lines = []
    wait_for(lambda: lines.append(process.stdout.readline()) or "first words" in lines[-1])  # type: ignore[func-returns-value, union-attr]
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    rest, errors = process.communicate()
    assert "never" not in rest and errors == ""


def test_a_running_session_is_said_to_be_one(axon: Axon) -> None:
    record(axon, "s1", (0, said("x")), ended=False)
    assert "still running; axon logs ENG-1 --follow" in axon.ok("sessions", "replay", "s1")


# ── export ──


def test_all_of_a_recording_is_kept_as_json(axon: Axon) -> None:
    big = "line of output\n" * 5000
    record(
        axon, "s1", (0, said(f"hello {EVIL}")), (1.5, EngineEvent(kind="tool_result", output=big))
    )
    out = axon.ok("sessions", "export", "s1")
    assert plain(out) == out
    whole = json.loads(out)
    assert (whole["session"]["id"], len(whole["events"])) == ("s1", 2)
    assert whole["events"][0]["text"] == f"hello {EVIL}"
    assert (whole["events"][1]["at"], whole["events"][1]["output"]) == (1.5, big)
    for path in (axon.root / ".axon" / "blobs").iterdir():
        path.unlink()
    kept = json.loads(axon.ok("sessions", "export", "s1"))["events"][1]["output"]
    assert kept["head"] == big[:500], "what is gone is not made up"


def test_a_recording_can_be_read_as_markdown(axon: Axon) -> None:
    record(
        axon, "s1", (0, said("# I will\n\nread it.")), (65, bash("make")),
        (66, EngineEvent(kind="tool_result", output=f"```\n{EVIL}", data={"is_error": True})),
    )  # fmt: skip
    said_ = axon.json("sessions", "export", "s1", "--output", "s1.md")
    assert said_ == {"file": "s1.md", "format": "markdown", "session": "s1"}
    text = (axon.root / "s1.md").read_text()
    assert text.startswith("# Session s1\n\n- task ENG-1\n- attempt 1\n")
    assert "\n## 0.0 s · text\n\n# I will\n\nread it.\n" in text
    assert '\n## 65.0 s · $ make\n\n```text\n{\n  "command": "make"\n}\n```\n' in text
    assert "\n## 66.0 s · error\n\n````text\n```\nred\n````\n" in text
    assert "is there already" in fails(axon, 2, "sessions", "export", "s1", "--output", "s1.md")


@pytest.mark.parametrize("kind", ["text", "tool", "tool_result", "result", "gap", "damaged", "odd"])
def test_no_event_breaks_a_document(kind: str) -> None:
    for value in ("x", "", None, 3, [], [1], {"text": "y"}, [{"text": "z"}], {"a": {"b": 1}}):
        names = ("text", "input", "output", "data", "agent", "tool", "at", "lost", "bytes")
        event = {"kind": kind, "seq": 1, **dict.fromkeys(names, value)}
        assert "".join(as_markdown(EVIL, [EVIL], [event])).startswith("# red\n")
        assert json.loads("".join(as_json({"id": "s"}, [event, event])))["events"] == [event] * 2
