"""What an agent did is on the file, whole and without secrets, whatever happens to either."""

import json
import logging
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from axon.core.payload import PAYLOAD_BYTES
from axon.core.playback import blob, follow, read_events
from axon.core.recorder import Recorder
from axon.engines import EngineEvent
from axon.security.secrets import REDACTED, Redactor

SECRET = "correct-horse-battery-staple"


def unchanged(value: Any) -> Any:
    return value


def wait_for(fact: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.01)


def events_of(folder: Path) -> list[dict[str, Any]]:
    return list(read_events(folder / "sessions" / "s1.jsonl"))


def test_an_event_is_one_line_with_what_it_has(tmp_path: Path) -> None:
    times = iter([10.0, 10.0, 11.2346, 11.2346, 13.0, 13.0])
    with Recorder(tmp_path, "s1", unchanged, clock=lambda: next(times)) as recorder:
        recorder.write(EngineEvent(kind="tool", tool="Bash", call="c1", input={"command": "ls"}))
        recorder.note("gate", text="red", exit_code=1)

    lines = recorder.path.read_bytes().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"seq": 1, "at": 1.235, "kind": "tool", "tool": "Bash", "call": "c1"}
        | {"input": {"command": "ls"}},
        {"seq": 2, "at": 3.0, "kind": "gate", "text": "red", "data": {"exit_code": 1}},
    ]
    assert stat.S_IMODE(recorder.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(recorder.path.parent.stat().st_mode) == 0o700


def test_an_event_is_on_the_file_at_once(tmp_path: Path) -> None:
    with Recorder(tmp_path, "s1", unchanged) as recorder:
        recorder.write(EngineEvent(kind="text", text="hello"))
        assert [e["text"] for e in events_of(tmp_path)] == ["hello"]


def test_falsy_values_are_values(tmp_path: Path) -> None:
    with Recorder(tmp_path, "s1", unchanged) as recorder:
        recorder.write(EngineEvent(kind="tool_result", output=0, input=False, text=""))
    [event] = events_of(tmp_path)
    assert (event["output"], event["input"], "text" in event) == (0, False, False)


def test_a_large_payload_is_stored_once_by_its_hash(tmp_path: Path) -> None:
    text = "x" * 600 + "é" * 20_000
    with Recorder(tmp_path, "s1", unchanged) as recorder:
        for _ in range(2):
            recorder.write(EngineEvent(kind="tool_result", output=text))
        recorder.write(EngineEvent(kind="tool", input={"content": text}))
    first, second, nested = (e.get("output") or e["input"] for e in events_of(tmp_path))

    assert first == second and first["head"] == text[:500]
    stored = tmp_path / "blobs" / first["blob"]
    assert first["bytes"] == stored.stat().st_size
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert blob(tmp_path, first["blob"]) == text
    assert blob(tmp_path, nested["blob"]) == {"content": text}
    assert len(os.listdir(tmp_path / "blobs")) == 2


def test_a_damaged_or_foreign_blob_is_not_given_out(tmp_path: Path) -> None:
    with Recorder(tmp_path, "s1", unchanged) as recorder:
        recorder.write(EngineEvent(kind="text", text="y" * 20_000))
    [event] = events_of(tmp_path)
    stored = tmp_path / "blobs" / event["text"]["blob"]
    stored.write_bytes(stored.read_bytes()[:100])
    assert blob(tmp_path, event["text"]["blob"]) is None
    assert blob(tmp_path, "../sessions/s1.jsonl") is None

    with Recorder(tmp_path, "s2", unchanged) as recorder:  # and is written anew
        recorder.write(EngineEvent(kind="text", text="y" * 20_000))
    assert blob(tmp_path, event["text"]["blob"]) == "y" * 20_000


def test_secrets_are_gone_before_anything_is_written(tmp_path: Path) -> None:
    with Recorder(tmp_path, "s1", Redactor([SECRET]).value) as recorder:
        recorder.write(EngineEvent(kind="text", text=f"it is {SECRET}"))
        recorder.write(EngineEvent(kind="tool", input={SECRET: ["a", {"b": SECRET}]}))
        recorder.write(EngineEvent(kind="tool_result", output="z" * 30_000 + SECRET))
        recorder.write(EngineEvent(kind="tool_result", output="z" * 490 + SECRET + "z" * 30_000))
        recorder.note("prompt", text=SECRET, other=SECRET)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) == 3
    for path in files:
        assert SECRET.encode()[:12] not in path.read_bytes()
        assert REDACTED.encode() in path.read_bytes()


