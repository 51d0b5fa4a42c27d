"""A recording reads like a story, and nothing an agent wrote can drive the reader's terminal."""

import time
import unicodedata
from typing import Any

import pytest

from axon.core.playback import render, tool_line
from axon.core.terminal import fit, one_line, pad, plain, width, wrap

WORK = "/home/u/project/.axon/work/ENG-1"
HOSTILE = "".join(map(chr, range(0x300))) + "".join(
    ["\x1b[2J\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b]52;c;ZXZpbA==\x1b\\", "\x9b31m"]
    + ["\x1bPq\x1b\\", "\x1b[?1049h", "\u202eright", "zero\u200bwidth", "\ud800", "\U000e0041"]
)


def said(event: dict[str, Any], columns: int = 80) -> str:
    return "\n".join(render(event, columns))


@pytest.mark.parametrize(
    ("tool", "given", "line"),
    [
        ("Edit", {"file_path": f"{WORK}/src/x.py", "old_string": "a"}, "Edit src/x.py"),
        ("Read", {"file_path": "/etc/hosts", "offset": 3}, "Read /etc/hosts"),
        ("Bash", {"command": "pytest  -q\n"}, "$ pytest -q"),
        ("Bash", {"command": f"cd {WORK} && ls '{WORK}/src'"}, "$ ls './src'"),
        ("Bash", {"command": "printf '\x1b[2J\x07'"}, "$ printf '\\x07'"),
        ("Bash", "make", "$ make"),
        ("Grep", {"pattern": "def f", "path": "src"}, "Grep def f"),
        ("Glob", {"pattern": "**/*.py"}, "Glob **/*.py"),
        ("Task", {"subagent_type": "reviewer", "description": "look"}, "Task reviewer: look"),
        ("mcp__axon__comment", {"body": "hello"}, "axon comment"),
        ("Odd", {"file_path": 3, "path": None, "query": ["x"]}, "Odd"),
        ("Odd", None, "Odd"),
        ("", {}, ""),
        ("Read", {"file_path": "d/" * 40 + "file.py"}, "Read …" + "/d" * 23 + "/file.py"),
        ("Bash", {"command": "x" * 80}, "$ " + "x" * 57 + "…"),
    ],
)
def test_tool_line_says_what_an_agent_is_doing(tool: str, given: Any, line: str) -> None:
    assert tool_line(tool, given) == line
    assert width(line) <= 60


def test_tool_line_of_a_large_input_is_found_in_its_head() -> None:
    head = f'{{"file_path":"{WORK}/src/big.py","content":"def f(): pass\\n'
    assert tool_line("Write", {"blob": "a" * 64, "bytes": 99999, "head": head}) == (
        "Write src/big.py"
    )


def test_tool_line_is_quick_for_hostile_input() -> None:
    start = time.perf_counter()
    tool_line("Bash", {"command": "/" * 500_000 + "/.axon/work/" * 10_000})
    tool_line("Bash", {"command": "\x9d" * 500_000})
    assert time.perf_counter() - start < 2


def test_what_the_agent_said_is_shown_whole() -> None:
    text = "I will fix the parser.\n\n1. read it\n\tindented"
    assert said({"kind": "text", "text": text}) == text.replace("\t", "    ")


def test_a_command_and_its_output() -> None:
    output = "\n".join(f"line {n}" for n in range(40))
    assert said({"kind": "tool", "tool": "Bash", "input": {"command": "make\nmake test"}}) == (
        "$ make\n    make test"
    )
    shown = said({"kind": "tool_result", "output": output}).split("\n")
    assert shown[0] == "    line 0" and shown[-1] == "    line 39"
    assert shown[5] == "    … 30 more lines" and len(shown) == 11


def test_an_error_is_marked() -> None:
    event = {"kind": "tool_result", "output": "no such file", "data": {"is_error": True}}
    assert said(event) == "    error: no such file"


def test_an_edit_shows_the_change() -> None:
    given = {"file_path": f"{WORK}/x.py", "old_string": "a\nb", "new_string": "\tc"}
    assert said({"kind": "tool", "tool": "Edit", "input": given}) == (
        "Edit x.py\n    - a\n    - b\n    +     c"
    )


