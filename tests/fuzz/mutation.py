"""Commands that nobody would write, made of those that people do."""

import random

from tests.policy_commands import CONTAINED, commands

# No path in here, nor anything that could be joined from it, is a program of this machine.
SEEDS = [
    command
    for command in commands(CONTAINED)
    if not any(word in command for word in ("activate", "builtin", "local ", "/dev/fd"))
]
SIGNS = list("'\"\\$`(){}[]<>|&;#~*?!=-+%^@,.: \t\n012abxE")
PIECES = [
    " && ",
    " || ",
    "; ",
    " | ",
    " |& ",
    " & ",
    "\n",
    " \\\n ",
    "\\\n",
    "'a b'",
    '"a b"',
    "$x",
    '"$x"',
    "${x}",
    "${x:-y}",
    "${#x}",
    "$(ls)",
    "`ls`",
    '"$(ls a)"',
    "$((1+2))",
    "$'a\\tb'",
    "$'\\x41\\''",
    '$"t"',
    "{a,b}",
    "{1..3}",
    "{a..c}",
    "a{b,{c,d}}",
    "{",
    "}",
    "{}",
    "*",
    "?",
    "[ab]",
    "[",
    "]",
    "~",
    "~/x",
    " # c",
    "#",
    "a#b",
    " > out",
    " >> out",
    " 2>&1",
    " 2> out",
    " &> out",
    " < a",
    " <<< 'h'",
    " <<'E'\nbody $x\nE\n",
    " <<E\nbody $x \\$y\nE\n",
    " <<-E\n\tbody\n\tE\n",
    "<(ls)",
    "x=1 ",
    "x='a b'; ",
    "! ",
    "time ",
    "( ls )",
    "{ ls; }",
    "if ls; then ",
    "; fi",
    "for x in a b; do ",
    "; done",
    "while ls; do ",
    "case a in a) ",
    ";; esac",
    "[[ a == b ]] && ",
    "[[ -f a ]]",
    "(( 1 + 1 ))",
    "=",
    "==",
    "''",
    '""',
    "\\ ",
    "\\\\",
    "\\'",
    '\\"',
    "$",
    "$$",
    "$?",
    "$#",
    "$@",
    '"$@"',
    "$*",
    "!",
    "!!",
    "%",
    "^",
    "--",
    "-",
    "é",
    "日本",
    "'é'",
    "a=b",
    "a=~",
    "a:~",
    "2",
    "2>",
    "1>&2",
    ">&2",
    "env A=1 ",
    "timeout 5 ",
    "bash -c 'ls a'",
    "eval 'ls b'",
    "xargs ls ",
    "x+=1 ",
    "\\n",
    "if",
    "then",
    "do",
    "done",
    "in",
    "esac",
    "function",
]


def mutated(pick: random.Random) -> str:
    """A seed after a few changes; most of them make no sense, as they should not."""
    command = pick.choice(SEEDS)
    for _ in range(pick.choice((1, 1, 2, 2, 3, 5))):
        command = pick.choice(_CHANGES)(command, pick)
    return command[:600]


def _at(command: str, pick: random.Random) -> int:
    """Mostly between words, where it hurts."""
    blanks = [n for n, char in enumerate(command) if char == " "]
    if blanks and pick.random() < 0.6:
        return pick.choice(blanks) + pick.randint(0, 1)
    return pick.randint(0, len(command))


def _insert(command: str, pick: random.Random) -> str:
    at = _at(command, pick)
    return command[:at] + pick.choice(PIECES) + command[at:]


def _sign(command: str, pick: random.Random) -> str:
    at = _at(command, pick)
    return command[:at] + pick.choice(SIGNS) + command[at:]


def _drop(command: str, pick: random.Random) -> str:
    at = pick.randint(0, max(len(command) - 1, 0))
    return command[:at] + command[at + pick.randint(1, 3) :]


def _replace(command: str, pick: random.Random) -> str:
    at = pick.randint(0, max(len(command) - 1, 0))
    return command[:at] + pick.choice(SIGNS) + command[at + 1 :]


def _join(command: str, pick: random.Random) -> str:
    return command + pick.choice((" && ", "; ", " | ", "\n", " & ", " || ")) + pick.choice(SEEDS)


def _quote(command: str, pick: random.Random) -> str:
    """Some characters written in another way that means the same, or does not."""
    at = _at(command, pick)
    end = min(len(command), at + pick.randint(1, 6))
    inner = command[at:end]
    forms = (
        f"'{inner}'",
        f'"{inner}"',
        "".join(f"\\{c}" for c in inner),
        f"$'{inner}'",
        f"''{inner}",
    )
    return command[:at] + pick.choice(forms) + command[end:]


def _splice(command: str, pick: random.Random) -> str:
    other = pick.choice(SEEDS)
    return command[: _at(command, pick)] + other[_at(other, pick) :]


_CHANGES = (
    _insert,
    _insert,
    _insert,
    _sign,
    _sign,
    _drop,
    _replace,
    _join,
    _quote,
    _quote,
    _splice,
)
