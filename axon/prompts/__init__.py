"""The texts agents are told: templates with `$names`, which a project may replace by its own."""

import re
from collections.abc import Mapping
from string import Template

from axon.errors import UsageError
from axon.resources import list_files, read_text

FRAGMENTS = ("house_rules", "memory_note")  # stand in other prompts under their own name


def names() -> tuple[str, ...]:
    """Every prompt there is, as `team_worker_prompt`."""
    found = (name.rpartition("/")[2] for name in list_files("prompts"))
    return tuple(name.removesuffix(".md") for name in found if name.endswith(".md"))


def placeholders(name: str) -> frozenset[str]:
    """The `$names` the prompt of that name may hold."""
    return frozenset(Template(read_text(f"prompts/{name}.md")).get_identifiers())


def render(name: str, own: Mapping[str, str] | None = None, /, **values: str) -> str:
    """The prompt, filled; `own` are the project's texts by name.

    A name the text needs and does not get is a KeyError (a bug). A name that stands alone on its
    line and has nothing to say takes its line with it.
    """
    text = _text(name, own or {})
    for empty in (key for key, value in values.items() if not value):
        text = re.sub(rf"^\${empty}\n\n?", "", text, flags=re.MULTILINE)
    template = Template(text)
    for fragment in FRAGMENTS:
        if fragment in template.get_identifiers():
            values[fragment] = _text(fragment, own or {}).strip()
    return template.substitute(values).strip()


def check(name: str, text: str) -> None:
    """UsageError unless `text` can stand in for the prompt `name`."""
    if name not in names():
        raise UsageError(f"there is no prompt {name!r}; the names are {', '.join(names())}")
    template = Template(text)
    if not template.is_valid():
        raise UsageError("a $ stands alone; write $$ for a dollar sign")
    if unknown := sorted(set(template.get_identifiers()) - placeholders(name) - set(FRAGMENTS)):
        known = ", ".join(f"${known}" for known in sorted(placeholders(name))) or "none"
        raise UsageError(f"${unknown[0]} is never filled; it may use {known}, and $$ for a dollar")
    if not text.strip():
        raise UsageError("it is empty")


def _text(name: str, own: Mapping[str, str]) -> str:
    return own[name] if name in own else read_text(f"prompts/{name}.md")
