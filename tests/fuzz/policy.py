"""What the policy allows, real bash runs as it was approved: word by word, and nothing else.

python -m tests.fuzz.policy [COUNT] [SEED]
"""

import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from axon.security.paths import Places
from axon.security.policy import Policy, Profile
from axon.security.policy.reading import parse
from axon.security.policy.tree import For, Glob, Script, Simple, Word, literal
from axon.security.policy.values import ANY, WILD, Arg, arg_of, names_of
from axon.security.policy.walking import commands
from tests.fuzz import bash
from tests.fuzz.mutation import mutated

BATCH = 400
_NESTED = frozenset(
    {"bash", "rbash", "sh", "eval", "dash", "zsh", "ksh", "ash", "mksh", "env", "timeout"}
)
_SHELLS = frozenset({"bash", "sh"})
_LEAVING = frozenset(["builtin", "local", "return", "exit", "break", "continue", "shift", "time"])


@dataclass(frozen=True, slots=True)
class Case:
    """An allowed command, how it was handed back, and which words may run for each."""

    asked: str
    given: str
    seed: int


def stage(folder: Path) -> Policy:
    """A workspace with a few files, in a place where no path of the seeds leads to a program."""
    for name in ("work/src", "work/build", "home", "tmp"):
        (folder / name).mkdir(parents=True)
    for name in ("a", "b", "README.md", "src/app.py", "list.txt", "out"):
        (folder / "work" / name).write_text("x\n")
    places = Places(workspace=folder / "work", temporary=folder / "tmp", home=folder / "home")
    return Policy(profile=Profile.CONTAINED, places=places)


def cases(policy: Policy, count: int, seed: int) -> Iterator[Case]:
    """`count` mutated commands that the policy allows; each has a seed of its own."""
    found = 0
    while found < count:
        seed += 1
        asked = mutated(random.Random(seed))
        verdict = policy.check(asked)
        text = asked + verdict.command
        if verdict.allowed and not any(
            sign in text for sign in (r"\x1e", r"\x1f", "RUN_", "builtin")
        ):
            found += 1
            yield Case(asked, verdict.command, seed)


def mismatches(folder: Path, policy: Policy, batch: list[Case]) -> Iterator[str]:
    """One line for each command for which bash ran what was not approved, or not all of it."""
    texts = list(dict.fromkeys(text for case in batch for text in (case.asked, case.given)))
    ran_for = dict(zip(texts, bash.run(folder, texts), strict=True))
    home = str(folder)
    for case in batch:
        first, second = ran_for[case.asked], ran_for[case.given]
        script = parse(case.asked)
        nested = any(literal(word) in _NESTED for word in _said(script))
        for kind, approved, ran in (
            ("asked", script, first),
            ("given", parse(case.given) if nested else script, second),
        ):
            if kind == "asked" and "$(" in case.asked and "<<" in case.asked:
                continue  # "$(cat <<E ...)" was replaced by its text: no cat runs any more
            wrong = _wrong(approved, ran, home)
            if wrong:
                told = f"{case.asked!r}\n  {case.given!r}\n  {ran}"
                yield f"seed {case.seed} {kind}: {wrong}\n  {told}"


def _said(script: Script) -> list[Word]:
    return [word for c in commands(script) if isinstance(c, Simple) for word in c.words]


def _programs(script: Script) -> list[str]:
    found = [c.words[0] for c in commands(script) if isinstance(c, Simple) and c.words]
    return [literal(word) or "" for word in found]


def _wrong(script: Script, ran: list[list[str]], home: str) -> str:
    places = {"HOME": f"{home}/home", "TMPDIR": f"{home}/tmp", "PWD": f"{home}/work"}
    patterns = list(_approved(script, places))
    for words in ran:
        said = "".join(f"{word}\x1f" for word in words)
        if not any(pattern.fullmatch(said) for pattern in patterns):
            return f"not approved: {words}"
    if _straight(script):
        left = ["".join(f"{word}\x1f" for word in words) for words in ran]
        for pattern in sorted(patterns, key=lambda p: sum(map(bool, map(p.fullmatch, left)))):
            match = next((said for said in left if pattern.fullmatch(said)), None)
            if match is None:
                return f"approved, but it did not run: {pattern.pattern[:80]!r}"
            left.remove(match)
        if left:
            return f"ran more than once: {left}"
    return ""