def test_a_subagent_is_named() -> None:
    event = {"kind": "text", "agent": "reviewer", "text": "looks right"}
    assert said(event) == "[reviewer] looks right"


def test_a_payload_stored_apart_says_where() -> None:
    blob = {"blob": "b" * 64, "bytes": 1234567, "head": "first"}
    assert said({"kind": "tool_result", "output": blob}) == (
        "    first\n    … 1,234,567 bytes, whole in .axon/blobs/bbbbbbbbbbbb"
    )


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"kind": "gap", "lost": 3}, "gap: 3 events could not be recorded"),
        ({"kind": "damaged", "bytes": 9}, "damaged: 9 bytes of the recording are no event"),
        ({"kind": "result", "data": {"fault": "network"}, "text": "x"}, "ended: network: x"),
        ({"kind": "result", "data": {"fault": None}, "text": "x"}, "finished"),
        ({"kind": "init", "data": {"model": "m"}}, "ready: m"),
        ({"kind": "retry", "data": {"attempt": 1}}, 'retry: {"attempt": 1}'),
        ({"kind": "tool_result", "output": ""}, "    (no output)"),
        ({"kind": "tool_result", "output": [{"type": "text", "text": "ok"}, {"type": "image"}]},)
        + ("    ok\n    [image]",),
    ],
)
def test_other_events_are_one_line(event: dict[str, Any], line: str) -> None:
    assert said(event) == line


def harmless(text: str) -> bool:
    return all(
        char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        for char in text
    )


@pytest.mark.parametrize("kind", ["text", "thinking", "tool", "tool_result", "init", "odd"])
@pytest.mark.parametrize("columns", [20, 80])
def test_no_event_can_drive_the_terminal(kind: str, columns: int) -> None:
    values: list[Any] = [HOSTILE, {HOSTILE: HOSTILE}, [HOSTILE], {"text": HOSTILE}, 3, None]
    for value in values:
        event = dict.fromkeys(("text", "input", "output", "data", "model", "lost"), value)
        shown = HOSTILE if kind == "odd" else kind
        lines = render({"kind": shown, "agent": HOSTILE, "tool": HOSTILE, **event}, columns)
        assert all(map(harmless, lines))
        assert all(width(line) <= columns for line in lines)
    assert harmless(tool_line(HOSTILE, {"command": HOSTILE}))


def test_plain_keeps_what_can_be_read() -> None:
    assert plain("\x1b[31mred\x1b[0m\tand\r\nnext\rover") == "red\tand\nnext\nover"
    assert plain("a\0b\x07\x85\ud8ff") == "a\\x00b\\x07\\x85\\ud8ff"
    assert plain("\x1b]never closed") == "never closed"  # and does not hide what follows
    assert plain("\x1b\u200b[31m") == "[31m"  # what is taken out does not make a new sequence
    assert one_line(" a \n\t b ") == "a b"


def test_text_is_measured_in_cells() -> None:
    assert [width(text) for text in ("abc", "設定", "e\u0301", "🚀")] == [3, 4, 1, 2]
    assert fit("設定ファイル", 5) == "設定…"
    assert fit("abcdef", 4) == "abc…" and fit("abcdef", 4, keep_end=True) == "…def"
    assert [fit("abc", n) for n in (3, 1, 0)] == ["abc", "…", ""]
    assert pad("設", 4) + "|" == "設  |" and pad("設", 4, right=True) == "  設"
    assert len(fit("e" + "\u0301" * 10_000, 10)) <= 41  # marks piled up are cut as well


def test_wrapping_breaks_between_words_and_never_overflows() -> None:
    assert wrap("one two three", 8) == ["one two", "three"]
    assert wrap("x" * 10 + " y", 4) == ["xxxx", "xxxx", "xx y"]
    assert wrap("設定ファイル", 5) == ["設定", "ファ", "イル"]
    assert wrap("a\n\n  b", 5) == ["a", "", "  b"]
    start = time.perf_counter()
    assert all(width(line) <= 80 for line in wrap("é" * 20_000, 80))
    assert time.perf_counter() - start < 5
