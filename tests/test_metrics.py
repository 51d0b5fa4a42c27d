"""/metrics: valid for a strict reader, the same numbers as `axon status --json`, and documented."""

import math
import re
import sqlite3
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from axon.config import Config, load_config
from axon.errors import LedgerError
from axon.ledger import Ledger, Usage
from axon.monitoring.metrics import all_series, metrics_text, metrics_view
from axon.tasks import State
from tests.drive import Axon
from tests.visitor import start
from tests.world import World, add, claim, finish, session, started

README = Path(__file__).resolve().parent.parent / "README.md"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)", re.ASCII)
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)', re.ASCII)
PARTS = {"counter": {""}, "gauge": {""}, "summary": {"_sum", "_count"}}
BASE_UNITS = ("seconds", "bytes", "usd", "tokens")


@dataclass
class Family:
    kind: str = ""
    doc: str = ""
    samples: dict[str, float] = field(default_factory=dict)


def read(text: str) -> dict[str, Family]:
    """The exposition format 0.0.4, by its letter: whatever is wrong is an AssertionError."""
    assert text.endswith("\n") and "\r" not in text
    found: dict[str, Family] = {}
    current = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            current, _, doc = line[7:].partition(" ")
            assert current not in found and doc, f"twice, or without a word: {line}"
            found[current] = Family(doc=doc)
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name == current and not found[name].kind and not found[name].samples, line
            assert kind in PARTS, line
            found[name].kind = kind
        else:
            _sample(line, current, found[current])
    assert all(family.kind for family in found.values())
    return found


def _sample(line: str, current: str, family: Family) -> None:
    match = SAMPLE.fullmatch(line)
    assert match, line
    name, labels, number = match.groups()
    assert name.removeprefix(current) in PARTS[family.kind], f"{line} is not of {current}"
    if labels is not None:
        pairs = LABEL.findall(labels)
        said = ",".join(f'{key}="{value}"' for key, value in pairs)
        assert said == labels and len({key for key, _ in pairs}) == len(pairs), line
        assert not any(key.startswith("__") for key, _ in pairs), line
    value = float(number)
    assert math.isfinite(value) and (family.kind != "counter" or value >= 0), line
    whole = line.rpartition(" ")[0]
    assert whole not in family.samples, f"twice: {line}"
    family.samples[whole] = value


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(path=tmp_path / ".axon" / "ledger.db")
    made.path.parent.mkdir()
    yield made
    made.close()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "axon.toml").write_text("[budget]\nday_usd = 50\nday_tokens = 1000000\n")
    return load_config(Namespace(), tmp_path, {})


def busy(world: World) -> Ledger:
    """A ledger in which a little of everything has happened."""
    ledger = world.open(create=True)
    started(ledger, max_usd=20.0, max_tokens=100_000)
    add(ledger, "one", "two", "three", "four")
    add(ledger, "urgent one", priority=1)
    held = claim(ledger, run="run-1")
    ledger.start_session(session(held), token_hash="t1", claim=held)
    for status, model in ((200, "claude-haiku-4-5"), (529, 'odd "model"\\\n')):
        ledger.spend(
            Usage(
                session="s1",
                model=model,
                status=status,
                input_tokens=1_234_567,
                output_tokens=20,
                cache_read_tokens=300,
                cache_write_tokens=4,
                cost_usd=1.25 if status == 200 else None,
                first_token_seconds=0.5 if status == 200 else None,
                seconds=2.5,
                retries=1,
            )
        )
    world.sleep(10)
    ledger.end_session("s1", outcome="finished")
    for passed, where in ((False, "workspace"), (True, "workspace"), (True, "landing")):
        why = 'it said {"passed": true, "where": "landing"}'
        ledger.record("gate", actor="w1", why=why, data={"where": where, "passed": passed})
    ledger.record("gate", actor="w1", data={"note": '"passed": true', "where": "workspace"})
    ledger.record("denied", actor="w1", identifier=held.identifier)
    finish(ledger, held)
    other = claim(ledger, run="run-1")
    ledger.fail(other, "gate: exit 1")
    ledger.pause("lunch")
    return ledger


