"""A script is refused with the place of its first mistake, or played turn by turn, statelessly."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from axon.errors import UsageError
from axon.gateway.messages import stream_of
from axon.gateway.script import CUT_OFF, NOT_THE_MODEL, Turn, load_script, parse_script, turn_number
from axon.gateway.scripted import SIDE_TEXT, perform
from tests.conftest import ROOT
from tests.drive import wait_for
from tests.gateway_stand import TITLE, Bench, bench, logged, request
from tests.test_gateway import assert_counted
from tests.test_gateway_faults import broken_off

WRITE = {"name": "Write", "input": {"file_path": "$WORKSPACE/a.txt", "lines": ["$WORKSPACE", 1]}}
TASK = {
    "task": "ENG-1",
    "turns": [
        {
            "text": "I write into $WORKSPACE.",
            "tools": [WRITE, {"name": "Bash", "input": {"command": "ls"}}],
            "usage": {"input_tokens": 100, "output_tokens": 20},
        },
        {"text": "Look once more.", "usage": {"input_tokens": 7, "output_tokens": 3}},
        {"text": "Done."},
    ],
}


@pytest.fixture
def playing(tmp_path: Path) -> Iterator[Bench]:
    with script_bench(tmp_path, TASK) as made:
        yield made


@contextmanager
def script_bench(folder: Path, *tasks: dict[str, Any], **more: Any) -> Iterator[Bench]:
    """A started bench that plays these tasks."""
    script = folder / "script.json"
    script.write_text(json.dumps({"tasks": list(tasks), **more}))
    with bench(folder, upstream=f"script:{script}", credentials=()) as made:
        made.start()
        yield made


def texts(message: dict[str, Any]) -> str:
    return "".join(block.get("text", "") for block in message["content"])


# ── what is refused ──


@pytest.mark.parametrize(
    ("script", "place"),
    [
        ([], "script must be an object"),
        ({"task": []}, "script: 'task' is not known; use model_text, tasks"),
        ({"model_text": 1}, "model_text must be a text"),
        ({"tasks": {}}, "tasks must be a list"),
        ({"tasks": [{}]}, "tasks[0] needs a name; give it either task or title"),
        ({"tasks": [{"task": "A", "title": "B"}]}, "tasks[0] needs a name"),
        ({"tasks": [{"task": "A"}, {"task": "A"}]}, "tasks[1] is scripted twice"),
        ({"tasks": [{"task": "A", "turns": [{}]}]}, "tasks[0].turns[0] says nothing"),
        ({"tasks": [{"task": "A", "turns": ["x"]}]}, "tasks[0].turns[0] must be an object"),
    ],
)
def test_a_broken_script_is_refused_with_the_place(tmp_path: Path, script: Any, place: str) -> None:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(script))
    with pytest.raises(UsageError) as refused:
        load_script(path)
    assert str(refused.value).startswith(f"{path}: {place}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("turn", "place"),
    [
        ({"text": None}, "text must be a text"),
        ({"tools": [{"name": "Write", "inputs": {}}]}, "tools[0]: 'inputs' is not known"),
        ({"tools": [{"input": {}}]}, "tools[0] names no tool"),
        ({"tools": [{"name": "Write", "input": []}]}, "tools[0].input must be an object"),
        ({"text": "x", "usage": {"tokens": 1}}, "usage: 'tokens' is not known"),
        ({"text": "x", "usage": {"input_tokens": True}}, "usage.input_tokens must be a whole"),
        ({"text": "x", "delay_seconds": -1}, "delay_seconds must be a number of seconds"),
        ({"text": "x", "delay_seconds": float("nan")}, "delay_seconds must be a number"),
        ({"text": "x", "fault": {}}, "fault must have one of status, cut, malformed, refuse"),
        ({"text": "x", "fault": {"cut": True, "status": 500}}, "fault must have one of"),
        ({"text": "x", "fault": {"status": 200}}, "fault.status must be from 300 to 599"),
        ({"text": "x", "fault": {"cut": "yes"}}, "fault.cut must be true"),
        ({"text": "x", "fault": {"cut": True, "times": 0}}, "fault.times must be at least 1"),
    ],
)
def test_a_broken_turn_is_refused_with_the_place(turn: dict[str, Any], place: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_script({"tasks": [{"task": "A", "turns": [turn]}]})
    assert str(refused.value).startswith(f"tasks[0].turns[0].{place}")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "is not valid JSON"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"", "is not valid JSON"),
        (b"[" * 200_000, "is not valid JSON"),
        (b" " * (17 << 20), "is larger than 16 MiB"),
    ],
)
def test_what_is_no_script_at_all_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "script.json"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=why):
        load_script(path)


def test_a_missing_script_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(UsageError, match="cannot read script"):
            load_script(path)


# ── which turn ──


def test_the_turn_is_the_number_of_the_models_messages() -> None:
    said = {"role": "assistant", "content": [{"type": "text", "text": "hm"}]}
    used = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash"}]}
    asked = {"role": "user", "content": "go on"}
    resumed = {"role": "assistant", "content": [{"type": "text", "text": NOT_THE_MODEL}]}
    assert turn_number({"messages": [asked]}) == 0
    assert turn_number({"messages": [asked, said, asked, used, asked]}) == 2
    assert turn_number({"messages": [asked, used, asked, resumed, asked]}) == 1
    broken = [
        {"type": "text", "text": "(reminder)"},
        {"type": "text", "text": f"{CUT_OFF}. Resume"},
    ]
    again = {"role": "user", "content": broken}
    assert turn_number({"messages": [asked, used, asked, said, again]}) == 1
    assert turn_number({"messages": [asked, said, again, said, asked]}) == 1
    assert turn_number({}) == turn_number({"messages": "x"}) == turn_number({"messages": [1]}) == 0


def test_turns_follow_from_the_conversation_alone(playing: Bench) -> None:
    asked = [request(stream=False, answers=number) for number in (0, 1, 2, 3, 1, 0)]
    said = [texts(playing.ask(body).json) for body in asked]
    assert said == [
        f"I write into {playing.settings.root}/.axon/work/ENG-1.",
        "Look once more.",
        "Done.",
        "Nothing more to do.",
        "Look once more.",
        f"I write into {playing.settings.root}/.axon/work/ENG-1.",
    ]


def test_every_session_plays_its_own_task(tmp_path: Path) -> None:
    other = {"title": "Another task", "turns": [{"text": "I am the other."}]}
    with script_bench(tmp_path, TASK, other, model_text="Not in the script.") as made:
        second = made.open_session(title="Another task")
        third = made.open_session(title="Another task, nearly")
        assert texts(made.ask(request(stream=False), token=second).json) == "I am the other."
        assert texts(made.ask(request(stream=False), token=third).json) == "Not in the script."
        assert "I write" in texts(made.ask(request(stream=False), token="token-1").json)


def test_subagents_and_side_requests_get_one_honest_answer(playing: Bench) -> None:
    untooled = request(stream=False) | {"tools": []}
    assert texts(playing.ask(untooled).json) == SIDE_TEXT
    sub = {"x-claude-code-agent-id": "a1"}
    assert texts(playing.ask(request(stream=False), headers=sub).json) == SIDE_TEXT
    assert playing.ask(path="/v1/messages/count_tokens").json["input_tokens"] > 10
    assert playing.ask(method="HEAD", path="/").status == 200
    assert playing.ask(method="GET", path="/v1/models").status == 404


# ── how it is said ──


def test_calls_carry_their_place_and_the_workspace(playing: Bench) -> None:
    message = playing.ask(request(stream=False)).json
    workspace = f"{playing.settings.root}/.axon/work/ENG-1"
    assert message["stop_reason"] == "tool_use"
    assert message["model"] == "claude-sonnet-4-5"
    assert message["content"][1:] == [
        {
            "type": "tool_use",
            "id": "toolu_script_0000_00",
            "name": "Write",
            "input": {"file_path": f"{workspace}/a.txt", "lines": [workspace, 1]},
        },
        {
            "type": "tool_use",
            "id": "toolu_script_0000_01",
            "name": "Bash",
            "input": {"command": "ls"},
        },
    ]


def test_a_stream_says_the_same_as_the_whole_message(playing: Bench) -> None:
    whole = playing.ask(request(stream=False)).json
    answer = playing.ask(request())
    assert answer.headers["content-type"] == "text/event-stream"
    streamed = assembled(answer.body)
    for key in ("content", "stop_reason", "model", "usage", "role"):
        assert streamed[key] == whole[key]


def assembled(stream: bytes) -> dict[str, Any]:
    """The message that the events of a stream make, put together as a client does."""
    message: dict[str, Any] = {}
    inputs: dict[int, str] = {}
    kinds = []
    for block in stream.decode().strip().split("\n\n"):
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        kinds.append(event["type"])
        match event["type"]:
            case "message_start":
                message = event["message"]
            case "content_block_start":
                assert event["index"] == len(message["content"])
                message["content"].append(event["content_block"])
            case "content_block_delta" if event["delta"]["type"] == "text_delta":
                message["content"][event["index"]]["text"] += event["delta"]["text"]
            case "content_block_delta":
                part = event["delta"]["partial_json"]
                inputs[event["index"]] = inputs.get(event["index"], "") + part
            case "content_block_stop" if event["index"] in inputs:
                message["content"][event["index"]]["input"] = json.loads(inputs[event["index"]])
            case "message_delta":
                message |= event["delta"]
                message["usage"] |= event["usage"]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"]
    return message


def test_text_of_any_alphabet_survives_streaming() -> None:
    turn = Turn(text="Grüße, 世界 \U0001f600 \x00 \u2028")
    reply = perform(turn, None, {"model": "m"}, 0, "/w", 0)
    message = json.loads(b"".join(reply.pieces))
    assert assembled(b"".join(stream_of(message)))["content"][0]["text"] == turn.text


def test_scripted_turns_are_counted_like_real_ones(playing: Bench) -> None:
    playing.ask(request())
    playing.ask(request(stream=False, answers=1))
    assert_counted(playing, 130, (107 * 3 + 23 * 15) / 1e6)


# ── faults ──


def faulty(**fault: Any) -> dict[str, Any]:
    return {"task": "ENG-1", "turns": [{"text": "At last.", "fault": fault}]}


def test_a_scripted_limit_is_waited_for(tmp_path: Path) -> None:
    with script_bench(tmp_path, faulty(status=529, retry_after=0.1, times=2)) as made:
        assert texts(made.ask(request(stream=False)).json) == "At last."
        assert made.faults() == []


def test_a_scripted_refusal_of_the_key_stops_the_run(tmp_path: Path) -> None:
    with script_bench(tmp_path, faulty(status=401)) as made:
        assert made.ask().status == 401
        assert made.ledger.run(made.run).halt == "auth"


def test_a_scripted_cut_is_seen_once(tmp_path: Path) -> None:
    with script_bench(tmp_path, faulty(cut=True)) as made:
        assert b"message_start" in broken_off(made)
        assert b"message_stop" in made.ask().body


def test_a_scripted_broken_event_is_passed_on(tmp_path: Path) -> None:
    with script_bench(tmp_path, faulty(malformed=True)) as made:
        first, second = made.ask().body, made.ask().body
        assert b'"ind\n\n' in first
        assert b'"ind\n\n' not in second
        assert texts(assembled(second)) == "At last."


def test_a_scripted_closed_connection_is_asked_again(tmp_path: Path) -> None:
    with script_bench(tmp_path, faulty(refuse=True, times=3)) as made:
        assert made.ask().status == 200


# ── the fake of the end-to-end tests ──


def test_the_fake_model_plays_the_same_scripts_in_a_process_of_its_own(tmp_path: Path) -> None:
    script, log = tmp_path / "script.json", tmp_path / "log.jsonl"
    turns = [
        {"text": "Into $WORKSPACE.", "usage": {"input_tokens": 9, "output_tokens": 4}},
        {"text": "Never.", "fault": {"status": 500}},
    ]
    script.write_text(json.dumps({"tasks": [{"title": TITLE, "turns": turns}]}))
    command = [sys.executable, "tests/fake_model.py", "--script", str(script), "--key", "k"]
    process = subprocess.Popen(
        [*command, "--log", str(log)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        body = request(f"{TITLE}\nPrimary working directory: /w/x\n", stream=False)
        said = post(port, body, "k")
        assert texts(said) == "Into /w/x."
        assert "invalid x-api-key" in post(port, body, "wrong")["error"]["message"]
        assert post(port, request(stream=False, answers=1), "k")["error"]["type"] == "api_error"
        assert "Nothing more" in texts(post(port, request("Else", stream=False), "k"))
        wait_for(lambda: len(logged(log)) == 4)
        entries = logged(log)
        assert [entry["status"] for entry in entries] == [200, 401, 500, 200]
        assert entries[0]["usage"]["output_tokens"] == 4
        assert entries[0]["headers"]["x-api-key"] == "k"
    finally:
        process.kill()
        process.communicate()


def post(port: int, body: dict[str, Any], key: str) -> dict[str, Any]:
    from urllib.error import HTTPError

    asked = Request(
        f"http://127.0.0.1:{port}/v1/messages",
        json.dumps(body).encode(),
        {"x-api-key": key, "content-type": "application/json"},
    )
    try:
        with urlopen(asked, timeout=10) as response:
            answer: dict[str, Any] = json.load(response)
    except HTTPError as error:
        with error:
            answer = json.load(error)
    return answer


# ── matching and slowness ──


def test_a_turn_may_wait_for_what_it_answers(tmp_path: Path) -> None:
    """It is said to what matches, and the others are counted without it."""
    turns = [
        {"text": "first"},
        {"text": "I repair it.", "when": r"FAILED \(failures=\d\)"},
        {"text": "second"},
    ]
    with playing_script(tmp_path, turns) as made:
        assert said(made, request()) == "first"
        assert said(made, request(answers=1)) == "second"
        red = request(answers=1)
        red["messages"][-1]["content"] = [
            {"type": "tool_result", "content": [{"type": "text", "text": "FAILED (failures=2)"}]}
        ]
        assert said(made, red) == "I repair it."


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="when is no regular expression"):
        parse_script({"tasks": [{"title": "a", "turns": [{"text": "x", "when": "("}]}]})


def test_an_answer_may_be_slow_or_stall(tmp_path: Path) -> None:
    turns: list[dict[str, Any]] = [
        {"text": "four words are here", "pace_seconds": 0.05},
        {"text": "x", "fault": {"stall_seconds": 0.4}},
    ]
    with playing_script(tmp_path, turns) as made:
        for number in range(2):
            began = time.monotonic()
            assert made.ask(request(answers=number)).status == 200
            assert time.monotonic() - began > 0.3


@contextmanager
def playing_script(folder: Path, turns: list[dict[str, Any]]) -> Iterator[Bench]:
    path = folder / "matching.json"
    path.write_text(json.dumps({"tasks": [{"title": TITLE, "turns": turns}]}))
    with bench(folder, upstream=f"script:{path}") as made:
        made.start()
        yield made


def said(made: Bench, body: dict[str, Any]) -> str:
    text: str = made.ask(body | {"stream": False}).json["content"][0]["text"]
    return text
