"""The key of the endpoint is nowhere an agent could look: the real CLI, a whole run."""

import os
from pathlib import Path

from tests.drive import wait_for
from tests.test_claude import KEY, Stage, bash, says, stage

__all__ = ["stage"]


def test_no_process_file_recording_or_log_holds_the_key(stage: Stage) -> None:
    """But the coordinator's own environment, as the person's shell gave it."""
    commit = bash("echo a > a.txt; git add -A; git commit -qm a", delay_seconds=2.0)
    model = stage.play({"a": [bash("env; sleep 1"), commit, says("x")]})
    tape = stage.axon.root.parent / "tape.jsonl"
    team = stage.axon.start("team", "--workers", "1", "--record", str(tape))
    wait_for(model.log.exists, 90)  # the agent is at work

    others = [pid for pid in stage.axon.processes() if pid != team.pid]
    assert len(others) >= 3
    for pid in others:
        assert KEY.encode() not in told(pid), Path(f"/proc/{pid}/cmdline").read_bytes()

    out, err = team.communicate(timeout=90)
    assert team.returncode == 0, err
    assert KEY not in out + err
    assert '"task": "ENG-1"' in tape.read_text()
    for path in (tape, *stage.axon.root.rglob("*")):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
    names = {request["headers"]["x-api-key"] for request in model.requests() if request["tools"]}
    assert names == {KEY}


def told(pid: int) -> bytes:
    """What /proc lets another process of this user read of it."""
    found = b""
    for name in ("environ", "cmdline"):
        try:
            found += Path(f"/proc/{pid}/{name}").read_bytes()
        except OSError:  # it has ended meanwhile
            assert not os.path.exists(f"/proc/{pid}") or pid != os.getpid()
    return found