def _approved(
    script: Script, fixed: Mapping[str, str], *, inherits: bool = False
) -> Iterator[re.Pattern[str]]:
    """What may run: the commands of the script, and of scripts in their arguments."""
    names = names_of(script, fixed, inherits=inherits)
    for command in commands(script):
        if isinstance(command, Simple) and command.words:
            args = [arg_of(word, names) for word in command.words]
            yield _pattern(args)
            if text := _script_in([arg.text or "" for arg in args]):
                yield from _approved(parse(text), names.fixed, inherits=True)


def _script_in(said: list[str]) -> str:
    if said[0] == "eval":
        return " ".join(said[1:])
    shell = said[0] in _SHELLS and len(said) > 2 and re.fullmatch("-[a-z]*c", said[1])
    return said[2] if shell else ""


def _pattern(args: list[Arg]) -> re.Pattern[str]:
    return re.compile("".join(map(_word_pattern, args)), re.DOTALL)


def _word_pattern(arg: Arg) -> str:
    if arg.many:
        return r"(?:[^\x1e\x1f]*\x1f)*"
    options = []
    for value in arg.values:
        text = re.escape(value).replace(ANY, r"[^\x1f]*").replace(WILD, r"[^\x1f]*")
        options.append(text)
    word = f"(?:{'|'.join(options)})\x1f"
    several = any(isinstance(part, Glob) for part in arg.word)
    return f"(?:{word})+" if several else word


def _straight(script: Script) -> bool:
    """Whether every command in it runs exactly once: no conditions, loops, or ways out."""
    for pipeline, after in script.items:
        if after == "||" or pipeline.negated:
            return False
        for command in pipeline.commands:
            if not isinstance(command, Simple) or isinstance(command, For):
                return False
            targets = [literal(r.target) or "/" for r in command.redirects]
            if any(
                r.operator == ">&" and literal(r.target) not in ("1", "2")
                for r in command.redirects
            ):
                return False  # a descriptor that is not open
            if any("<" in r.operator for r in command.redirects) or any(
                "/" in target or target[0] in ".sb" for target in targets
            ):
                return False  # a file that is not there, or is a folder, ends it
    every = list(commands(script))
    names = [name or "/" for name in _programs(script)]
    once = all(isinstance(command, Simple) and command.words for command in every)
    fails = bool(({"read", "mapfile", "readarray"} | _LEAVING) & set(names))
    fails = fails or bool({"eval", *_SHELLS} & set(names))  # they run more than themselves
    fails = fails or any("/" in name for name in names)  # programs by path are looked for
    return once and not fails and len(every) == sum(len(p.commands) for p, _ in script.items)


def hunt(
    count: int, seed: int, told: Callable[[int, list[str]], None] = lambda number, fresh: None
) -> list[str]:
    """Every mismatch among `count` commands; `told` hears of them as they come."""
    found: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.path.realpath(name))
        policy = stage(folder)
        batch: list[Case] = []
        for number, case in enumerate(cases(policy, count, seed), 1):
            batch.append(case)
            if len(batch) == BATCH or number == count:
                fresh = list(mismatches(folder, policy, batch))
                found += fresh
                batch = []
                told(number, fresh)
    return found


def _progress(number: int, fresh: list[str]) -> None:
    print(*fresh, f"… {number}", sep="\n", flush=True)


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() // 1000
    started = time.monotonic()
    print(f"policy against bash: {count} commands from seed {seed}", flush=True)
    found = hunt(count, seed, _progress)
    print(f"{len(found)} mismatches in {count}, {time.monotonic() - started:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
