"""The claude engine alone: the real SDK and CLI, a played model on loopback."""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from axon.agents import AgentSpec
from axon.engines import EngineEvent, SessionRequest, SessionResult, ToolSpec
from axon.engines.claude import ClaudeEngine
from axon.errors import EngineFault, Forbidden, StaleClaim
from axon.mcp.spec import Server
from tests.drive import wait_for

ROOT = Path(__file__).resolve().parent.parent
Turn = dict[str, Any]


def bundled_cli() -> Path:
    found = importlib.util.find_spec("claude_agent_sdk")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent / "_bundled" / "claude"


@dataclass
class Stage:
    """A played model, and sessions that talk to it."""

    folder: Path
    engine: ClaudeEngine
    events: list[EngineEvent] = field(default_factory=list)
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    url: str = ""

    def play(self, *turns: Turn, agents: dict[str, list[Turn]] | None = None) -> None:
        task = {"title": "The work", "turns": list(turns), "agents": agents or {}}
        script = self.folder / "script.json"
        script.write_text(json.dumps({"tasks": [task]}))
        words = ["--script", str(script), "--log", str(self.folder / "log")]
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "fake_model.py"), *words],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        assert process.stdout is not None
        self.url = f"http://127.0.0.1:{process.stdout.readline().strip()}"

    def requests(self) -> list[dict[str, Any]]:
        lines = (self.folder / "log").read_text().splitlines()
        return [r for r in map(json.loads, lines) if "turn" in r and r["tools"]]

    def request(self, **more: Any) -> SessionRequest:
        for name in ("work", "home", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)
        environment = {
            "PATH": os.environ["PATH"],
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": "sk-ant-loopback",
        }
        request = SessionRequest(
            prompt="Do The work",
            cwd=self.folder / "work",
            home=self.folder / "home",
            temporary=self.folder / "tmp",
            environment=environment,
            task_file=self.folder / "task.json",
            identifier="ENG-1",
            title="The work",
            model="haiku",
            tools=("Bash",),
            max_turns=20,
        )
        return replace(request, **more)

    def run(self, saw: Callable[[EngineEvent], None] = print, **more: Any) -> SessionResult:
        return asyncio.run(self._run(self.request(**more), saw))

    async def _run(
        self, request: SessionRequest, saw: Callable[[EngineEvent], None]
    ) -> SessionResult:
        running: Any = self.engine.run(request)
        async with asyncio.timeout(60), aclosing(running) as items:
            async for item in items:
                if isinstance(item, SessionResult):
                    return item
                self.events.append(item)
                saw(item)
        raise AssertionError("no result")

    def results(self) -> str:
        return json.dumps([e.output for e in self.events if e.kind == "tool_result"])


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    found = Stage(tmp_path, ClaudeEngine(bundled_cli()))
    yield found
    for process in found.processes:
        process.kill()
        process.communicate()


def calls(name: str, **given: Any) -> Turn:
    return {"text": "I call it.", "tools": [{"name": name, "input": given}]}


def bash(command: str, **more: Any) -> Turn:
    return calls("Bash", command=command, description="work") | more


def tool(name: str, answer: Any, **more: Any) -> ToolSpec:
    async def call(arguments: dict[str, Any]) -> str:
        if isinstance(answer, Exception):
            raise answer
        return f"{answer} {arguments['text']}"

    schema = {
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
    }
    return ToolSpec(name=name, description=name, schema=schema, call=call, **more)


def test_a_tool_of_axons_own_is_there_and_its_errors_are_told(stage: Stage) -> None:
    stage.play(
        calls("mcp__axon__say", text="hello"),
        calls("mcp__axon__refuse", text="x"),
        calls("mcp__axon__say", number=1),
        {"text": "Done."},
    )
    talk = (tool("say", "You said"), tool("refuse", Forbidden("not now; try later")))

    result = stage.run(talk=talk)

    assert (result.fault, result.text, result.turns) == (None, "Done.", 4)
    assert {"mcp__axon__say", "mcp__axon__refuse"} <= set(stage.requests()[0]["tools"])
    said = stage.results()
    assert "You said hello" in said and "not now; try later" in said
    assert "'text' is a required property" in said


