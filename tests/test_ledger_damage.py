"""Bits that flip, files that are cut: whatever is answered is right, or an error of one line.

AXON_STORM=1 pytest tests/test_ledger_damage.py     1,000 flips and every cut; see make storm
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from axon.errors import LedgerError
from axon.ledger.file import FileLedger
from axon.tasks import State
from tests.damage import Line, answers, copied, fill, line, opened, remove, verdict
from tests.world import World, add, claim

FULL = bool(os.environ.get("AXON_STORM"))
SEED = int(os.environ.get("AXON_STORM_SEED") or 0) or random.SystemRandom().randrange(1 << 32)
USED = 0.97  # of the flips: where there is something


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Path]]:
    """A ledger in one file, without a log."""
    folder = tmp_path_factory.mktemp("sound")
    world = World(folder / "ledger.db")
    fill(world)
    (ledger,) = world.opened
    ledger.compact()
    path = copied(world.path, folder / "sound.db")
    path.with_name("sound.db-wal").unlink()
    world.close()
    yield world, path


@pytest.fixture(scope="module")
def right(sound: tuple[World, Path]) -> dict[str, Any]:
    world, path = sound
    found = answers(world, copied(path, path.with_name("right.db")))
    assert not [answer for answer in found.values() if isinstance(answer, Line)]
    assert found["check"] == []
    return found


@pytest.mark.timeout(1800)
def test_a_flipped_bit_is_found_and_never_answered(
    sound: tuple[World, Path], right: dict[str, Any], tmp_path: Path
) -> None:
    """Or it is in unused space, and every answer is what it was."""
    print(f"AXON_STORM_SEED={SEED}")
    world, path = sound
    data, chance = path.read_bytes(), random.Random(SEED)
    became: Counter[str] = Counter()
    for _ in range(1000 if FULL else 30):
        bit = chance.randrange(8 * len(data))
        while not any(data[max(0, bit // 8 - 4) : bit // 8 + 4]) and chance.random() < USED:
            bit = chance.randrange(8 * len(data))
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        copy = copied(path, tmp_path / "flipped.db")
        copy.write_bytes(flipped)
        try:
            became[verdict(right, answers(world, copy))] += 1
        except Exception as error:
            error.add_note(f"seed {SEED}, bit {bit}")
            raise
        remove(copy)
    print(became)
    assert became["found"] > became["harmless"]


@pytest.mark.timeout(1800)
def test_a_file_cut_anywhere_gives_no_wrong_answer(
    sound: tuple[World, Path], right: dict[str, Any], tmp_path: Path
) -> None:
    world, path = sound
    size, chance = path.stat().st_size, random.Random(SEED)
    for keep in (1, 99, 100, 512, *(chance.randrange(size) for _ in range(200 if FULL else 10))):
        copy = copied(path, tmp_path / "cut.db")
        os.truncate(copy, keep)
        assert verdict(right, answers(world, copy)) == "found", (SEED, keep)
        remove(copy)


# ── the write-ahead log ──


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """As a crash would leave it: all but the first task is in the log alone."""
    world = World(tmp_path_factory.mktemp("crashed") / "ledger.db")
    ledger = world.open(create=True)
    add(ledger, "kept")
    assert isinstance(ledger, FileLedger)
    ledger._store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for n in range(8):
        add(ledger, f"task {n}")
    claim(ledger)
    path = copied(world.path, world.path.with_name("crashed.db"))
    world.close()
    return world, path


def remembered(world: World, path: Path) -> tuple[int, State] | Line:
    """How many tasks there are, and the state of the first; or the error."""
    try:
        with opened(world, path) as ledger:
            assert ledger.check() == []
            return len(ledger.tasks()), ledger.task("ENG-1").state
    except LedgerError as error:
        return line(error)


def test_a_log_that_lost_what_was_acknowledged_is_an_error(
    crashed: tuple[World, Path], tmp_path: Path
) -> None:
    """Cut anywhere, or with a flipped bit: SQLite reads on to there, and says nothing."""
    world, path = crashed
    log = path.with_name("crashed.db-wal").read_bytes()
    whole = (9, State.IN_PROGRESS)
    assert remembered(world, copied(path, tmp_path / "whole.db")) == whole
    chance = random.Random(SEED)
    for n in range(300 if FULL else 24):
        copy = copied(path, tmp_path / "copy.db")
        place = chance.randrange(len(log))
        with open(copy.with_name("copy.db-wal"), "r+b") as file:
            if n % 2:
                file.truncate(place)
            else:
                file.seek(place)
                file.write(bytes([log[place] ^ 1 << chance.randrange(8)]))
        found = remembered(world, copy)
        if found != whole:
            assert isinstance(found, Line), (SEED, n, found)
            assert "put its -wal file back, restore a backup, or delete" in found
            copy.with_name("copy.db.lock").unlink()  # as it says: go on with what is there
            assert not isinstance(remembered(world, copy), Line)
        remove(copy)
