"""One attempt at one task: prepare, let the agent work, keep what it did, judge, hand on."""

import hashlib
import json
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from axon.core.playback import tool_line
from axon.core.prompts import continuation_prompt, worker_prompt
from axon.core.recorder import Recorder
from axon.core.session import run_session
from axon.engines import Engine, EngineEvent, SessionRequest, SessionResult
from axon.errors import AxonError, EngineFault
from axon.ledger import Ledger, Session
from axon.security.secrets import Redactor
from axon.tasks import Claim, Task, task_view
from axon.team import workspace as workspaces
from axon.team.changes import changes
from axon.team.crew import Crew
from axon.team.environment import tool_environment
from axon.team.gate import gate_of, run_gate
from axon.team.leash import Leash
from axon.team.project import Project
from axon.team.pulse import Pulse
from axon.team.recipe import set_up
from axon.team.workspace import Broken, Unfinished, Workspace

ENDS_RUN = {EngineFault.AUTH, EngineFault.QUOTA, EngineFault.BUG}
PAUSE_SECONDS = 60.0  # after a rate limit that did not say when it ends


@dataclass(slots=True)
class Attempt:
    """`work()` moves the task on, exactly once, or raises and leaves that to the caller."""

    crew: Crew
    project: Project
    ledger: Ledger
    leash: Leash
    pulse: Pulse
    task: Task
    claim: Claim
    redactor: Redactor = field(init=False)

    def work(self) -> Task | None:
        """The next task when the submit claimed one along."""
        try:
            self.pulse.doing = "preparing the workspace"
            workspace = workspaces.prepare(self.project, self.task)
            self.ledger.note(self.claim, branch=workspace.branch, target=workspace.target)
            set_up(self.project, workspace, self._watch)
            conflicts = [] if self.task.token == 1 else workspaces.update(self.project, workspace)
        except (workspaces.NoRoom, workspaces.Forbidden):
            raise
        except AxonError as error:
            if not self._cut_short():
                self.ledger.fail(self.claim, str(error))
                return None
            self.ledger.release(self.claim, "stopped while preparing")
            return None
        session, result = self._session(workspace, conflicts)
        self.ledger.note(self.claim, engine_session=result.engine_session, result=result.text)
        if self._cut_short():
            self._park(workspace)
            return None
        if result.fault is not None:
            self._faulted(workspace, session, result)
            return None
        return self._judge(workspace, session)

    def soon(self, seconds: float) -> float:
        return time.time() + seconds

    def _watch(self) -> str:
        """Why a command that runs for this attempt must end now, or nothing."""
        if self.pulse.lost.is_set():
            return "the claim was lost"
        return "the run is stopping" if self.leash.stopping.is_set() else ""

    def _cut_short(self) -> bool:
        return bool(self._watch())

    # ── the agent ──

    def _session(self, workspace: Workspace, conflicts: list[str]) -> tuple[Session, SessionResult]:
        engine = self.crew.engine()
        token = secrets.token_urlsafe(32)
        session = Session(
            id=f"{self.task.identifier.lower()}-{self.claim.token}-{secrets.token_hex(4)}",
            identifier=self.task.identifier,
            attempt=self.claim.token,
            run=self.crew.run,
            worker=self.claim.worker,
            engine=engine.name,
            model=self.crew.config.model if engine.name == "claude" else "",
            max_usd=self.task.max_usd or self.crew.config.max_usd,
            started_at=time.time(),
        )
        token_hash = hashlib.sha256(token.encode()).hexdigest()
        self.ledger.start_session(session, token_hash=token_hash, claim=self.claim)
        self.redactor = Redactor((*self.crew.secrets, token))
        request = self._request(engine, workspace, conflicts, token)
        with Recorder(self.project.state_dir, session.id, self.redactor.value) as recorder:
            recorder.note("prompt", text=request.prompt)
            result = run_session(
                engine,
                request,
                saw=lambda event: self._saw(recorder, event),
                ended=self._cut_short,
            )
            result = self._as_the_gateway_saw(session, result)
            clean = self.redactor.text
            result = replace(result, message=clean(result.message), text=clean(result.text))
            recorder.note("result", fault=result.fault, text=result.message or result.text)
        self.ledger.end_session(
            session.id,
            outcome=result.fault or "finished",
            engine_session=result.engine_session,
            turns=result.turns,
        )
        return session, result

    def _request(
        self, engine: Engine, workspace: Workspace, conflicts: list[str], token: str
    ) -> SessionRequest:
        task, config = self.task, self.crew.config
        task_file = workspace.home / "task.json"
        task_file.write_text(json.dumps(task_view(task), ensure_ascii=False), "utf-8", "replace")
        resume = (
            task.engine_session if engine.can_resume(workspace.home, task.engine_session) else ""
        )
        environment = tool_environment(config, workspace.home, workspace.temporary, workspace)
        if self.crew.gateway_url:
            environment |= {
                "ANTHROPIC_BASE_URL": self.crew.gateway_url,
                "ANTHROPIC_API_KEY": token,
            }
        return SessionRequest(
            prompt=self._prompt(workspace, conflicts, resumed=bool(resume)),
            cwd=workspace.path,
            home=workspace.home,
            temporary=workspace.temporary,
            environment=environment | self.crew.login,
            task_file=task_file,
            identifier=task.identifier,
            title=task.title,
            model=config.model,
            max_turns=task.max_turns or config.max_turns,
            max_seconds=60 * (task.max_minutes or config.max_minutes),
            resume=resume,
        )

    def _prompt(self, workspace: Workspace, conflicts: list[str], *, resumed: bool) -> str:
        gate = gate_of(self.crew.config, self.task)
        first = worker_prompt(
            self.task,
            workspace=str(workspace.path),
            branch=workspace.branch,
            target=workspace.target,
            gate=gate,
        )
        if self.task.token == 1 or not (resumed or self.task.error or conflicts):
            return first
        more = continuation_prompt(
            self.task,
            reason=_reason(self.task, conflicts, workspace.target),
            workspace=str(workspace.path),
            branch=workspace.branch,
            state=_state(conflicts, workspace.target),
            gate=gate,
        )
        return more if resumed else f"{first}\n\n{more}"

    def _saw(self, recorder: Recorder, event: EngineEvent) -> None:
        recorder.write(event)
        if event.kind == "tool" and not event.agent:
            self.pulse.turns += 1
        if event.kind == "tool":
            self.pulse.doing = tool_line(event.tool, event.input)
        elif event.kind == "text" and event.text.strip():
            self.pulse.doing = event.text.strip().splitlines()[0][:120]

    def _as_the_gateway_saw(self, session: Session, result: SessionResult) -> SessionResult:
        """The gateway met the model's endpoint itself: its word on what went wrong is exact."""
        if result.fault is None:
            return result
        for event in reversed(self.ledger.events(identifier=self.task.identifier, limit=10_000)):
            if event.action == "session_fault" and event.data.get("session") == session.id:
                return replace(
                    result,
                    fault=EngineFault(event.data["fault"]),
                    message=event.why or result.message,
                    resets_at=event.data.get("resets_at"),
                )
        return result

    # ── after it ──

    def _park(self, workspace: Workspace) -> None:
        """Stopped from outside: keep everything, give the task back."""
        workspaces.keep_wip(self.project, workspace, "stopped")
        halted = bool(self.ledger.run(self.crew.run).halt)  # then the engine could not work
        self.ledger.release(self.claim, "stopped", worked=not halted)

    def _faulted(self, workspace: Workspace, session: Session, result: SessionResult) -> None:
        fault = result.fault
        assert fault is not None
        workspaces.keep_wip(self.project, workspace, fault)
        why = f"{fault}: {result.message}"
        if fault in ENDS_RUN:
            self.ledger.release(self.claim, why, worked=False)
            self.ledger.halt_run(self.crew.run, fault, result.message)
        elif fault is EngineFault.RATE_LIMIT:
            until = result.resets_at or self.soon(PAUSE_SECONDS)
            self.ledger.pause("rate limit", until=until, actor=self.claim.worker)
            self.ledger.release(self.claim, why, worked=False)
        else:
            if fault is EngineFault.CONTEXT:  # that history is full: begin a new one
                self.ledger.note(self.claim, engine_session="")
            final = fault is EngineFault.BUDGET
            self.ledger.fail(self.claim, why, data={"session": session.id}, final=final)

    def _judge(self, workspace: Workspace, session: Session) -> Task | None:
        """The runner decides, never the agent: commit, publish, gate, submit or fail."""
        try:
            self.pulse.doing = "committing"
            commit = workspaces.commit_all(
                self.project, workspace, f"{self.task.identifier}: {self.task.title}"
            )
            workspaces.publish(self.project, workspace)
        except Unfinished as error:
            self.ledger.fail(self.claim, str(error), feedback=error.feedback)
            return None
        except Broken as error:
            self.ledger.fail(self.claim, str(error))
            return None
        found = changes(self.project, workspace, self.task)
        if found.findings:
            self._record("guard", "; ".join(found.findings), findings=list(found.findings))
        gate = gate_of(self.crew.config, self.task)
        if gate and not self._gate(gate, workspace, session):
            return None
        if self._cut_short():
            self.ledger.submit(self.claim, commit=commit, verified=bool(gate))
            return None
        _, following = self.ledger.submit_and_claim(
            self.claim,
            commit=commit,
            verified=bool(gate),
            lease_seconds=self.crew.config.lease_seconds,
        )
        return following

    def _gate(self, command: str, workspace: Workspace, session: Session) -> bool:
        """Whether it passed; when not, the task has been given back with its output."""
        self.pulse.doing = f"gate: {command}"
        log = Path("sessions", f"{session.id}.gate.log")
        result = run_gate(
            command,
            cwd=workspace.path,
            environment=tool_environment(
                self.crew.config, workspace.home, workspace.temporary, workspace
            ),
            seconds=60 * self.crew.config.gate_minutes,
            log=self.project.state_dir / log,
            watch=self._watch,
        )
        _redact_file(self.project.state_dir / log, self.redactor)
        if result.stopped:
            self._park(workspace)
            return False
        self._record(
            "gate",
            self.redactor.text(result.why),
            passed=result.passed,
            code=result.code,
            seconds=round(result.seconds, 3),
            where="workspace",
            log=str(log),
        )
        if not result.passed:
            clean = self.redactor.text
            self.ledger.fail(
                self.claim, clean(f"gate: {result.why}"), feedback=clean(result.output)
            )
        return result.passed

    def _record(self, action: str, why: str, **data: Any) -> None:
        self.ledger.record(
            action,
            actor=self.claim.worker,
            identifier=self.task.identifier,
            run=self.crew.run,
            why=why,
            data=data,
        )


def _redact_file(path: Path, redactor: Redactor) -> None:
    """The log was written by the command itself; it is small (gate.py bounds it)."""
    with suppress(FileNotFoundError):
        path.write_text(redactor.text(path.read_text("utf-8", "replace")), "utf-8", "replace")


def _reason(task: Task, conflicts: list[str], target: str) -> str:
    if conflicts:
        return (
            f"`{target}` has moved on and changed the same lines as your branch. A merge of "
            f"`{target}` into your branch has been started in the workspace; conflict markers "
            f"stand in: {', '.join(conflicts)}. Resolve them so that the intent of both sides is "
            "kept, then conclude the merge with a commit."
        )
    if task.feedback:
        return f"Your work was not accepted: {task.error}. What was printed:"
    cause = task.error or "the run was stopped"
    return f"Your last session was cut short ({cause}). Go on from there."


def _state(conflicts: list[str], target: str) -> str:
    if conflicts:
        return f"The merge of `{target}` is still open (see git status)."
    return f"The newest `{target}` has been merged into it."