def test_a_tool_may_end_the_session_which_can_be_resumed(stage: Stage) -> None:
    stage.play(calls("mcp__axon__ask", text="which?"), {"text": "Then I take it."})
    asked = stage.run(talk=(tool("ask", "Asked:", ends=True),))

    assert (asked.fault, asked.ended_by) == (None, "ask")
    assert len(stage.requests()) == 1, "nothing is asked of the model after it"
    home = stage.folder / "home"
    assert stage.engine.can_resume(home, asked.engine_session)

    answered = stage.run(prompt="Take the first.", resume=asked.engine_session)

    assert (answered.fault, answered.text) == (None, "Then I take it.")
    assert answered.engine_session == asked.engine_session
    assert "Take the first." in stage.requests()[-1]["said"]
    assert stage.engine.heard(home, asked.engine_session, "the first")
    assert not stage.engine.heard(home, asked.engine_session, "Asked:"), "that is a tool's word"


def test_a_lost_claim_ends_the_session(stage: Stage) -> None:
    stage.play(calls("mcp__axon__say", text="x"), bash("sleep 60"))
    result = stage.run(talk=(tool("say", StaleClaim("the claim was lost")),))
    assert result.fault is EngineFault.CRASHED and "the claim was lost" in stage.results()


def test_a_message_reaches_the_running_model_once(stage: Stage) -> None:
    stage.play(bash("echo begun; sleep 1"), bash("echo two"), {"text": "Done."})

    def saw(event: EngineEvent) -> None:
        if event.kind == "tool" and "begun" in str(event.input):
            assert stage.engine.say("Use tabs, please.")

    assert not stage.engine.say("too early")
    result = stage.run(saw)

    assert result.fault is None and not stage.engine.say("too late")
    messages = [e for e in stage.events if e.kind == "message"]
    assert [m.text for m in messages] == ["", "Use tabs, please."], "the prompt, then that"
    said = [sum("Use tabs, please." in text for text in r["said"]) for r in stage.requests()]
    assert said == [0, 1, 1]
    assert stage.engine.heard(stage.folder / "home", result.engine_session, "tabs, please")


def test_a_message_at_the_very_end_is_still_heard(stage: Stage) -> None:
    stage.play({"text": "Done.", "delay_seconds": 1}, {"text": "Then tabs."})

    def saw(event: EngineEvent) -> None:
        if event.text == "Done.":
            assert stage.engine.say("Use tabs.")

    result = stage.run(saw)
    assert (result.fault, result.text, result.turns) == (None, "Then tabs.", 2)


def test_the_last_call_is_asked_until_it_is_silent(stage: Stage) -> None:
    stage.play({"text": "Done."}, {"text": "Really."}, {"text": "Yes."})
    calls = ["Sure?", "Really sure?"]
    result = stage.run(last_call=lambda: calls.pop(0) if calls else "")
    assert (result.text, len(stage.requests())) == ("Yes.", 3)


CODER = AgentSpec(
    name="coding", description="writes code", prompt="You write code.", tools=("Bash",)
)


def test_a_subagent_does_the_work(stage: Stage) -> None:
    delegate = calls("Agent", subagent_type="coding", description="do it", prompt="Write a file")
    stage.play(
        delegate,
        {"text": "All done."},
        agents={"coding": [bash("echo sub > sub.txt"), {"text": "Written."}]},
    )
    result = stage.run(agents=(CODER,))

    assert (result.fault, result.text) == (None, "All done.")
    assert (stage.folder / "work" / "sub.txt").read_text() == "sub\n"
    done = next(e for e in stage.events if e.kind == "tool" and e.tool == "Bash")
    assert done.agent == "coding"
    main, sub = stage.requests()[:2]
    assert "Agent" in main["tools"] and "Agent" not in sub["tools"]
    assert "general-purpose" not in json.dumps(main["said"]), "only agents of the request"


def test_each_has_its_own_tools_and_words(stage: Stage) -> None:
    delegate = calls("Agent", subagent_type="coding", description="do it", prompt="Write a file")
    write = calls("Write", file_path=str(stage.folder / "work" / "main.txt"), content="main")
    myself = calls("Agent", subagent_type="lead", description="again", prompt="Do it again")
    stage.play(
        calls("mcp__axon__say", text="it is mine"),
        write,
        myself,
        delegate,
        {"text": "All done."},
        agents={"coding": [bash("echo sub > sub.txt"), calls("mcp__axon__say", text="its own")]},
    )
    more: dict[str, Any] = {
        "agents": (CODER,),
        "tools": ("Read", "Agent", "mcp__axon__say"),
        "agent": "lead",
        "system_prompt": "You are the lead.",
        "talk": (tool("say", "heard"),),
    }
    result = stage.run(**more)

    assert (result.fault, result.text) == (None, "All done.")
    assert (stage.folder / "work" / "sub.txt").exists(), "the subagent has what the main one lacks"
    assert not (stage.folder / "work" / "main.txt").exists()
    said = stage.results()
    assert "heard it is mine" in said and "heard its own" not in said
    assert "Agent type 'lead' not found" in said, "it cannot call itself"
    placeholder = {"DeferredToolPlaceholder"}  # the CLI's own, it does nothing
    mine = {"Agent", "Read", "mcp__axon__say"}
    assert set(stage.requests()[0]["tools"]) - placeholder == mine

    before = len(stage.requests())
    result = stage.run(resume=result.engine_session, **more)
    assert result.fault is None
    assert set(stage.requests()[before]["tools"]) - placeholder == mine, "also when resumed"