@pytest.mark.parametrize("nested", [False, True])
def test_a_huge_text_is_cut_and_no_secret_survives_at_the_cut(tmp_path: Path, nested: bool) -> None:
    filler = f"{SECRET} " * 5000  # redaction makes the text shorter: the cut moves
    start = PAYLOAD_BYTES + (64 << 10) - len(filler) - 10
    text = filler + "a" * start + SECRET + "b" * (20 << 20)
    with Recorder(tmp_path, "s1", Redactor([SECRET]).value) as recorder:
        recorder.write(EngineEvent(kind="tool_result", output={"x": [text]} if nested else text))
    [event] = events_of(tmp_path)
    stored = (tmp_path / "blobs" / event["output"]["blob"]).read_bytes()
    assert 7 << 20 < len(stored) <= PAYLOAD_BYTES
    assert SECRET[:6].encode() not in stored


def test_a_payload_over_the_limit_says_that_it_was_cut(tmp_path: Path) -> None:
    with Recorder(tmp_path, "s1", unchanged) as recorder:
        recorder.write(EngineEvent(kind="text", text="\0" * (3 << 20)))  # 6 bytes each in JSON
        recorder.write(EngineEvent(kind="tool_result", output=["c" * 1000] * 10_000))
    for event in events_of(tmp_path):
        payload = event.get("text") or event["output"]
        assert payload["cut"] is True
        assert payload["bytes"] <= PAYLOAD_BYTES
        assert isinstance(blob(tmp_path, payload["blob"]), str)


def test_anything_can_be_recorded(tmp_path: Path) -> None:
    class Rude:
        def __repr__(self) -> str:
            raise ValueError

    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    odd = "lone \ud800 nul \0 line \u2028 end"
    values = [odd, {odd: odd}, b"bytes", {1, 2}, float("nan"), 10**5000, Rude(), deep, {3: (1,)}]
    with Recorder(tmp_path, "s1", unchanged) as recorder:
        for value in values:
            recorder.write(EngineEvent(kind="tool_result", output=value))
    found = [event["output"] for event in events_of(tmp_path)]
    assert found[:6] == [odd, {odd: odd}, "b'bytes'", "{1, 2}", "nan", "<int>"]
    assert found[6] == "<Rude>" and found[8] == {"3": [1]}
    assert len(recorder.path.read_bytes().splitlines()) == len(values)


def test_redaction_that_fails_records_nothing_unsearched(tmp_path: Path) -> None:
    def broken(value: Any) -> Any:
        raise KeyError(SECRET)

    with Recorder(tmp_path, "s1", broken) as recorder:
        recorder.write(EngineEvent(kind="text", text=SECRET))
        recorder.write(EngineEvent(kind="text", agent=SECRET))
    assert [e["seq"] for e in events_of(tmp_path)] == [1, 2]
    assert SECRET.encode() not in recorder.path.read_bytes()


