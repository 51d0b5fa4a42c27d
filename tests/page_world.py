"""A project with a history: weeks of landed and failed work, and a team that is at it now."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from axon.ledger import Ledger, Run, Session, Usage, WorkerStatus, open_ledger
from axon.tasks import Claim, Draft, Priority
from tests.drive import Axon
from tests.world import DAY, World

TITLES = (
    "Parse durations like 1h 30m", "Add slugify and offer it as a command",
    "Cache the index between runs", "Retry uploads after a broken connection",
    "Show progress for long imports", "Drop the legacy XML reader",
    "Read configuration from the environment", "Sort results by relevance",
    "Explain errors of the parser with line numbers", "Support time zones in schedules",
    "Stream large files instead of reading them", "Rename account to tenant everywhere",
    "Property tests for the tokenizer", "Fix the flaky clock test",
    "Write the manual page for sync", "Warn about duplicate keys",
    "Paginate the list of deliveries", "Keep the order of columns on export",
)  # fmt: skip
LABELS: Sequence[tuple[str, ...]] = (("parser",), ("api", "perf"), (), ("docs",), ("cli",))
HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script>\x1b[31mred\x1b[0m "
    "\x1b]8;;http://evil.invalid\x07a link\x1b]8;;\x07\r\n\n\ndata: {}\nid: 9\n\u202etxt.exe"
)
QUESTION = "Which format shall win when both are given?\nThe old one is used by three customers."


def draft(n: int, **facts: Any) -> Draft:
    title = TITLES[n % len(TITLES)]
    return Draft(
        title=title,
        description=f"{title}, so that **nobody** has to do it by hand.\n\n- as the tests say\n"
        "- without a new dependency\n\n```py\nassert parse('1h') == 3600\n```",
        priority=Priority(n % 4),
        labels=LABELS[n % len(LABELS)],
        check=f"python -m unittest tests.test_{n}",
        **facts,
    )


def claim(ledger: Ledger, worker: str, run: str = "", seconds: float = 3600) -> Claim:
    task = ledger.claim(worker=worker, run=run, lease_seconds=seconds)
    assert task is not None
    return Claim(identifier=task.identifier, token=task.token, worker=worker, run=run)


def spend(ledger: Ledger, held: Claim, name: str, times: int, random: Random) -> None:
    """A session that has cost something."""
    model = random.choice(("claude-sonnet-5", "claude-haiku-5-5"))
    session = Session(
        id=name, identifier=held.identifier, attempt=held.token, run=held.run,
        worker=held.worker, engine="claude", model=model, max_usd=2.0,
    )  # fmt: skip
    ledger.start_session(session, token_hash=name, claim=held)
    for n in range(times):
        ledger.spend(
            Usage(
                session=name,
                model=model,
                status=200,
                input_tokens=4000 + 900 * n,
                output_tokens=random.randint(200, 900),
                cost_usd=random.randint(8, 90) / 1000,
            )  # fmt: skip
        )


def history(path: Path, now: float, commit: str, tasks: int) -> None:
    """Weeks that have passed: most landed at once, some the second time, few never."""
    random = Random(7)
    world = World(path, wall=now - 28 * DAY)
    ledger = world.open()
    for n in range(tasks):
        name = ledger.add([draft(n)])[0].identifier
        for attempt in range(3):
            world.sleep(random.randint(600, 20_000))
            held = claim(ledger, f"worker-{n % 3 + 1}")
            spend(ledger, held, f"{name.lower()}-{attempt + 1}-old", 4, random)
            world.sleep(random.randint(120, 1500))
            ledger.end_session(f"{name.lower()}-{attempt + 1}-old", outcome="finished", turns=9)
            if n % 7 == 3 and attempt < 2 or n % 4 == 1 and not attempt:
                ledger.fail(
                    held, random.choice(("gate: exit 1: FAILED (failures=1)", "turn limit"))
                )
                world.sleep(900)
                continue
            ledger.note(held, branch=f"agent/{name.lower()}")
            ledger.submit(held, commit=commit, verified=True)
            lease = ledger.lease("landing", "landing", 3600)
            assert lease is not None
            world.sleep(40)
            ledger.landed(lease, name, commit=commit, target="main", verified=True)
            ledger.drop_lease(lease)
            break
        world.sleep(1.6 * DAY)
    world.close()


def today(ledger: Ledger, state: Path) -> None:
    """What is going on now: two at work, one asks, one has failed, others wait."""
    random = Random(3)
    asks, fails, *_ = ledger.add([draft(13, max_attempts=1), draft(14, max_attempts=1)])
    ledger.ask(claim(ledger, "worker-1"), QUESTION)
    ledger.fail(claim(ledger, "worker-2"), "gate: exit 1: FAILED (failures=2)")
    ledger.start_run(
        Run(id="run-now", pid=1, host="h", target="main", engine="claude", workers=3, max_usd=20.0),
        3600,
    )
    parser, done = ledger.add([draft(0, key="a"), draft(17, paths=("docs/**",))])
    for n, doing in enumerate(("Edit src/parser/durations.py", "$ pytest -q tests/test_17.py")):
        held = claim(ledger, f"worker-{n + 1}", "run-now")
        name = f"{held.identifier.lower()}-1-now"
        ledger.note(held, branch="agent/work", target="main")
        spend(ledger, held, name, 5 + n, random)
        record(state, name)
        ledger.set_worker(
            WorkerStatus(
                name=held.worker,
                run="run-now",
                pid=1,
                identifier=held.identifier,
                attempt=1,
                doing=doing,
                turns=7 + n,
                cost_usd=0.31,
                since=time.time() - 140 - 60 * n,
                updated_at=time.time(),
            )  # fmt: skip
        )
        ledger.report(held, "phase", "", phase="implementation")
        found = ["src/parser.py:3: blocker: an empty text is no duration"]
        why = "The empty text is forgotten."
        ledger.report(held, "review", why, verdict="request_changes", findings=found)
    waiting = [draft(n, depends=(parser.identifier,)) for n in (3, 4)]
    stuck = draft(8, depends=(fails.identifier,))
    more = [draft(n) for n in (6, 9, 11, 15)]
    first, *_ = ledger.add([*waiting, stuck, *more])
    ledger.add([draft(16, depends=(first.identifier, done.identifier))])
    ledger.comment(parser.identifier, "Please keep the **old** spelling too.")
    ledger.comment(asks.identifier, HOSTILE)


def record(state: Path, name: str, many: int = 0) -> None:
    """The recording of a session, with subagents, edits and output that wants to do harm."""
    agents = ("", "coding", "testing")
    lines: list[dict[str, Any]] = [
        {"kind": "prompt", "text": "You are one engineer of a team.\n\n# Task\n\nDo it."},
        {"kind": "init", "data": {"model": "claude-sonnet-5"}},
        {"kind": "text", "text": "The tests say what is wanted, so I read them first."},
        {"kind": "tool", "tool": "Read", "call": "c1", "input": {"file_path": "src/parser.py"}},
        {"kind": "tool_result", "call": "c1", "output": "1\tdef parse(text):\n2\t    pass\n"},
        {"kind": "tool", "tool": "Edit", "call": "c2", "agent": "coding", "input": {
            "file_path": "src/parser.py", "old_string": "    pass\n",
            "new_string": "    total = 0\n    for part in text.split():\n        total += 1\n"}},
        {"kind": "tool_result", "call": "c2", "agent": "coding", "output": "The file was updated."},
        {"kind": "tool", "tool": "Bash", "call": "c3", "agent": "testing",
         "input": {"command": "pytest -q tests/test_parser.py"}},
        {"kind": "tool_result", "call": "c3", "agent": "testing", "output": HOSTILE},
        {"kind": "text", "text": "It does: `parse` is **there** now."},
        {"kind": "result", "text": "Done, the check passes.", "data": {"fault": None}},
    ]  # fmt: skip
    for n in range(many):
        lines.append({"kind": "text", "agent": agents[n % 3], "text": f"Thought number {n}"})
    folder = state / "sessions"
    folder.mkdir(exist_ok=True)
    with open(folder / f"{name}.jsonl", "w") as file:
        for n, line in enumerate(lines):
            context = {"context_tokens": 5000 + 40 * n}
            data = {**line.get("data", {}), **context}
            file.write(json.dumps({"seq": n + 1, "at": n * 0.9, **line, "data": data}) + "\n")


def settle(axon: Axon, tasks: int = 12) -> None:
    """All of it, in a project that is made for it."""
    axon.make_repository(
        {"README.md": "# textkit\n", "src/parser.py": BEFORE, "src/old.py": "x = 1\n"}
    )
    axon.ok("init")
    work(axon, "main", {"src/parser.py": AFTER})
    landed = axon.git("rev-parse", "HEAD")
    axon.git("switch", "-q", "-c", "agent/work")
    work(axon, "agent/work", {"src/parser.py": NOW, "docs/units.md": "# Units\n\nm, h, d\n"})
    axon.git("switch", "-q", "main")
    state = axon.root / ".axon"
    history(state / "ledger.db", time.time(), landed, tasks)
    ledger = open_ledger(f"file:{state / 'ledger.db'}")
    today(ledger, state)
    ledger.close()


BEFORE = '"""Durations."""\n\n\ndef parse(text):\n    pass\n'
AFTER = BEFORE.replace("    pass\n", "    return sum(map(seconds, text.split()))\n")
NOW = AFTER.replace(
    "    return", "    if not text.strip():\n        raise ValueError('say how long')\n    return"
)


def work(axon: Axon, branch: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = axon.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    axon.git("add", "-A", "src", "docs" if "docs/units.md" in files else "src")
    axon.git("commit", "-qm", f"work on {branch}")
