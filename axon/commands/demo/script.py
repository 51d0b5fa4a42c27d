"""What the scripted model of the demonstration says and calls, task by task.

Only this is made up: the tools it calls, the checks, git and the merges are real, so a wrong
solution in here fails its check like any other.
"""

from typing import Any

Turn = dict[str, Any]

PAUSE_SECONDS = 0.5  # about what a quick model needs; long enough to follow by eye
REGISTRY = "$WORKSPACE/textkit/registry.py"


def script(solutions: dict[str, str], titles: dict[str, str], python: str) -> dict[str, Any]:
    """The script file of the gateway; `titles` maps the keys of tasks.md to titles."""
    turns = {
        "slug": _registered("slug", "slugify", solutions, python),
        "wrap": _registered("wrap", "wrap", solutions, python),
        "count": _repaired(solutions, python),
        "duration": _added("duration", solutions, python),
        "cli": _command_line(solutions, python),
        "readme": _readme(solutions, python),
    }
    return {"tasks": [{"title": titles[key], "turns": turns[key]} for key in turns]}


def _turn(text: str, *tools: tuple[str, dict[str, Any]]) -> Turn:
    return {
        "text": text,
        "tools": [{"name": name, "input": arguments} for name, arguments in tools],
        "delay_seconds": PAUSE_SECONDS,
    }


def _read(path: str) -> tuple[str, dict[str, Any]]:
    return "Read", {"file_path": f"$WORKSPACE/{path}"}


def _write(path: str, content: str) -> tuple[str, dict[str, Any]]:
    return "Write", {"file_path": f"$WORKSPACE/{path}", "content": content}


def _bash(command: str, why: str) -> tuple[str, dict[str, Any]]:
    return "Bash", {"command": command, "description": why}


def _check(python: str, tests: str) -> tuple[str, dict[str, Any]]:
    return _bash(f"{python} -m unittest {tests}".strip(), "Run the check")


def _commit(message: str) -> tuple[str, dict[str, Any]]:
    return _bash(f"git add -A && git commit -q -m '{message}'", "Commit")


def _registered(name: str, function: str, solutions: dict[str, str], python: str) -> list[Turn]:
    """A new module and its line in the registry; then, should another have changed the same
    place meanwhile, the merge."""
    anchor = '    ("count", "textkit.count", "count_words"),\n'
    line = f'    ("{name}", "textkit.{name}", "{function}"),\n'
    edit = {"file_path": REGISTRY, "old_string": anchor, "new_string": anchor + line}
    return [
        _turn(
            "The tests say what is wanted, so I read them first, and the registry.",
            _read(f"tests/test_{name}.py"),
            _read("textkit/registry.py"),
        ),
        _turn("Now the module.", _write(f"textkit/{name}.py", solutions[f"{name}.py"])),
        _turn("It has to be offered as a command too.", ("Edit", edit)),
        _turn("Does the check pass?", _check(python, f"tests.test_{name}")),
        _turn("It does.", _commit(f"Add {function} and offer it as a command")),
        _turn(f"`{function}` is there and registered; its three tests pass. Nothing is left open."),
        _turn(
            "Another change registered a command at the same place. I look at the markers.",
            _read("textkit/registry.py"),
        ),
        _turn("Both belong there.", _write("textkit/registry.py", solutions["registry.py"])),
        _turn("Does my check still pass?", _check(python, f"tests.test_{name}")),
        _turn("It does.", _bash("git add -A && git commit -q --no-edit", "Conclude the merge")),
        _turn("The merge keeps both commands; the check passes on it."),
    ]


def _repaired(solutions: dict[str, str], python: str) -> list[Turn]:
    """A first attempt that believes itself, and a second one that reads the output."""
    return [
        _turn("A word is what stands between spaces.", _read("textkit/count.py")),
        _turn("That is short.", _write("textkit/count.py", solutions["count_naive.py"])),
        _turn("Done: the text is split at white space, and the pieces are counted."),
        _turn(
            "The check counts no punctuation as a word; I had not run it. The tests, then.",
            _read("tests/test_count.py"),
        ),
        _turn("Words are runs of letters.", _write("textkit/count.py", solutions["count.py"])),
        _turn("Does the check pass now?", _check(python, "tests.test_count")),
        _turn("It does.", _commit("Count words, not what stands between spaces")),
        _turn("Punctuation alone is no word any more; the four tests pass, which I have run."),
    ]


def _added(name: str, solutions: dict[str, str], python: str) -> list[Turn]:
    return [
        _turn("The tests first.", _read(f"tests/test_{name}.py")),
        _turn("The module.", _write(f"textkit/{name}.py", solutions[f"{name}.py"])),
        _turn("Does the check pass?", _check(python, f"tests.test_{name}")),
        _turn("It does.", _commit("Parse durations")),
        _turn("`seconds` reads s, m, h and d and refuses the rest; its tests pass."),
    ]


def _command_line(solutions: dict[str, str], python: str) -> list[Turn]:
    return [
        _turn(
            "What is registered by now, and what do the tests call?",
            _read("textkit/registry.py"),
            _read("tests/test_cli.py"),
        ),
        _turn("A small main.", _write("textkit/__main__.py", solutions["__main__.py"])),
        _turn("Does the check pass?", _check(python, "tests.test_cli")),
        _turn("It does.", _commit("Run registered functions from the command line")),
        _turn("`python -m textkit slug TEXT` works, and so do the others; the tests pass."),
    ]


def _readme(solutions: dict[str, str], python: str) -> list[Turn]:
    marker = "`python3 -m unittest`.\n"
    edit = {
        "file_path": "$WORKSPACE/README.md",
        "old_string": marker,
        "new_string": marker + solutions["usage.md"],
    }
    return [
        _turn("The README as it is.", _read("README.md")),
        _turn("Examples that doctest runs cannot go stale.", ("Edit", edit)),
        _turn("The whole suite.", _check(python, "")),
        _turn("All green.", _commit("Show every function in the README")),
        _turn("The README shows each function by an example that the suite runs; all is green."),
    ]
