"""A long recording is read page by page, from anywhere, without being read anew each time."""

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from axon.core.playback import read_events
from axon.dashboard.recordings import Recordings


def line(seq: int, **facts: Any) -> str:
    return json.dumps({"seq": seq, "at": seq / 10, "kind": "text", "text": f"said {seq}", **facts})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """5,000 events, a damaged line here and there."""
    lines = [line(seq) for seq in range(1, 5001)]
    lines[0] = line(1, kind="prompt", text="Do it\nwell")
    lines[700] = line(701, kind="tool_result", text="", output="boom", data={"is_error": True})
    lines[1200] = "no event at all"
    lines[3000] = line(3001, agent="reviewer", text="\u2028<b>é</b>" * 50)
    found = tmp_path / "session.jsonl"
    found.write_text("\n".join(lines) + "\n", "utf-8")
    return found


def test_pages_from_anywhere_are_those_of_the_whole(path: Path) -> None:
    recordings = Recordings()
    for known in (False, True):  # before and after the file was looked through
        if known:
            recordings.find(path)
        for after in (0, 1, 499, 500, 501, 1199, 1200, 1201, 4999, 5000, 9999):
            assert list(recordings.events(path, after)) == list(read_events(path, after))


def test_what_to_jump_to_is_told_and_grows(path: Path) -> None:
    recordings = Recordings()
    found = recordings.find(path)
    assert (found.count, found.seconds, list(found.agents)) == (5000, 500.0, ["reviewer"])
    assert [(mark["seq"], mark["kind"], mark["label"]) for mark in found.markers] == [
        (1, "prompt", "prompt: Do it"),
        (701, "error", "error: boom"),
        (1200, "damaged", "damaged"),
    ]
    with open(path, "a") as file:
        file.write(line(5001, kind="result") + "\n" + line(5002)[:20])
    again = recordings.find(path)
    assert (again.count, again.markers[-1]["kind"]) == (5001, "result")
    with open(path, "a") as file:
        file.write(line(5002)[20:] + "\n")
    assert recordings.find(path).count == 5002
    assert [event["seq"] for event in recordings.events(path, 4998)] == [4999, 5000, 5001, 5002]


def test_another_file_in_its_place_is_read_from_its_beginning(path: Path) -> None:
    recordings = Recordings()
    recordings.find(path)
    path.write_text(line(1, kind="prompt") + "\n")
    assert [event["seq"] for event in recordings.events(path, 0)] == [1]
    assert recordings.find(path).count == 1
    path.unlink()
    assert recordings.find(path).count == 0 and not list(recordings.events(path, 0))


def test_a_page_near_the_end_costs_no_more_than_one_at_the_beginning(path: Path) -> None:
    with open(path, "a") as file:
        file.writelines(line(seq) + "\n" for seq in range(5001, 40_001))
    recordings = Recordings()
    began = time.perf_counter()
    recordings.find(path)
    whole = time.perf_counter() - began
    rng, took = random.Random(1), []
    for _ in range(20):
        after = rng.randrange(30_000, 39_000)
        began = time.perf_counter()
        events = recordings.events(path, after)
        assert next(events)["seq"] == after + 1
        events.close()
        took.append(time.perf_counter() - began)
    assert sorted(took)[10] < whole / 3
