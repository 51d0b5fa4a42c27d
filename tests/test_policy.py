"""The command policy: what a coding agent needs passes, what harms does not, nothing raises."""

import json
import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from axon.security.paths import Places
from axon.security.policy import Policy, Profile
from axon.security.policy.reading import parse
from axon.security.policy.tools import rule
from axon.security.policy.tree import Simple
from axon.security.policy.values import arg_of, names_of
from tests.drive import Axon
from tests.fuzz.policy import hunt
from tests.policy_commands import CONTAINED, HOSTILE, STRICT, commands

SECONDS = 0.05


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    root = tmp_path_factory.mktemp("project")
    found = Places(
        workspace=root / ".axon/work/ENG-1", temporary=root / ".axon/tmp/1", home=root / ".axon/h/1"
    )
    for folder in (found.workspace, found.temporary, found.home):
        folder.mkdir(parents=True)
    return found


@pytest.fixture(scope="module")
def contained(places: Places) -> Policy:
    return Policy(profile=Profile.CONTAINED, places=places)


@pytest.fixture(scope="module")
def strict(places: Places) -> Policy:
    return Policy(profile=Profile.STRICT, places=places)


def test_the_lists_are_long_enough() -> None:
    assert len(set(commands(CONTAINED))) >= 200
    assert len(set(commands(HOSTILE))) >= 300


def test_everyday_commands_pass(contained: Policy, strict: Policy) -> None:
    for policy, text in ((contained, CONTAINED), (strict, STRICT), (contained, STRICT)):
        verdicts = {command: policy.check(command) for command in commands(text)}
        assert {c: v.reason for c, v in verdicts.items() if not v.allowed} == {}


def test_hostile_commands_never_pass(contained: Policy, strict: Policy) -> None:
    for policy in (contained, strict):
        verdicts = {command: policy.check(command) for command in commands(HOSTILE)}
        assert {c: v.command for c, v in verdicts.items() if v.allowed or v.command} == {}
        reasons = {c: v.reason for c, v in verdicts.items()}
        assert all(reasons.values())
        assert {c: r for c, r in reasons.items() if "could not follow the command (" in r} == {}


def test_what_is_handed_back_is_understood_as_what_was_judged(contained: Policy) -> None:
    for command in [*commands(CONTAINED), *commands(STRICT)]:
        first = contained.check(command)
        again = contained.check(first.command)
        assert again.allowed, (command, again.reason)
        assert again.command == first.command


@pytest.mark.parametrize(
    ("command", "runs"),
    [
        ("ls -la   src", "ls -la src"),
        (r"echo a\ b 'c'\''d' " '"$"', "echo 'a b' 'c'\\''d' '$'"),
        ("echo {a,b}{1..3}", "echo a1 a2 a3 b1 b2 b3"),
        ("cat <<'E'\n$x `y`\nE", "cat <<< '$x `y`'"),
        ("cat <<E\nE", "cat < /dev/null"),
        ("cat <<-E\n\t\tx\n\tE", "cat <<< x"),
        ("git log # and more", "git log"),
        ("a=1 ls; b=2", "a=1 ls; b=2"),
        ("echo $'a\\tb\\x41'", "echo 'a\tbA'"),
        ("ls \\\n  -l", "ls -l"),
        ('echo "$x" $y `id`', 'echo "${x}" ${y} $( id )'),
        ("'if' && ls", ""),
        ("l''s", "ls"),
        ("echo 'done'", "echo 'done'"),
        ("ls >&2 2>/dev/null", "ls >& 2 2> /dev/null"),
        ("bash -c \"ls   'a b'\"", "bash -c 'ls '\\''a b'\\'''"),
    ],
)
def test_commands_are_written_down_with_literals_only(
    contained: Policy, command: str, runs: str
) -> None:
    verdict = contained.check(command)
    assert verdict.command == runs, verdict.reason


@pytest.mark.parametrize(
    "command",
    [
        "echo $${1..3}",  # all of these were found by make fuzz
        "ls a{}b,{c,d}}e",
        "diff <(ls a)<(ls b)",
        "export N?AME=x",
        'export FOO=x b"c d"$y',
        "ls > a{1..3}",
        "ls >2>&1",
        "git clean<(ls)",
        "%npx x",
        "ls {~,a}",
        "git x || export D=src; echo x > $D/y",
        "ls && d=src; echo x > $d/y",
        "cat <()",
        "ls > {x}> out",
        "export A=b time -p && ls",
    ],
)
def test_what_bash_reads_otherwise_than_it_looks_is_refused(
    contained: Policy, command: str
) -> None:
    assert not contained.check(command).allowed