@contextmanager
def full_at(size: int) -> Iterator[None]:
    """No file of this process can grow beyond `size`, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_stops_recording_and_room_resumes_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    with (
        caplog.at_level(logging.WARNING),
        Recorder(tmp_path, "s1", unchanged, clock=lambda: now[0]) as recorder,
    ):
        recorder.write(EngineEvent(kind="text", text="one"))
        with full_at(recorder.path.stat().st_size + 20):  # the next line is torn
            for number in range(3):
                now[0] += 2
                recorder.write(EngineEvent(kind="text", text=f"lost {number}"))
        now[0] += 0.1  # too soon to try again
        recorder.write(EngineEvent(kind="text", text="lost 3"))
        now[0] += 2
        recorder.write(EngineEvent(kind="text", text="two"))

    found = [(e["seq"], e["kind"], e.get("text", e.get("lost"))) for e in events_of(tmp_path)]
    assert found == [(1, "text", "one"), (1, "damaged", None), (2, "gap", 4), (3, "text", "two")]
    assert [r.getMessage().split()[:2] for r in caplog.records] == [["recording", "stopped"]]


def test_a_gap_at_the_end_is_recorded_too(tmp_path: Path) -> None:
    with Recorder(tmp_path, "s1", unchanged) as recorder, full_at(0):
        recorder.write(EngineEvent(kind="text", text="lost"))
        recorder.write(EngineEvent(kind="text", text="lost"))
    assert [(e["kind"], e["lost"]) for e in events_of(tmp_path)] == [("gap", 2)]


def test_a_folder_that_cannot_be_made_does_not_stop_the_agent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING), Recorder(tmp_path / "file", "s1", unchanged) as recorder:
        recorder.write(EngineEvent(kind="text", text="lost"))
    assert [r.getMessage().split()[:2] for r in caplog.records] == [["recording", "stopped"]]


def test_a_session_that_is_removed_begins_anew(tmp_path: Path) -> None:
    with Recorder(tmp_path, "s1", unchanged) as recorder:
        recorder.write(EngineEvent(kind="text", text="one"))
        recorder.path.unlink()
        recorder.path.parent.rmdir()
        recorder.write(EngineEvent(kind="text", text="two"))
    assert [(e["seq"], e["text"]) for e in events_of(tmp_path)] == [(2, "two")]


def test_a_symlink_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "target").write_text("mine")
    (tmp_path / "sessions" / "s1.jsonl").symlink_to(tmp_path / "target")
    with Recorder(tmp_path, "s1", unchanged) as recorder:
        recorder.write(EngineEvent(kind="text", text="theirs"))
    assert (tmp_path / "target").read_text() == "mine"


def test_a_file_torn_by_a_kill_goes_on_after_the_tear(tmp_path: Path) -> None:
    with Recorder(tmp_path, "s1", unchanged) as recorder:
        recorder.write(EngineEvent(kind="text", text="one"))
    with open(recorder.path, "ab") as file:
        file.write(b'{"seq": 2, "kind": "te')
    assert [e["seq"] for e in events_of(tmp_path)] == [1]  # no damage, only not complete

    with Recorder(tmp_path, "s1", unchanged) as recorder:
        recorder.write(EngineEvent(kind="text", text="two"))
    assert [(e["seq"], e["kind"]) for e in events_of(tmp_path)] == [
        (1, "text"),
        (1, "damaged"),
        (2, "text"),
    ]


def test_garbage_is_reported_and_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    good = b'{"seq": 1, "at": 0, "kind": "text", "text": "a"}\n'
    bad = [b"\xff\xfe\0", b"[1]", b'{"kind": 3}', b"[" * 100_000, b'{"seq": "1", "kind": "x"}']
    path.write_bytes(good + b"\n".join(bad) + b"\n\n" + b"\0" * (9 << 20) + b"\n" + good)
    found = list(read_events(path))
    assert [e["kind"] for e in found] == ["text", *["damaged"] * 6, "text"]
    assert found[-2]["bytes"] == 9 << 20
    assert list(read_events(path, after=1)) == []  # damage before it was reported with it
    assert list(read_events(tmp_path / "none.jsonl")) == []


def test_reading_goes_on_after_a_number(tmp_path: Path) -> None:
    with Recorder(tmp_path, "s1", unchanged) as recorder:
        for number in range(1, 6):
            recorder.write(EngineEvent(kind="text", text=str(number)))
    assert [e["text"] for e in read_events(recorder.path, after=3)] == ["4", "5"]


def test_following_sees_each_event_once_until_told_to_stop(tmp_path: Path) -> None:
    stop = threading.Event()
    seen: list[str] = []

    def watch() -> None:
        path = tmp_path / "sessions" / "s1.jsonl"
        for event in follow(path, stop.is_set, poll_seconds=0.01):
            seen.append(event["text"])

    watcher = threading.Thread(target=watch)
    watcher.start()
    with Recorder(tmp_path, "s1", unchanged) as recorder:
        recorder.write(EngineEvent(kind="text", text="one"))
        wait_for(lambda: seen == ["one"])
        with open(recorder.path, "ab") as file:
            file.write(b'{"seq": 2, "at": 0, "kind": "te')
            file.flush()
            file.write(b'xt", "text": "two"}\n')
        wait_for(lambda: seen == ["one", "two"])
        recorder.write(EngineEvent(kind="text", text="three"))
        stop.set()
    watcher.join(10)
    assert seen == ["one", "two", "three"]


WRITER = """
import sys
from pathlib import Path
from axon.core.recorder import Recorder
from axon.engines import EngineEvent
with Recorder(Path(sys.argv[1]), "s1", lambda value: value) as recorder:
    print("ready", flush=True)
    while True:
        recorder.write(EngineEvent(kind="text", text="w" * 5000))
        recorder.write(EngineEvent(kind="tool_result", output="b" * 20_000))
"""


def test_a_kill_at_any_moment_leaves_whole_events_and_whole_blobs(tmp_path: Path) -> None:
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert writer.stdout and writer.stdout.readline() == b"ready\n"
        path = tmp_path / "sessions" / "s1.jsonl"
        before = path.stat().st_size if path.exists() else 0
        while not path.exists() or path.stat().st_size < before + 200_000:
            assert writer.poll() is None
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    kinds: Iterator[dict[str, Any]] = read_events(path)
    numbers = []
    for event in kinds:
        if event["kind"] == "damaged":
            continue
        numbers.append(event["seq"])
        if "output" in event:
            assert blob(tmp_path, event["output"]["blob"]) == "b" * 20_000
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 60


def test_a_blob_that_finds_no_room_leaves_nothing_half(tmp_path: Path) -> None:
    with Recorder(tmp_path, "s1", unchanged) as recorder, full_at(10_000):
        recorder.write(EngineEvent(kind="text", text="b" * 20_000))
    assert os.listdir(tmp_path / "blobs") == []
    assert [(e["kind"], e["lost"]) for e in events_of(tmp_path)] == [("gap", 1)]