def test_a_subagent_may_end_the_session_too(stage: Stage) -> None:
    delegate = calls("Agent", subagent_type="coding", description="do it", prompt="Write a file")
    stage.play(
        delegate,
        bash("echo going on > on.txt; sleep 60"),
        agents={"coding": [calls("mcp__axon__ask", text="which?"), {"text": "Asked."}]},
    )
    coder = replace(CODER, tools=("Bash", "mcp__axon__ask"))
    result = stage.run(agents=(coder,), talk=(tool("ask", "Asked:", ends=True),))
    assert (result.fault, result.ended_by) == (None, "ask")


SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}


def test_a_structured_answer(stage: Stage) -> None:
    stage.play(calls("StructuredOutput", ok=True))
    result = stage.run(schema=SCHEMA)
    assert (result.fault, result.structured) == (None, {"ok": True})


def test_words_are_no_structured_answer(stage: Stage) -> None:
    stage.play({"text": "It is fine."}, {"text": "As I said."})
    result = stage.run(schema=SCHEMA)
    assert result.fault is EngineFault.REFUSED and result.structured is None


def remote(*words: str, **more: Any) -> Server:
    environment = {"PATH": os.environ["PATH"], "TOLD": "a secret"}
    args = (str(ROOT / "tests" / "remote_server.py"), *words)
    return Server(name="other", command=sys.executable, args=args, env=environment, **more)


def test_another_server_is_relayed_to_those_who_may_use_it(stage: Stage) -> None:
    delegate = calls("Agent", subagent_type="coding", description="do it", prompt="Use the tool")
    stage.play(
        delegate,
        calls("mcp__other__echo", text="from main"),
        {"text": "Done."},
        agents={"coding": [calls("mcp__other__echo", text="from sub"), {"text": "Used."}]},
    )
    result = stage.run(agents=(CODER,), servers=(remote(agents=("coding",)),))
    assert result.fault is None, result
    said = stage.results()
    assert "from sub a secret" in said and "from main a secret" not in said
    assert "No such tool available" in said
    transcripts = (stage.folder / "home").rglob("*.json*")
    assert all("TOLD" not in path.read_text() for path in transcripts)


def test_a_worker_may_not_use_what_is_for_others(stage: Stage) -> None:
    stage.play(calls("mcp__other__echo", text="from main"), {"text": "Done."})
    coding = remote(agents=("coding",))
    stage.run(servers=(coding, replace(coding, name="mine", agents=("worker",))))
    assert "from main a secret" not in stage.results()


def test_a_server_that_dies_is_an_error_and_no_end(stage: Stage) -> None:
    stage.play(calls("mcp__other__leave"), calls("mcp__other__echo", text="x"), {"text": "Done."})
    result = stage.run(servers=(remote(),))
    assert (result.fault, result.text) == (None, "Done.")
    assert stage.results().count("MCP server other") == 2


def test_a_server_that_is_missing_is_told_and_the_session_goes_on(stage: Stage) -> None:
    stage.play({"text": "Done."})
    result = stage.run(servers=(Server(name="gone", command="/nonexistent/server"),))
    assert result.text == "Done."
    assert any("MCP server gone" in e.text for e in stage.events if e.kind == "notice")


def test_no_process_is_left(stage: Stage) -> None:
    stage.play(bash("echo begun; sleep 30"))

    def saw(event: EngineEvent) -> None:
        if event.kind == "tool":
            stage.engine.interrupt()

    result = stage.run(saw, servers=(remote("--stubborn"),))
    assert result.fault is EngineFault.CRASHED
    mark = str(ROOT / "tests" / "remote_server.py")
    wait_for(lambda: not [p for p in _commands() if mark in p and "--stubborn" in p], 15)


def _commands() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return found