def test_what_it_says_is_valid_and_true(world: World, config: Config) -> None:
    ledger = busy(world)
    found = read(metrics_text(ledger, config, world.wall))
    value = {name: v for family in found.values() for name, v in family.samples.items()}
    assert (
        value['axon_tasks{state="done"}'] == 1 and value['axon_queue_tasks{priority="medium"}'] == 4
    )
    assert (value["axon_claims_total"], value["axon_landings_total"]) == (2, 1)
    assert (value["axon_failures_total"], value["axon_denials_total"]) == (1, 1)
    assert value['axon_gates_total{where="workspace",result="failed"}'] == 2
    assert value['axon_gates_total{where="workspace",result="passed"}'] == 1
    assert value['axon_gates_total{where="landing",result="passed"}'] == 1
    haiku = 'model="claude-haiku-4-5"'
    assert value[f'axon_tokens_total{{{haiku},kind="input"}}'] == 1_234_567, "to the last digit"
    assert value[f"axon_spent_usd_total{{{haiku}}}"] == 1.25
    assert value['axon_requests_failed_total{model="odd \\"model\\"\\\\\\n"}'] == 1
    assert value[f"axon_request_first_token_seconds_count{{{haiku}}}"] == 1
    assert value["axon_session_duration_seconds_sum"] == 10
    assert value['axon_budget_left_usd{scope="run",run="run-1"}'] == 18.75
    assert value['axon_budget_left_usd{scope="day",run=""}'] == 48.75
    assert value['axon_budget_left_tokens{scope="run",run="run-1"}'] == 0
    assert value["axon_queue_oldest_timestamp_seconds"] == 1_800_000_000.0
    assert value["axon_paused"] == 1 and value["axon_pauses_total"] == 1


def test_names_follow_the_conventions(world: World, config: Config) -> None:
    for series in all_series(busy(world), config, world.wall):
        assert NAME.fullmatch(series.name) and series.name.startswith("axon_")
        assert (series.kind == "counter") == series.name.endswith("_total"), series.name
        assert not series.name.endswith(("_sum", "_count", "_bucket"))
        if series.kind == "summary":
            assert series.name.endswith(BASE_UNITS), series.name
        for wrong in ("milli", "minutes", "hours", "_ms", "_mb"):
            assert wrong not in series.name


def test_the_table_and_the_text_are_the_same_numbers(world: World, config: Config) -> None:
    ledger = busy(world)
    found = read(metrics_text(ledger, config, world.wall))
    table = metrics_view(ledger, config, world.wall)
    assert {k: v for f in found.values() for k, v in f.samples.items()} == table


def test_many_models_are_summed_up(world: World, config: Config) -> None:
    ledger = world.open(create=True)
    add(ledger, "one")
    held = claim(ledger)
    ledger.start_session(session(held), token_hash="t1", claim=held)
    for number in range(60):
        ledger.spend(Usage(session="s1", model=f"m{number}", status=200, input_tokens=1))
    found = read(metrics_text(ledger, config, world.wall))["axon_requests_total"].samples
    assert len(found) == 51 and found['axon_requests_total{model="others"}'] == 10


def test_an_event_or_usage_that_is_missing_is_no_lower_number(world: World, config: Config) -> None:
    busy(world)
    world.close()
    with sqlite3.connect(world.path) as db:
        db.execute("DELETE FROM event WHERE action = 'denied'")
    db.close()
    with pytest.raises(LedgerError, match="of .* events are there"):
        world.open().totals()


def test_readme_lists_every_series(world: World, config: Config) -> None:
    section = README.read_text("utf-8").partition("### Metrics\n")[2].partition("\n#")[0]
    told = dict(re.findall(r"^\| `(axon_\w+)` \| (\w+) \|", section, re.MULTILINE))
    made = {series.name: series.kind for series in all_series(busy(world), config, world.wall)}
    assert told == made


def test_page_and_terminal_tell_the_same(axon: Axon) -> None:
    axon.make_repository()

    axon.configure(
        engine={"name": "command", "command": "echo x > $AXON_TASK"},
        gate={"command": "true"},
        budget={"day_usd": 5},
    )
    axon.ok("task", "add", "Do one thing")
    axon.ok("team", "--workers", "1")
    axon.ok("task", "add", "Do another", "--priority", "high")
    server = start(axon)
    heard = server.ask("GET", "/metrics")
    assert heard.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = {k: v for f in read(heard.body.decode()).values() for k, v in f.samples.items()}
    status = axon.json("status")
    assert status["metrics"] == found
    counts = {f'axon_tasks{{state="{s}"}}': n for s, n in status["counts"].items()}
    assert counts.items() <= found.items() and len(counts) == len(State)
    assert found["axon_landings_total"] == found["axon_runs_total"] == 1
    assert found['axon_gates_total{where="landing",result="passed"}'] == 1
    assert found["axon_workers"] == len(status["workers"]) == 0
    assert status["spend"]["tokens"] == found["axon_day_tokens"] == 0