# Where bash computes, it also runs what stands as an index in what it computes with.
INDEX = "'a[$(rm b)]'"


@pytest.mark.parametrize(
    "command",
    [
        f"RANDOM={INDEX}",
        f"OPTIND={INDEX} ls",
        f"for HISTCMD in {INDEX}; do ls; done",
        f"export SRANDOM={INDEX}",
        f"read RANDOM <<< {INDEX}",
        f"printf -v OPTIND %s {INDEX}",
        f"echo {INDEX}; echo $((_))",
        f"read <<< {INDEX}; (( REPLY ))",
        f"set -- {INDEX}; echo $(($1))",
        f"set -- {INDEX}; [[ $1 -eq 1 ]]",
        f"[[ {INDEX}$# -eq 1 ]]",
        f"x={INDEX}; [[ ${{y:-x}} -eq 1 ]]",
        f"x={INDEX}; [[ ${{#:+x}} -eq 1 ]]",
        f"x={INDEX}; eval 'echo $((x)); x=1'",
        f"export x={INDEX}; bash -c 'echo $((x))'",
        f"env x={INDEX} bash -c '(( x ))'",
        f"env UID={INDEX} bash -c '(( UID ))'",
        f"bash -c '(( $1 ))' x {INDEX}",
        f"x=1; command read x <<< {INDEX}; (( x ))",
        f"x=1; n=read; $n x <<< {INDEX}; (( x ))",
        f"x=1; n=x; read $n <<< {INDEX}; (( x ))",
        f"x=1; printf -vx %s {INDEX}; (( x ))",
        f'x=1; eval "x={INDEX}"; (( x ))',
        f"wait -n -p {INDEX}",
        f"x=-p{INDEX}; wait -n $x",
        "mapfile -C 'rm b' -c 1 x < a",
        "(( BASH_COMMAND ))",
    ],
)
def test_what_bash_would_compute_and_so_run_is_refused(contained: Policy, command: str) -> None:
    assert not contained.check(command).allowed


@pytest.mark.parametrize(
    "command",
    [
        "x=1; (( x += 2 )); echo $((x))",
        "n=$(wc -l < b); [[ $n -gt 3 ]] && ls",
        "n=0; while (( n < 3 )); do n=$((n+1)); done",
        "for i in 1 2; do n=$((n + $i)); done",
        "bash -c 'for i in 1 2; do echo $((i * 2)); done'",
        "[[ $# -eq 0 && $? -eq 0 && ${#x} -lt 9 ]]",
        "SECONDS=0; make; echo $SECONDS $((RANDOM % 5))",
        "sleep 1 & pid=$!; wait $pid; wait -n",
        "read -rp 'a name: ' x; mapfile -t -n 5 lines < b",
        "IFS=, read -r a b < b; cat $a",
        "command -v make && command ls",
    ],
)
def test_what_it_computes_with_numbers_passes(contained: Policy, command: str) -> None:
    assert contained.check(command).allowed, contained.check(command).reason


@pytest.mark.parametrize(
    "command",
    [
        "IFS=/; x=a/b; cat $x",
        "export IFS=,; ls $x",
        "IFS=, eval 'ls $x'",
        "export LD_PRELOAD+=./x.so; ls",
        "export PATH+=:.; ls",
        "bash /dev/stdin <<< ls",
        "bash /proc/self/fd/0 < b",
        "eval 'cd src'; cat $PWD/a",
        "echo ${!#x}",
        "echo $((1 + $y))",
        "x=a; echo $((x++)); [[ $x -eq 1 ]]",
    ],
)
def test_what_changes_how_words_are_made_is_refused(contained: Policy, command: str) -> None:
    assert not contained.check(command).allowed


@pytest.mark.parametrize(
    ("command", "sure"),
    [
        ("x=a; printf -vx %s .env; cat $x", False),
        ("x=a; echo $((x=5)); cat $x", False),
        ("export x=a; export x+=b; cat $x", False),
        ("x=a; cat $x", True),
        ("export x=a < b; cat $x", False),
        ("cd src && cat $PWD/a", False),
        ("cat $PWD/a", True),
    ],
)
def test_a_variable_is_known_only_while_nothing_else_sets_it(command: str, sure: bool) -> None:
    script = parse(command)
    last = script.items[-1][0].commands[0]
    assert isinstance(last, Simple)
    found = arg_of(last.words[1], names_of(script, {"PWD": "/w"}))
    assert (found.text is not None) == sure


