"""Many tasks in one ledger: what a claim costs must not grow with them."""

import time
from contextlib import closing
from pathlib import Path

from axon.ledger import open_ledger
from axon.tasks import Claim, Draft


def test_thousands_that_collide_are_looked_at_once(tmp_path: Path) -> None:
    shared = "CHANGES.md"
    with closing(open_ledger(f"file:{tmp_path / 'ledger.db'}", create=True)) as ledger:
        ledger.add([Draft(title="runs", paths=(shared,))])
        first = ledger.claim(worker="one", run="", lease_seconds=60)
        assert first is not None
        crowd = [Draft(title=f"c{n}", paths=(f"src/{n}.py", shared)) for n in range(3000)]
        ledger.add([*crowd, Draft(title="free", paths=("docs/a.md",))])
        free = ledger.claim(worker="two", run="", lease_seconds=60)
        assert free is not None and free.title == "free"

        begun = time.process_time()
        for _ in range(20):
            assert ledger.claim(worker="two", run="", lease_seconds=60) is None
        assert time.process_time() - begun < 20 * 0.02  # looked at anew: 60 ms each

        ledger.edit(["ENG-9"], {"paths": ("docs/b.md",)})
        edited = ledger.claim(worker="two", run="", lease_seconds=60)
        assert edited is not None and edited.identifier == "ENG-9"
        ledger.release(Claim(identifier="ENG-1", token=1, worker="one", run=""), "enough")
        again = ledger.claim(worker="two", run="", lease_seconds=60)
        assert again is not None and again.identifier == "ENG-1"
        assert ledger.claim(worker="three", run="", lease_seconds=60) is None
        assert ledger.check() == []
