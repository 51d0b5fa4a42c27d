"""What was recorded is replayed to the letter, in another folder, on another day; or it is told."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from axon.errors import UsageError
from axon.gateway import cassette
from axon.gateway.essence import PROJECT, difference, essence, stable
from axon.gateway.places import renamed_events
from axon.security.secrets import REDACTED
from tests.drive import Axon
from tests.gateway_stand import KEY, Bench, bench, fake_model, request
from tests.test_gateway_team import AGENT, run, shop

__all__ = ["shop"]

CALL = {"name": "Write", "input": {"file_path": "$WORKSPACE/a.py", "content": 'A = "é"\n'}}
TURNS: list[dict[str, Any]] = [
    {"text": "I write it.", "tools": [CALL], "usage": {"input_tokens": 100, "output_tokens": 20}},
    {"text": f"Done. The key is {KEY}.", "delay_seconds": 0.3},
]


def conversation(
    root: Path, day: str = "2026-11-24", text: str = "Add a greeting"
) -> dict[str, Any]:
    """The second request of a session, as the CLI would put it."""
    call = {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "Write",
        "input": {"file_path": f"{root}/a"},
    }
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": f"wrote {root}/a in 12ms"}
    return request(text) | {
        "system": f"Today is {day}. You work in {root}.",
        "messages": [
            {"role": "user", "content": f"Do this: {text}"},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ],
    }


def recorded(folder: Path) -> Path:
    """A cassette of two turns, of a model that knows a secret and the folder."""
    folder.mkdir()
    tape = folder / "tape.jsonl"
    cassette.create(tape)
    with (
        fake_model(folder, TURNS) as (url, _),
        bench(folder, base_url=url, record=str(tape)) as made,
    ):
        made.start()
        body = request() | {"system": f"orking directory: {folder}\n"}
        assert made.ask(body).status == 200
        assert made.ask(conversation(folder)).status == 200
        made.ask(path="/v1/messages/count_tokens")
    return tape


def replaying(folder: Path, tape: Path, **changes: Any) -> Any:
    folder.mkdir()
    return bench(folder, upstream=f"cassette:{tape}", replay_speed=0, **changes)


def test_a_replay_says_the_same_in_another_folder_on_another_day(tmp_path: Path) -> None:
    tape = recorded(tmp_path / "then")
    text = tape.read_text()
    assert KEY not in text and str(tmp_path) not in text
    now = tmp_path / "now"
    with replaying(now, tape) as made:
        made.start()
        first = made.ask(request() | {"system": f"orking directory: {now}\n"})
        second = made.ask(conversation(now, "2027-01-02"))
        assert made.usage()[0] > 120
        assert [made.ask(path="/v1/messages/count_tokens").status] == [200]
    events = [
        json.loads(line[6:]) for line in first.body.decode().splitlines() if line[:5] == "data:"
    ]
    pieces = [e["delta"]["partial_json"] for e in events if "partial_json" in e.get("delta", {})]
    assert json.loads("".join(pieces)) == {"file_path": f"{now}/a.py", "content": 'A = "é"\n'}
    assert events[0]["message"]["usage"]["input_tokens"] == 100
    said = [
        json.loads(line[6:]) for line in second.body.decode().splitlines() if line[:5] == "data:"
    ]
    text = "".join(e["delta"].get("text", "") for e in said if "delta" in e)
    assert text == f"Done. The key is {REDACTED}."


def test_what_was_not_asked_then_ends_the_run_and_shows_the_difference(tmp_path: Path) -> None:
    tape = recorded(tmp_path / "then")
    now = tmp_path / "now"
    with replaying(now, tape) as made:
        made.start()
        other = conversation(now)
        other["messages"][2]["content"][0]["content"] = "there is no such folder"
        answer = made.ask(other)
        assert (answer.status, answer.headers["x-should-retry"]) == (400, "false")
        assert f"-user: [result wrote {PROJECT}/a in <time>]" in answer.error
        assert "+user: [result there is no such folder]" in answer.error
        assert made.ledger.run(made.run).halt == "bug"


def test_lenient_replay_goes_by_turns(tmp_path: Path) -> None:
    tape = recorded(tmp_path / "then")
    now = tmp_path / "now"
    with replaying(now, tape, strict=False) as made:
        made.start()
        other = conversation(now, text="Add a greeting, please")
        other["system"] = "Another one."
        assert b"Done." in made.ask(other).body
        far = request(answers=7)
        assert "has no such turn" in made.ask(far).error


@pytest.mark.parametrize(("speed", "least", "most"), [(1.0, 0.25, 5.0), (0.0, 0.0, 0.25)])
def test_time_is_kept_or_left_out(tmp_path: Path, speed: float, least: float, most: float) -> None:
    tape = recorded(tmp_path / "then")
    now = tmp_path / "now"
    with replaying(now, tape) as made:
        made.settings = made.settings.__class__(
            **{f: getattr(made.settings, f) for f in made.settings.__dataclass_fields__}
            | {"replay_speed": speed}
        )
        made.start()
        made.ask(request() | {"system": f"orking directory: {now}\n"})
        began = time.monotonic()
        assert made.ask(conversation(now)).status == 200
        assert least <= time.monotonic() - began < most


def test_a_cut_answer_is_cut_again(tmp_path: Path) -> None:
    (tmp_path / "then").mkdir()
    tape = tmp_path / "tape.jsonl"
    cassette.create(tape)
    turn = {"text": "Done, at length.", "fault": {"cut": True}}
    with (
        fake_model(tmp_path / "then", [turn]) as (url, _),
        bench(tmp_path / "then", base_url=url, record=str(tape)) as made,
    ):
        made.start()
        whole(made)
        assert made.ask().status == 200
    with replaying(tmp_path / "now", tape) as made:
        made.start()
        assert whole(made) is False
        assert whole(made) is True


def whole(made: Bench) -> bool:
    try:
        return made.ask().status == 200
    except Exception:  # the answer broke off
        return False


def test_a_full_disk_ends_the_recording_and_nothing_else(tmp_path: Path) -> None:
    with (
        fake_model(tmp_path, TURNS) as (url, _),
        bench(tmp_path, base_url=url, record="/dev/full") as made,
    ):
        made.start()
        assert [made.ask().status for _ in range(2)] == [200, 200]


def test_many_at_once_are_recorded_line_by_line(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    cassette.create(tape)
    with (
        fake_model(tmp_path, TURNS[:1]) as (url, _),
        bench(tmp_path, base_url=url, record=str(tape)) as made,
    ):
        made.start()
        threads = [threading.Thread(target=made.ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(cassette.read(tape).exchanges) == 12


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("{}\n", ":1 is not of a cassette"),
        ('{"cassette": 1}\n{"task": 1, "what": 2}\n', ":2 is not of a cassette"),
        ('{"cassette": 1}\n{"task": "EN', ":2 is not of a cassette"),
    ],
)
def test_what_is_no_cassette_is_refused_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "tape.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match=why):
        cassette.read(path)
    with pytest.raises(UsageError, match="exists; remove it"):
        cassette.create(path)


def test_what_differs_from_run_to_run_is_no_difference() -> None:
    old = (
        "at 12:01:07 on Tue Nov 24 2026, commit d30e375, Ran 3 tests in 0.004s, /tmp/x-1/y, pid 12"
    )
    new = "at 09:59:00 on Wed Jan 7 2027, commit 21a022e, Ran 3 tests in 1.2s, /tmp/x-2/z, pid 9"
    assert stable(old, "") == stable(new, "")
    assert stable("/home/a b/p/x", "/home/a b/p") == f"{PROJECT}/x"
    assert stable("3 tests failed", "") != stable("4 tests failed", "")
    assert "-a" in difference(["a\nb"], ["c\nb"]) and "+c" in difference(["a\nb"], ["c\nb"])


def test_calls_made_together_may_end_in_any_order() -> None:
    results = [{"type": "tool_result", "content": text} for text in ("one", "two")]
    both = [
        essence({"messages": [{"role": "user", "content": given}]}, "").messages
        for given in (results, results[::-1])
    ]
    assert both[0] == both[1]


def test_a_path_that_is_spread_over_pieces_is_found() -> None:
    pieces = ['{"p": "/ho', "me/x", '/a"}']
    events = [
        (0.1 * n, {"index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}})
        for n, piece in enumerate(pieces)
    ]
    found = renamed_events(events, lambda text: text.replace("/home/x", 'C:\\"q"'))
    assert [at for at, _ in found] == [at for at, _ in events]
    assert json.loads("".join(e["delta"]["partial_json"] for _, e in found)) == {"p": 'C:\\"q"/a'}


def test_a_whole_team_run_is_replayed_without_its_model(shop: Axon) -> None:
    shop.ok("task", "add", "Make it")
    tape = shop.root.parent / "tape.jsonl"
    assert run(shop, "--record", str(tape)).returncode == 0
    recorded_task = shop.task("ENG-1")

    other = Axon(pyz=shop.pyz, root=shop.root.parent / "another place", cache=shop.cache)
    other.make_repository({"README.md": "hello\n", "agent.py": AGENT})
    other.configure(engine={"name": "command", "command": "python3 agent.py"})
    other.ok("task", "add", "Make it")
    words = ("team", "--workers", "1", "--model-upstream", f"cassette:{tape}")
    other.ok(*words)
    replayed = other.task("ENG-1")
    for name in ("state", "tokens", "cost_usd", "attempts"):
        assert replayed[name] == recorded_task[name]

    other.ok("task", "add", "Make another")
    done = other(*words)
    assert done.returncode == 5
    assert "the cassette has no such task: turn 1 of 'Make another'" in done.stdout + done.stderr
