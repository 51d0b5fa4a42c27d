"""A map of the project for agents, drawn from the names of its files."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

from axon.core.terminal import one_line
from axon.core.tree import Tree

MOST_CHARS = 3000
MOST_NAME = 100
LANGUAGES = {
    "Python": "py pyi", "JavaScript": "js mjs cjs jsx", "TypeScript": "ts tsx mts cts", "Go": "go",
    "Rust": "rs", "C": "c h", "C++": "cc cpp cxx hh hpp hxx", "C#": "cs", "Java": "java",
    "Kotlin": "kt kts", "Scala": "scala", "Swift": "swift", "Ruby": "rb", "PHP": "php",
    "Perl": "pl pm", "Lua": "lua", "Elixir": "ex exs", "Erlang": "erl hrl", "Haskell": "hs",
    "OCaml": "ml mli", "Clojure": "clj cljs cljc", "Dart": "dart", "R": "r", "Julia": "jl",
    "Zig": "zig", "Nim": "nim", "Shell": "sh bash zsh fish", "PowerShell": "ps1", "SQL": "sql",
    "HTML": "html htm", "CSS": "css scss sass less", "Vue": "vue", "Svelte": "svelte",
    "Terraform": "tf", "Protocol Buffers": "proto", "Markdown": "md markdown", "reST": "rst",
    "YAML": "yml yaml", "JSON": "json", "TOML": "toml", "XML": "xml", "Jupyter": "ipynb",
}  # fmt: skip
_BY_SUFFIX = {suffix: name for name, all_of in LANGUAGES.items() for suffix in all_of.split()}
BUILD = re.compile(
    r"Makefile|GNUmakefile|justfile|Taskfile\.ya?ml|CMakeLists\.txt|meson\.build|BUILD(\.bazel)?|"
    r"WORKSPACE|pyproject\.toml|setup\.(py|cfg)|tox\.ini|noxfile\.py|requirements[\w.-]*\.txt|"
    r"Pipfile|package\.json|pnpm-workspace\.yaml|tsconfig\.json|deno\.jsonc?|Cargo\.toml|go\.mod|"
    r"pom\.xml|build\.gradle(\.kts)?|Gemfile|Rakefile|composer\.json|mix\.exs|Package\.swift|"
    r"[\w.-]+\.(sln|csproj|cabal|gemspec)|stack\.yaml|flake\.nix|(Dockerfile|Containerfile)[\w.-]*|"
    r"(docker-)?compose\.ya?ml|\.gitlab-ci\.yml|\.pre-commit-config\.yaml|axon\.toml"
)
WORKFLOW = re.compile(r"\.(github/workflows|circleci|ci)/[^/]+")
TEST = re.compile(
    r"test_[\w.-]+\.py|[\w.-]+_test\.(py|go|rb|exs|dart|cc|cpp)|conftest\.py|"
    r"[\w.-]+\.(test|spec)\.[mc]?[jt]sx?|[\w.-]+_spec\.rb|[\w.-]*Tests?\.(java|kt|cs|swift|php)"
)
TEST_FOLDERS = {"test", "tests", "spec", "specs", "__tests__", "e2e"}
ENTRY = re.compile(
    r"__main__\.py|(main|app|cli|manage|wsgi|asgi|server)\.(py|[mc]?[jt]s|go|rs|rb|c|cc|cpp)|"
    r"index\.(html|[mc]?[jt]sx?)|(Main|Program|Application)\.(java|kt|cs|scala)"
)


def project_map(tree: Tree) -> str:
    """The map, or nothing when the tree cannot be read."""
    entries, whole = tree.entries()
    if not entries:
        return ""
    paths = [entry.path for entry in entries if not entry.link]
    count = f"{len(entries)} files" if whole else f"more than {len(entries)} files"
    lines = [count + _languages(paths), *_folders(paths)]
    for title, found in (
        ("Build and configuration", _some(paths, _is_build)),
        ("Tests", _test_places(paths)),
        ("Likely entry points", _some(paths, _is_entry)),
    ):
        if found:
            lines.append(f"{title}: {', '.join(found)}")
    text = "\n".join(lines)
    return text if len(text) <= MOST_CHARS else text[: MOST_CHARS - 1] + "…"


def _languages(paths: Iterable[str]) -> str:
    suffixes = Counter(_suffix(path) for path in paths)
    counts: Counter[str] = Counter()
    for suffix, count in suffixes.items():
        if name := _BY_SUFFIX.get(suffix):
            counts[name] += count
    top = ", ".join(f"{name} {count}" for name, count in counts.most_common(8))
    return f": {top}" if top else ""


def _folders(paths: Iterable[str]) -> list[str]:
    """The folders at the top, the fullest first, each with those in it."""
    tops: Counter[str] = Counter()
    seconds: dict[str, Counter[str]] = {}
    for path in paths:
        parts = path.split("/")
        if len(parts) > 1:
            tops[parts[0]] += 1
            inner = seconds.setdefault(parts[0], Counter())
            if len(parts) > 2:
                inner[parts[1]] += 1
    lines = []
    for name, count in tops.most_common(12):
        fullest = [_shown(f"{folder}/") for folder, _ in seconds[name].most_common(8)]
        more = f": {' '.join(fullest)}" if fullest else ""
        lines.append(f"- {_shown(name)}/ ({count}){more}")
    if len(tops) > 12:
        lines.append(f"- and {len(tops) - 12} more folders")
    return lines


def _some(paths: Iterable[str], fits: Callable[[str], bool]) -> list[str]:
    """Those that fit, nearest to the top first."""
    found = sorted((path for path in paths if fits(path)), key=lambda p: (p.count("/"), p))
    return [_shown(path) for path in found[:15]]


def _is_build(path: str) -> bool:
    if path.count("/") > 1:
        return bool(WORKFLOW.fullmatch(path))
    return bool(BUILD.fullmatch(_name(path)) or WORKFLOW.fullmatch(path))


def _is_entry(path: str) -> bool:
    inner = path.split("/")[:-1]
    return len(inner) <= 3 and not TEST_FOLDERS & set(inner) and bool(ENTRY.fullmatch(_name(path)))


def _test_places(paths: Sequence[str]) -> list[str]:
    """Folders that hold tests, with how many files of them."""
    places: Counter[str] = Counter()
    for path in paths:
        folders = path.split("/")[:-1]
        if TEST_FOLDERS & set(folders) or TEST.fullmatch(_name(path)):
            places["/".join(folders[:3]) or "."] += 1
    return [f"{_shown(folder)} ({count})" for folder, count in places.most_common(8)]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _suffix(path: str) -> str:
    return PurePosixPath(_name(path)).suffix[1:].lower()


def _shown(name: str) -> str:
    """A name is a stranger's text: one line, no fence, not endless."""
    plain = one_line(name).replace("`", "'")
    return plain if len(plain) <= MOST_NAME else plain[: MOST_NAME - 1] + "…"
