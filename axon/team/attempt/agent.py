"""Set an agent to work for an attempt: one recorded, metered session with a token of its own."""

import hashlib
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from axon.agents import AgentSpec
from axon.core.inbox import Inbox
from axon.core.playback import tool_line
from axon.core.recorder import Recorder
from axon.core.session import run_session
from axon.engines import Denial, Engine, EngineEvent, SessionRequest, SessionResult, ToolSpec
from axon.errors import EngineFault
from axon.ledger import Session
from axon.mcp.spec import Server
from axon.security.secrets import Redactor
from axon.tasks import task_view
from axon.team.attempt.assignment import Assignment
from axon.team.attempt.watching import Watch
from axon.team.environment import contained, tool_environment
from axon.team.workspace import Workspace
from axon.team.workspace.place import launcher_of, write_atomically


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What one session is to do, beyond what its task says."""

    prompt: str
    fresh: str = ""  # what a new session has to be told instead, when `prompt` goes on with one
    system_prompt: str = ""
    model: str = ""  # empty: the run's
    tools: tuple[str, ...] = ()
    agents: tuple[AgentSpec, ...] = ()
    talk: tuple[ToolSpec, ...] = ()
    inbox: Inbox | None = None  # of the session that works on the task itself
    agent: str = "worker"  # name of the main agent, for what only some may use
    schema: dict[str, Any] | None = None
    resume: str = ""
    max_turns: int | None = None


Saw = Callable[[EngineEvent], None]


def run_agent(
    at: Assignment,
    workspace: Workspace,
    engine: Engine,
    brief: Brief,
    saw: Saw | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> tuple[Session, SessionResult]:
    """Run the session to its end, or until there is `enough` of it.

    What it printed and answered is redacted already.
    """
    token = secrets.token_urlsafe(32)
    session = _session(at, engine, brief)
    token_hash = hashlib.sha256(token.encode()).hexdigest()
    at.ledger.start_session(session, token_hash=token_hash, claim=at.claim)
    at.project.reached("session.started")
    at.redactor = Redactor((*at.crew.secrets, token))
    request, inbox = _request(at, workspace, engine, brief, token), brief.inbox
    with Recorder(at.project.state_dir, session.id, at.redactor.value) as recorder:
        recorder.note("prompt", text=request.prompt)
        watch = Watch(at, workspace, engine, session.id, changes=inbox is not None)

        def seen(event: EngineEvent) -> None:
            recorder.write(event)
            watch.saw(event)
            _keep_up(at, inbox, event)
            if saw is not None:
                saw(event)

        result = run_session(
            engine,
            replace(request, denied=_denied(at, recorder)),
            saw=seen,
            ended=lambda: at.cut_short() or watch.ended() or enough(),
            tend=lambda: _tend(watch, inbox, engine),
        )
        result = _as_the_gateway_saw(at, session, watch.judged(result))
        result = _clean(at.redactor, result)
        recorder.note("result", fault=result.fault, text=result.message or result.text)
    outcome = result.fault or result.ended_by or "finished"
    at.ledger.end_session(
        session.id, outcome=outcome, engine_session=result.engine_session, turns=result.turns
    )
    return session, result


def _clean(redactor: Redactor, result: SessionResult) -> SessionResult:
    return replace(result, message=redactor.text(result.message), text=redactor.text(result.text))


def _tend(watch: Watch, inbox: Inbox | None, engine: Engine) -> None:
    watch.tend()
    if inbox is not None:
        inbox.deliver(engine)


def _denied(at: Assignment, recorder: Recorder) -> Callable[[Denial], None]:
    def denied(denial: Denial) -> None:
        """Into the recording, and before the eyes of whoever watches."""
        recorder.note(
            "denied",
            agent=denial.agent,
            tool=denial.tool,
            call=denial.call,
            input=denial.input,
            text=denial.reason,
        )
        what = at.redactor.text(tool_line(denial.tool, denial.input))
        reason = at.redactor.text(denial.reason)
        at.record("denied", f"{what}: {reason}", tool=denial.tool, agent=denial.agent)

    return denied


def _session(at: Assignment, engine: Engine, brief: Brief) -> Session:
    model = brief.model or at.crew.config.model
    return Session(
        id=f"{at.task.identifier.lower()}-{at.claim.token}-{secrets.token_hex(4)}",
        identifier=at.task.identifier,
        attempt=at.claim.token,
        run=at.crew.run,
        worker=at.claim.worker,
        engine=engine.name,
        model=model if engine.name == "claude" else "",
        max_usd=at.task.max_usd or at.crew.config.max_usd,
        max_tokens=at.crew.config.task_tokens,
        agent=brief.agent,
        started_at=time.time(),
    )


def _request(
    at: Assignment, workspace: Workspace, engine: Engine, brief: Brief, token: str
) -> SessionRequest:
    task, config = at.task, at.crew.config
    news = brief.inbox.opening(engine, workspace.home, brief.resume) if brief.inbox else ""
    task_file = workspace.home / "task.json"
    write_atomically(task_file, json.dumps(task_view(task), ensure_ascii=False))
    environment = tool_environment(config, workspace.home, workspace.temporary)
    if at.crew.gateway_url:
        environment |= {"ANTHROPIC_BASE_URL": at.crew.gateway_url, "ANTHROPIC_API_KEY": token}
        if at.crew.first_party:  # else the CLI leaves out betas, cache marks and headers
            environment["_CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL"] = "1"
    return SessionRequest(
        prompt=f"{brief.prompt}\n\n{news}" if news else brief.prompt,
        system_prompt=brief.system_prompt,
        cwd=workspace.path,
        home=workspace.home,
        temporary=workspace.temporary,
        environment=environment | at.crew.login,
        task_file=task_file,
        identifier=task.identifier,
        title=task.title,
        model=brief.model or config.model,
        tools=brief.tools,
        agents=brief.agents,
        talk=brief.talk,
        servers=_servers(at, brief),
        agent=brief.agent,
        commands=config.policy_commands,
        schema=brief.schema,
        contained=contained(at.project, workspace),
        launcher=launcher_of(at.project, workspace.identifier),
        last_call=brief.inbox.last_call if brief.inbox else None,
        max_turns=brief.max_turns or task.max_turns or config.max_turns,
        max_seconds=60 * (task.max_minutes or config.max_minutes),
        resume=brief.resume,
    )


def _servers(at: Assignment, brief: Brief) -> tuple[Server, ...]:
    """Those for all are for who works on the task; a reviewer gets only what names it."""
    works = brief.inbox is not None
    return tuple(s for s in at.crew.servers if works or (s.agents and s.open_to(brief.agent)))


def _keep_up(at: Assignment, inbox: Inbox | None, event: EngineEvent) -> None:
    """Messages that have arrived, and the session to resume whatever becomes of this process."""
    _show(at, event)
    if inbox is None:
        return
    inbox.saw(event)
    if event.kind == "init" and event.data.get("session_id"):
        at.ledger.note(at.claim, engine_session=str(event.data["session_id"]))


def _show(at: Assignment, event: EngineEvent) -> None:
    """What the worker is doing now, for whoever watches."""
    if event.kind == "tool":
        at.pulse.turns += not event.agent
        line = tool_line(event.tool, event.input)
        at.pulse.doing = f"{event.agent}: {line}" if event.agent else line
    elif event.kind == "text" and event.text.strip():
        at.pulse.doing = event.text.strip().splitlines()[0][:120]


def _as_the_gateway_saw(at: Assignment, session: Session, result: SessionResult) -> SessionResult:
    """The gateway met the model's endpoint itself: its word on what went wrong is exact."""
    if result.fault in (None, EngineFault.TURNS, EngineFault.CONTEXT):
        return result  # the session ended by itself
    for event in reversed(at.ledger.events(identifier=at.task.identifier, limit=10_000)):
        if event.action == "session_fault" and event.data.get("session") == session.id:
            return replace(
                result,
                fault=EngineFault(event.data["fault"]),
                message=event.why or result.message,
                resets_at=event.data.get("resets_at"),
            )
    return result
