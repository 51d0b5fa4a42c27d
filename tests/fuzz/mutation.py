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
    # What bash computes, and what it computes with
    "$((x))",
    "$((x = 2))",
    "$((x + $y))",
    "$((_))",
    "$[x]",
    "(( x++ )); ",
    "[[ $x -eq 1 ]] && ",
    "[[ a$# -eq 1 ]] && ",
    "[[ ${y:-x} -eq 1 ]] && ",
    "x='a[$(ls)]'; ",
    "x=$(ls); ",
    "export x='a[$(ls)]'; ",
    "for x in 1 'a[$(ls)]'; do (( x )); done; ",
    "RANDOM='a[$(ls)]'; ",
    "OPTIND='a[$(ls)]'; ",
    "$_",
    "${x@P}",
    "${!x}",
    "${x/b/c}",
    "${x: -1}",
    "${x[0]}",
    # What sets variables, or changes how words are made
    "x=b; ",
    "printf -v x '%s' 'b c'; ",
    "printf -vx b; ",
    "read x <<< 'b c'; ",
    "read -r x y < a; ",
    "read <<< 'a[$(ls)]'; (( REPLY )); ",
    "mapfile -t x < a; ",
    "mapfile -C ls x < a; ",
    "n=read; $n x <<< b; ",
    "n=x; read $n <<< b; ",
    "command read x <<< b; ",
    "eval 'x=b'; ",
    "eval 'ls $x'; ",
    "eval '(( x ))'; ",
    "bash -c 'ls $1' x 'b c'; ",
    "bash -c '(( x ))'; ",
    "bash -c '[[ $1 -eq 1 ]]' x 'a[$(ls)]'; ",
    "declare x+=b; ",
    "declare -n r=x; ",
    "declare -i x; ",
    "set -f; ",
    "set -- a 'b c'; ",
    "$1",
    "IFS=, ",
    "IFS=,; ",
    "a,b",
    "wait -n -p 'a[$(ls)]'; ",
    "alias ls=rm\n",
    "trap ls EXIT; ",
    "f() { ls; }\n",
    # Other ways to write the same
    "$'\\u00e9'",
    "$'\\cA'",
    "@(a|b)",
    "!(a)",
    "~+",
    "~root",
    " > >(cat) ",
    " {x}> out",
    " 10> out",
    "[[ a =~ $(ls) ]] && ",
    "[[ -v x ]] && ",
    "coproc ",
    "time -p ",
    "; case x in *[ab]) ",
    " <<'E'\n\"$(ls)\n'E\nE\n",
    '"$(cat <<E\n\'$x\nE\n)"',
    "\r",
    "\u00a0",
    "\u2028",
]
WRAPPINGS = (
    ("$(", ")"),
    ('"$(', ')"'),
    ("`", "`"),
    ("cat <(", ")"),
    ("( ", " )"),
    ("{ ", "; }"),
    ("if ls; then ", "; fi"),
    ("for x in a b; do ", "; done"),
    ("cat <<E\n$(", ")\nE\n"),
    ("eval '", "'"),
    ("bash -c '", "' x a 'b c'"),
)


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


def _wrap(command: str, pick: random.Random) -> str:
    before, after = pick.choice(WRAPPINGS)
    if "'" in before:
        command = command.replace("'", "'\\''")
    return f"{before}{command}{after}"


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
    _wrap,
)