@pytest.mark.parametrize(
    "sign", ["\0", "\r", "\x1b", "\x7f", "\u202e", "\u2066", "\u200f", "\ud800"]
)
def test_what_cannot_be_seen_is_refused_also_in_quotes(contained: Policy, sign: str) -> None:
    assert not contained.check(f"echo 'a{sign}b'").allowed


@pytest.mark.parametrize("command", ['echo "$F\\\nOO"', "echo $\\\nHOME", "ls $HO\\\nME"])
def test_a_name_on_two_lines_is_refused(contained: Policy, command: str) -> None:
    assert "one line" in contained.check(command).reason


@pytest.mark.parametrize(
    "sum_",
    ["", "1+2", "-1", "a++ + --b", "(1+2)*3", "!x", "a = b ? 1 : 2", "2**8", "0x1F",
     "i+=1", "1<<3", "$a+${b}", "a==1&&b!=2", "((1))", "1, 2", "07 - -3"],
)  # fmt: skip
def test_sums_that_bash_takes_pass(contained: Policy, sum_: str) -> None:
    command = f"a=1 b=2 x=3 i=4; echo $(({sum_}))"
    assert contained.check(command).allowed, contained.check(command).reason
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert ran.returncode == 0 and not ran.stderr


def test_long_sums_are_judged_at_once(contained: Policy) -> None:
    for text in ("(" * 20_000, "1" + " " * 60_000, "1" + "+" * 60_000, "1" + "- " * 30_000):
        began = time.process_time()
        contained.check(f"echo $(({text}))")
        assert time.process_time() - began < 2


def test_what_is_handed_back_can_be_asked_for_again(contained: Policy) -> None:
    """With the characters written out that may not stand there as they are."""
    asked = r"printf %s $'a\rb' $'\x7f\'\\' $'\u202e' $'tab\there'"
    given = contained.check(asked).command
    assert contained.check(given).command == given
    ran = [subprocess.run(["bash", "-c", text], capture_output=True) for text in (asked, given)]
    assert ran[0].stdout == ran[1].stdout != b""


@pytest.mark.parametrize(
    "sign", ["\u00a0", "\u3000", "\u200b", "\u2013", "\uff1b", "\uff1e", "\ufeff"]
)
def test_look_alikes_are_refused_outside_quotes(contained: Policy, sign: str) -> None:
    assert not contained.check(f"echo a{sign}b").allowed


@pytest.mark.parametrize(
    "command",
    [
        "",
        " " * 100_000,
        "x" * 70_000,
        "(" * 5_000,
        "$(" * 5_000,
        '"$(' * 2_000,
        "`" * 9_999,
        "{" * 9_000,
        "{a," * 3_000,
        "{1..999999}",
        "{a,b}" * 30,
        "[[ " + "( " * 4_000,
        "if " * 3_000,
        "a|" * 9_000,
        "a;" * 9_000,
        "! " * 9_000,
        "<<A " * 4_000,
        "echo " + "'x'" * 9_000,
        "echo " + "\\x" * 9_000,
        "echo " + "$x" * 9_000,
        "sed '" + "s/a/b/;" * 4_000 + "'",
        "awk '" + "{ print }" * 4_000 + "'",
        "awk '" + "/" * 9_000 + "'",
        "x=$x; " * 900 + "echo $x",
        "echo " + "*" * 9_000,
        "cat " + "../" * 9_000,
        "bash -c 'bash -c \"bash -c ls\"'",
        "cat <<E\n" + "\\" * 20_000 + "\nE",
        "cd a; " * 400 + "cat x",
        "echo " + "a$x" * 20_000,
        "cat > x <<'E'\n" + "line 'of' $text\n" * 3_500 + "E",
        "cat > x <<E\n" + "line 'of' $text\n" * 3_500 + "E",
        'echo "' + "a\\n" * 15_000 + '"',
        "ls " * 20_000,
        'echo "' + '\\"' * 15_000 + '"',
    ],
    ids=range(35),
)
@pytest.mark.parametrize("profile", list(Profile))
def test_no_text_makes_it_slow_or_raise(places: Places, command: str, profile: Profile) -> None:
    policy = Policy(profile=profile, places=places)
    policy.check("ls")  # what is compiled at first use
    tries = (_seconds(policy, command) for _ in range(20))  # a busy machine is slower now and then
    assert any(seconds < SECONDS for seconds in tries)


