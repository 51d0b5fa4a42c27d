"""Allow a project's own agents, prompts and servers: shown first, then remembered by hash."""

import difflib
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from axon.agents.bundled import named
from axon.agents.frontmatter import parse
from axon.agents.overrides import AGENTS, candidates, check
from axon.agents.roster import bundled_spec
from axon.commands import add_json, print_json
from axon.config import INHERIT, Config
from axon.core.terminal import one_line, paint, plain
from axon.errors import NotFound, UsageError
from axon.security.trust import Item, Trust, widening_settings


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="only these; without: all")
    parser.add_argument("--list", action="store_true", help="show what is allowed and what is not")
    parser.add_argument("--yes", action="store_true", help="allow without asking")
    parser.add_argument("--revoke", action="store_true", help="take the permission back")
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    trust = replace(Trust.of(config), everything=False)
    items, problems = candidates(config.root)
    for problem in problems:
        print(f"axon: {one_line(problem)}", file=sys.stderr)
    items += widening_settings(config)
    if args.revoke:
        return _revoke(args, trust, config)
    chosen = _chosen(args.files, items, config)
    if args.list or args.json and not args.yes:
        return _list(chosen, trust, config, json=args.json)
    new = [item for item in chosen if not trust.is_trusted(item)]
    for item in new:
        check_item(item)
    if not args.json:
        for item in new:
            print("\n".join(_shown(item, trust, config)))
    if new and not args.yes and not _agreed(len(new)):
        print("nothing allowed", file=sys.stderr)
        return 1
    trust.allow(new, time.time())
    if args.json:
        return _list(chosen, trust, config, json=True)
    print(f"{len(new)} allowed" if new else "nothing new to allow")
    return 0


def check_item(item: Item) -> None:
    if not item.name.startswith("axon.toml"):
        check(item)


def widens(item: Item, config: Config) -> str:
    """In one line, what takes effect with it."""
    if item.widens:
        return item.widens
    name = Path(item.name).stem
    if not item.name.startswith(AGENTS):
        return f"replaces the prompt {name}"
    try:
        file = parse(item.text, name)
    except UsageError as error:
        return f"cannot be used: {error}"
    agent = named(name)
    if agent is None:
        return f"adds agent {name} with tools {', '.join(file.tools or ()) or 'to look only'}"
    spec = bundled_spec(agent, config)
    parts = [f"changes agent {name}"]
    if file.tools is not None:
        more = [tool for tool in file.tools if tool not in spec.tools]
        less = [tool for tool in spec.tools if tool not in file.tools]
        parts += [f"adds {', '.join(more)}"] if more else []
        parts += [f"takes away {', '.join(less)}"] if less else []
    parts += ["own prompt"] if file.prompt else []
    parts += [f"model {file.model or INHERIT}"] if file.model is not None else []
    return "; ".join(parts)


def _chosen(files: Sequence[str], items: Sequence[Item], config: Config) -> list[Item]:
    if not files:
        return list(items)
    known = {item.name: item for item in items}
    chosen = [known.get(_name(file, config)) for file in files]
    for file, item in zip(files, chosen, strict=True):
        if item is None:
            raise NotFound(
                f"{file} is nothing that needs to be allowed; there are "
                f"{', '.join(known) or 'none in this project'}"
            )
    return [item for item in chosen if item is not None]


def _name(file: str, config: Config) -> str:
    """As items are named: relative to the project, wherever the person stands in it."""
    path = Path(file).absolute()
    root = config.root.absolute()
    inside = path.is_relative_to(root) and not file.startswith("axon.toml [")
    return path.relative_to(root).as_posix() if inside else file


def _revoke(args: Namespace, trust: Trust, config: Config) -> int:
    allowed = trust.allowed_names()
    names = [_name(file, config) for file in args.files] or list(allowed)
    for name in names:
        if name not in allowed:
            raise NotFound(f"{name} is not allowed anyway; axon trust --list shows what is")
    trust.forget(names)
    print(f"{len(names)} no longer allowed")
    return 0


def _list(items: Sequence[Item], trust: Trust, config: Config, *, json: bool) -> int:
    views = [_view(item, trust, config) for item in items]
    if json:
        print_json(views)
        return 0
    for view in views:
        print(f"{view['state']:<8} {one_line(view['name'])}  {one_line(view['widens'])}")
    if not views:
        print("this project has no agents, prompts or servers of its own")
    return 0


def _view(item: Item, trust: Trust, config: Config) -> dict[str, Any]:
    return {
        "name": item.name,
        "state": _state(item, trust),
        "sha256": item.sha256,
        "widens": widens(item, config),
    }


def _state(item: Item, trust: Trust) -> str:
    if trust.is_trusted(item):
        return "allowed"
    return "new" if trust.allowed_text(item.name) is None else "changed"


def _shown(item: Item, trust: Trust, config: Config) -> Iterator[str]:
    """The whole text, or what is different from the one that was allowed before."""
    yield paint(f"{_state(item, trust)}: {one_line(item.name)}", "bold", _color(config))
    yield f"  {one_line(widens(item, config))}"
    before = trust.allowed_text(item.name)
    if before is None:
        yield from (f"  | {plain(line)}" for line in item.text.splitlines())
        return
    lines = difflib.unified_diff(
        before.splitlines(), item.text.splitlines(), "allowed", "now", lineterm=""
    )
    yield from (f"  {plain(line)}" for line in lines)


def _color(config: Config) -> bool:
    return config.color and sys.stdout.isatty()


def _agreed(count: int) -> bool:
    if not sys.stdin or not sys.stdin.isatty():
        raise UsageError("nobody is there to ask; look at it with --list, and add --yes")
    what = "it" if count == 1 else f"these {count}"
    return input(f"Allow {what}? [y/N] ").strip().lower() in ("y", "yes")
