"""An agent that hangs, or goes round in circles, is told from one that works, and ended."""

from axon.core.liveness import Circles, Evidence, Vitals
from axon.engines import EngineEvent
from tests.drive import Axon
from tests.test_team import add, shell


def seen(events: int = 0, cpu: float = 0.0, files: tuple[int, ...] = ()) -> Evidence:
    return Evidence(events=events, cpu_seconds=cpu, files=files)


def test_silence_is_nudged_then_interrupted() -> None:
    vitals = Vitals(100, now=0)
    assert [vitals.look(seen(), t) for t in (50, 99, 100, 120, 149, 150)] == [
        "", "", "nudge", "", "", "interrupt",
    ]  # fmt: skip


def test_every_sign_of_life_counts() -> None:
    for sign in (seen(events=1), seen(cpu=30), seen(files=(7,))):
        vitals = Vitals(100, now=0)
        assert vitals.look(sign, 90) == ""
        assert vitals.look(sign, 180) == "", "the silence began at 90"
        assert vitals.look(sign, 190) == "nudge"


def test_a_waiting_program_uses_some_time_and_is_no_sign_of_life() -> None:
    vitals = Vitals(100, now=0)
    steps = [vitals.look(seen(cpu=t * 0.005), t) for t in range(0, 160, 10)]
    assert "nudge" in steps and "interrupt" in steps


def test_nudges_are_not_endless() -> None:
    vitals, now = Vitals(100, now=0), 0.0
    for number in range(1, 4):
        assert vitals.look(seen(events=number - 1), now) == ""
        assert vitals.look(seen(events=number - 1), now + 100) == "nudge"
        now += 110
        assert vitals.look(seen(events=number), now) == "", "it answered"
    assert vitals.look(seen(events=3), now + 100) == "interrupt"


def call(circles: Circles, output: str, *, error: bool = True, command: str = "make") -> None:
    circles.saw(EngineEvent(kind="tool", tool="Bash", call="c", input={"command": command}))
    data = {"is_error": True} if error else {}
    circles.saw(EngineEvent(kind="tool_result", call="c", output=output, data=data))


def test_the_same_error_again_and_again_is_a_circle() -> None:
    circles = Circles(same_errors=3, idle_turns=100)
    for output in ("no such file", "no such file", "another error", "no such file"):
        call(circles, output)
    assert not circles.reason
    call(circles, "fine", error=False)
    for _ in range(3):
        call(circles, "no such file")
    assert circles.reason.startswith("the same error 3 times in a row: Bash")


def test_turns_without_change_are_a_circle() -> None:
    circles = Circles(same_errors=3, idle_turns=10)
    for n in range(9):
        call(circles, str(n), error=False, command=str(n))
    assert circles.reason == ""
    call(circles, "x", error=False)
    said = circles.reason
    assert said == "10 turns without any change of the work"


# ── from the built file ──

STALL = {"stall_minutes": 0.03, "max_attempts": 2, "backoff_seconds": 0.1}


def test_a_hanging_agent_is_ended_and_tried_again(axon: Axon) -> None:
    axon.make_repository()
    shell(axon, limits=dict(STALL))
    add(axon, "hangs", "echo x >> x; test $(wc -l < x) = 2 || exec sleep 1000", "--check", "true")
    axon.ok("team", "--workers", "1")
    task = axon.json("task", "show", "ENG-1")
    assert (task["state"], task["attempts"], task["failures"]) == ("done", 2, 1)
    actions = [e["action"] for e in task["events"]]
    assert actions.index("stall_nudged") < actions.index("stall_interrupted")
    assert "no sign of life" in str([e["why"] for e in task["events"] if e["action"] == "fail"])
    assert not axon.processes()


def test_an_agent_that_computes_in_silence_is_left_alone(axon: Axon) -> None:
    axon.make_repository()
    shell(axon, limits=dict(STALL))
    busy = "python3 -c 'import time; e = time.time() + 5\nwhile time.time() < e: pass'; echo x > x"
    add(axon, "computes", busy, "--check", "test -s x")
    axon.ok("team", "--workers", "1")
    assert axon.task("ENG-1")["attempts"] == 1


def test_an_agent_that_goes_round_in_circles_is_ended(axon: Axon) -> None:
    axon.make_repository()
    said = (
        '{"kind": "tool", "tool": "Bash", "call": "c", "input": {"command": "make"}}\n'
        '{"kind": "tool_result", "call": "c", "output": "no rule", "is_error": true}\n'
    )
    (axon.root / "circle").write_text(said)
    axon.git("add", "-A")
    axon.git("commit", "-qm", "what it says")
    command = "while cat circle; do sleep 0.05; done"
    axon.configure(
        engine={"name": "command", "command": command},
        limits={"same_errors": 4, "max_attempts": 1},
    )
    axon.ok("task", "add", "circles", "--check", "true")
    assert axon("team", "--workers", "1").returncode == 1
    error = axon.task("ENG-1")["error"]
    assert "went round in circles: the same error 4 times in a row: Bash" in error