def _seconds(policy: Policy, command: str) -> float:
    started = time.process_time()
    verdict = policy.check(command)
    assert isinstance(verdict.allowed, bool)
    return time.process_time() - started


def test_noise_is_answered_too(contained: Policy, strict: Policy) -> None:
    pieces = [
        *"'\"\\$`(){}[]<>|&;#~*?! \n\t=-",
        "a",
        "git",
        "<<E",
        "\nE\n",
        "$(",
        "${",
        "((",
        "[[",
        "if ",
    ]
    for seed in range(3_000):
        pick = random.Random(seed)
        command = "".join(pick.choices(pieces, k=pick.randint(1, 30)))
        for policy in (contained, strict):
            verdict = policy.check(command)
            assert "could not follow the command (" not in verdict.reason, (seed, command, verdict)


def test_every_link_is_followed(places: Places, contained: Policy) -> None:
    work, outside = places.workspace, places.workspace.parent / "outside"
    (work / "dangling").symlink_to(outside / "not there")
    (work / "folder").symlink_to(outside)
    (work / "inside").symlink_to(work / "src")
    for path in ("dangling", "folder/x", "folder/deep/er/x", "inside/../../outside/x"):
        assert not contained.check(f"echo x > {path}").allowed, path
        given = {"file_path": str(work / path), "content": "x"}
        assert not rule(contained, "Write", given, str(work)).allowed, path
    assert contained.check("echo x > inside/new").allowed
    twin = work / "twin"
    (places.home / "precious").write_text("x")
    os.link(places.home / "precious", twin)
    assert "hard-linked" in contained.check("echo x > twin").reason


@pytest.mark.parametrize(
    "name",
    [
        ".git/config",
        ".GIT/hooks/x",
        ".Git",
        "sub/.git/config",
        ".git./x",
        ".git /x",
        "GIT~1/config",
        ".\uff47it/config",
        ".g\u200cit/config",
        ".\u202egit",
        ".claude/settings.json",
        ".Claude/x",
        ".cl\u0061\u200dude/x",
        ".mcp.json",
        ".MCP.JSON",
        ".axon/x",
        ".git/../.git/x",
        "./.git//x",
    ],
)
def test_protected_names_are_known_in_every_form(contained: Policy, name: str) -> None:
    work = str(contained.places.workspace)
    for tool, key in (
        ("Write", "file_path"),
        ("Edit", "file_path"),
        ("NotebookEdit", "notebook_path"),
    ):
        for path in (name, f"{work}/{name}"):
            assert not rule(contained, tool, {key: path}, work).allowed, (tool, path)


@pytest.mark.parametrize(
    ("tool", "given", "allowed"),
    [
        ("Read", {"file_path": "README.md"}, True),
        ("Read", {"file_path": ".git/config"}, True),
        ("Read", {"file_path": ".env"}, False),
        ("Read", {"file_path": ".env.example"}, True),
        ("Read", {"file_path": ".ENV"}, False),
        ("Read", {"file_path": "deploy/server.key"}, False),
        ("Read", {"file_path": "~/.ssh/id_rsa"}, False),
        ("Read", {"file_path": "/etc/shadow"}, False),
        ("Read", {"file_path": "/proc/self/environ"}, False),
        ("Read", {"file_path": "/usr/include/stdio.h"}, True),
        ("Read", {"file_path": "../../ledger.db"}, False),
        ("Read", {"file_path": "x\0y"}, False),
        ("Read", {"file_path": "x" * 5000}, False),
        ("Read", {"file_path": 3}, False),
        ("Read", {}, False),
        ("Write", {"file_path": "src/new.py"}, True),
        ("Write", {"file_path": "../x"}, False),
        ("Write", {"file_path": "/etc/passwd"}, False),
        ("MultiEdit", {"file_path": "src/new.py"}, True),
        ("MultiEdit", {"file_path": ".claude/x"}, False),
        ("NotebookEdit", {"notebook_path": "n.ipynb"}, True),
        ("Glob", {"pattern": "**/*.py"}, True),
        ("Glob", {"pattern": "*", "path": "/root/.ssh"}, False),
        ("Glob", {"pattern": "/home/x/.aws/*"}, False),
        ("Grep", {"pattern": "x"}, True),
        ("Grep", {"pattern": "x", "path": ".env"}, False),
        ("LS", {"path": "src"}, True),
        ("LS", {"path": "/root/.gnupg"}, False),
        ("Bash", {"command": "ls"}, True),
        ("Bash", {"command": None}, False),
        ("Agent", {"prompt": "look", "subagent_type": "coding"}, True),
        ("mcp__axon__comment", {"text": "x"}, True),
        ("WebFetch", {"url": "https://example.com", "prompt": "x"}, True),
        ("PowerShell", {"command": "ls"}, False),
        ("Read", None, False),
    ],
)
def test_tools_are_held_to_their_paths(
    contained: Policy, tool: str, given: object, allowed: bool
) -> None:
    ruling = rule(contained, tool, given, str(contained.places.workspace))
    assert ruling.allowed is allowed, ruling.reason
    assert allowed or ruling.reason


def test_a_search_leaves_out_what_may_hold_secrets(contained: Policy) -> None:
    ruling = rule(contained, "Grep", {"pattern": "x", "glob": "*.py"}, "")
    assert ruling.given is not None and ruling.given["glob"].startswith("*.py !.env ")


# ── the command ──


def test_check_and_explain(axon: Axon) -> None:
    axon.root.mkdir()
    assert axon.ok("policy", "check", "git status") == "allow: git: every word of it was followed\n"
    denied = axon("policy", "check", "--profile", "contained", "git push --force", "--json")
    assert denied.returncode == 1
    answer = json.loads(denied.stdout)
    assert (answer["verdict"], answer["command"]) == ("deny", None)
    assert axon("policy", "check").returncode == 2
    assert axon("policy", "check", "ls", "--stdin").returncode == 2
    assert axon("policy", "check", "--profile", "loose", "ls").returncode == 2
    shown = axon.ok("policy", "explain", "ls 'a b' > x && cat .env")
    assert "ls 'a b'\n    > x\n    allowed" in shown and "denied: ./.env" in shown
    steps = json.loads(axon.ok("policy", "explain", "ls | wc -l", "--json"))["steps"]
    assert [step["words"] for step in steps] == [["ls"], ["wc", "-l"]]


def test_one_answer_for_each_line_whatever_it_holds(axon: Axon) -> None:
    axon.root.mkdir()
    lines = [
        b'{"cmd": "ls"}',
        b"\xff\xfe",
        b"[]",
        b'{"cmd": 3}',
        b"",
        b'{"cmd": "' + b"x" * (2 << 20),
    ]
    lines += [b"[" * 100_000, b'{"cmd": "\\ud800"}', b'{"cmd": "git push -f"}', b'{"cmd": "cat a"}']
    done = subprocess.run(
        axon.command("policy", "check", "--stdin"),
        cwd=axon.root,
        env=axon.environment,
        input=b"\n".join(lines),
        capture_output=True,
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert len(answers) == len(lines)
    assert [n for n, a in enumerate(answers) if a["verdict"] == "allow"] == [0, len(lines) - 1]
    assert all(set(answer) == {"verdict", "reason"} for answer in answers)


def test_a_project_adds_commands_when_a_person_allows_it(axon: Axon) -> None:
    axon.make_repository()
    axon.configure(policy={"commands": ["scripts/check.sh", "frobnicate --dry"]})
    check = ("policy", "check", "scripts/check.sh src && frobnicate --dry x")
    assert axon(*check).returncode == 1, "axon.toml alone widens nothing"
    axon.ok("trust", "--yes")
    assert axon(*check).returncode == 0
    assert axon("policy", "check", "frobnicate --wet").returncode == 1


def test_places_need_not_exist(tmp_path: Path) -> None:
    nowhere = Places(workspace=tmp_path / "no", temporary=tmp_path / "nor", home=tmp_path / "none")
    for profile in Profile:
        assert Policy(profile=profile, places=nowhere).check("cat x > y").allowed


def test_real_bash_runs_what_was_approved_and_nothing_else() -> None:
    """A short hunt with a seed of its own; make fuzz is the long one."""
    seed = int(os.environ.get("AXON_FUZZ_SEED") or time.time_ns() // 1000)
    found = hunt(1_000, seed)
    assert not found, f"AXON_FUZZ_SEED={seed}\n" + "\n".join(found)
