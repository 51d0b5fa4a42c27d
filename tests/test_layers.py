"""The house rules that a reader relies on: imports point down, edges stay at the edges, sizes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
AXON = ROOT / "axon"
# From the top floor to the ground; a module imports from its own room and from lower floors.
# security lies below the gateway and the ledger: whatever writes or sends must be able to redact.
FLOORS = (
    "cli", "commands", "dashboard", "team", "monitoring", "core", "engines", "agents",
    "integrations", "mcp", "gateway", "ledger", "security", "prompts", "config", "resources",
    "tasks", "errors", "facts",
)  # fmt: skip
MODULES = sorted(AXON.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(AXON).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module a file imports, anywhere in it, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield node.module or "", node.lineno
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(AXON)))
def test_imports_point_down(path: Path) -> None:
    if path.parent == AXON and path.name in ("__init__.py", "__main__.py"):
        return
    here = FLOORS.index(room(path))
    for name, line in imports(path):
        parts = name.split(".")
        if parts[0] != "axon" or len(parts) == 1 or parts[1] == "__version__":
            continue
        there = FLOORS.index(parts[1])
        assert there >= here, f"{path}:{line}: {room(path)} imports {parts[1]}, which is above it"


def test_the_floors_are_those_of_the_house() -> None:
    rooms = {room(path) for path in MODULES} - {"__init__", "__main__"}
    assert rooms <= set(FLOORS)


@pytest.mark.parametrize(
    ("name", "only"),
    [
        ("claude_agent_sdk", {"engines/claude/"}),
        ("mcp", {"mcp/"}),
        ("argparse", None),
    ],
)
def test_edges_are_few(name: str, only: set[str] | None) -> None:
    users = {
        str(path.relative_to(AXON))
        for path in MODULES
        if any(found.split(".")[0] == name for found, _ in imports(path))
    }
    if only is None:
        assert all(
            u in ("cli.py", "config/sources.py") or u.startswith("commands/") for u in users
        ), users
    else:
        assert users and all(u.startswith(tuple(only)) for u in users), users


def test_only_config_reads_the_environment() -> None:
    readers = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            named = isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            if named and isinstance(node.value, ast.Name) and node.value.id == "os":  # type: ignore[attr-defined]
                readers.add(str(path.relative_to(AXON)))
    # supervisor removes a variable from a child; it reads none
    assert readers <= {"config/sources.py", "team/supervisor.py"}, readers


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(AXON)))
def test_sizes_stay_readable(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 330, "make it a package of the same name"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= 45, f"{node.name} has {lines} lines"


def test_every_module_says_what_it_is_for() -> None:
    silent = [p for p in MODULES if not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []
