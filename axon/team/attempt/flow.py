"""The course of one attempt, from the workspace to the move that ends it."""

from dataclasses import dataclass

from axon.engines import EngineEvent, SessionResult
from axon.errors import AxonError, EngineFault
from axon.tasks import Task
from axon.team import tape
from axon.team import workspace as workspaces
from axon.team.attempt.assignment import Assignment, crowded, soon
from axon.team.attempt.briefs import brief_of
from axon.team.attempt.handing import work_through
from axon.team.attempt.judge import Verdict, commit_work, look, run_the_gate
from axon.team.attempt.phases import (
    WAITS_FOR_PARTS,
    ResumePoint,
    advanced,
    phase_of,
    resume_point,
)
from axon.team.attempt.planning import CONTRACTS, PLAN, make_plan, write_contracts
from axon.team.attempt.reviewing import doubtful, needs_review, rounds_refused, run_the_review
from axon.team.gate import gate_of
from axon.team.recipe import SetupFailed, set_up
from axon.team.workspace import Broken, Unfinished, Workspace

ENDS_RUN = {EngineFault.AUTH, EngineFault.QUOTA, EngineFault.BUG}
PAUSE_SECONDS = 60.0  # after a rate limit that did not say when it ends


@dataclass(slots=True)
class Attempt:
    """`work()` moves the task on, exactly once, or raises and leaves that to the caller."""

    at: Assignment
    _reached: str = ""

    def work(self) -> Task | None:
        """The next task when the submit claimed one along."""
        at = self.at
        point = resume_point(at.ledger.events(identifier=at.task.identifier, limit=100_000))
        try:
            at.pulse.doing = "preparing the workspace"
            workspace = workspaces.prepare(at.project, at.task)
            at.ledger.note(at.claim, branch=workspace.branch, target=workspace.target)
            set_up(at.project, workspace, at.watch)
            done = point.commit == workspaces.tip(at.project, workspace)
            again = at.task.token > 1 and not done
            conflicts = workspaces.update(at.project, workspace) if again else []
            if not done:
                tape.begun(at.crew, at.project, at.ledger, at.task)
        except (workspaces.NoRoom, workspaces.Forbidden):
            raise
        except AxonError as error:
            self._unprepared(error)
            return None
        if done:
            return self._judge(workspace, point, at.task.identifier.lower())
        if at.task.type == PLAN:
            return self._plan(workspace)
        if at.task.type == CONTRACTS:
            return self._contracts(workspace)
        return self._with_agent(workspace, conflicts)

    def _unprepared(self, error: AxonError) -> None:
        at = self.at
        output = error.result.output if isinstance(error, SetupFailed) else ""
        if at.cut_short():
            at.ledger.release(at.claim, "stopped while preparing")
        else:
            clean = at.redactor.text
            self._fail(clean(str(error)), clean(output))

    def _fail(self, why: str, feedback: str = "") -> None:
        """NoRoom instead, when a full disk may be the reason: then it is nobody's failure."""
        workspaces.check_room(self.at.project)
        self.at.ledger.fail(self.at.claim, why, feedback=feedback)

    def _plan(self, workspace: Workspace) -> Task | None:
        wrong, result = make_plan(self.at, workspace)
        if self.at.cut_short():
            self._park(workspace)
        elif result is not None:
            self._faulted(workspace, result)
        elif wrong:
            self._fail(wrong)
        else:
            return self._submit(workspace.base)
        return None

    def _contracts(self, workspace: Workspace) -> Task | None:
        try:
            write_contracts(self.at, workspace)
            commit = commit_work(self.at, workspace)
        except (OSError, AxonError) as error:
            self._fail(str(error))
            return None
        return self._judge(workspace, ResumePoint(commit=commit), self.at.task.identifier.lower())

    def _with_agent(self, workspace: Workspace, conflicts: list[str]) -> Task | None:
        at = self.at
        engine = at.crew.engine()
        brief = brief_of(at, workspace, engine, conflicts)
        session, result = work_through(at, workspace, engine, brief, self._saw)
        if result.ended_by:  # a question, or the agent gave it up: the ledger has that already
            workspaces.keep_wip(at.project, workspace, result.ended_by)
            return None
        at.ledger.note(at.claim, engine_session=result.engine_session, result=result.text)
        if at.cut_short():
            self._park(workspace)
            return None
        if result.fault is not None:
            self._faulted(workspace, result)
            return None
        try:
            commit = commit_work(at, workspace)
        except (Unfinished, Broken) as error:
            self._fail(str(error), getattr(error, "feedback", ""))
            return None
        if at.ledger.task(at.task.identifier).blocked:  # it was split: the whole is judged later
            at.ledger.release(at.claim, WAITS_FOR_PARTS)
            return None
        return self._judge(workspace, ResumePoint(commit=commit), session.id)

    def _saw(self, event: EngineEvent) -> None:
        phase = phase_of(event, gate_of(self.at.crew.config, self.at.task))
        if phase and advanced(self._reached, phase):
            self._reached = phase
            self.at.enter(phase)

    def _judge(self, workspace: Workspace, point: ResumePoint, session: str) -> Task | None:
        """Gate, then review, then submit; what has been passed before is not asked again."""
        at = self.at
        found = look(at, workspace)
        verdict = Verdict(passed=True)
        if not point.judged:
            workspaces.tidy(at.project, workspace)
            verdict = run_the_gate(at, workspace, point.commit, session)
            workspaces.tidy(at.project, workspace)
        if verdict.passed and not point.reviewed:
            doubts = doubtful(at, found)
            if needs_review(at, found, doubts):
                verdict = run_the_review(at, workspace, at.crew.engine(), point.commit, found)
                if not verdict.passed and self._must_ask(verdict):
                    return None
            elif doubts:
                self._ask_about(doubts)
                return None
        if verdict.stopped:
            self._park(workspace)
        elif verdict.ended is not None:
            self._faulted(workspace, verdict.ended)
        elif not verdict.passed:
            self._fail(verdict.why, verdict.feedback)
        else:
            return self._submit(point.commit)
        return None

    def _must_ask(self, verdict: Verdict) -> bool:
        """Whether a person was asked, for agents do not come to an end by themselves."""
        at = self.at
        if verdict.stopped or verdict.ended is not None:
            return False
        events = at.ledger.events(identifier=at.task.identifier, limit=100_000)
        refusals = rounds_refused(events)
        if verdict.feedback and refusals <= at.crew.config.review_rounds:
            return False
        at.ledger.ask(
            at.claim,
            f"{verdict.why}. Refused {refusals} times: answer approve to land it as it is, "
            f"or say what is to be done.\n{verdict.feedback}".strip(),
        )
        return True

    def _ask_about(self, doubts: list[str]) -> None:
        """What the guard found, and no reviewer can clear, is for a person to judge."""
        said = self.at.redactor.text("; ".join(doubts))
        what = "answer approve to land it as it is, or say what is to be done"
        self.at.ledger.ask(self.at.claim, f"A guard found: {said}; {what}.")

    def _submit(self, commit: str) -> Task | None:
        at = self.at
        verified = bool(gate_of(at.crew.config, at.task))
        at.project.reached("submit.before")
        full = crowded(at.ledger, at.crew.config.max_review - 1)  # with this one
        if full or at.cut_short() or at.crew.order or at.crew.max_iterations is not None:
            at.ledger.submit(at.claim, commit=commit, verified=verified)
            return None
        lease = at.crew.config.lease_seconds
        following = at.ledger.submit_and_claim(
            at.claim, commit=commit, verified=verified, lease_seconds=lease
        )
        at.project.reached("submitted")
        return following

    def _park(self, workspace: Workspace) -> None:
        """Stopped from outside: keep everything, give the task back."""
        at = self.at
        workspaces.keep_wip(at.project, workspace, "stopped")
        if not at.cut_short():  # its check was, for others have filled the disk
            workspaces.check_room(at.project)
        halted = bool(at.ledger.run(at.crew.run).halt)  # then the engine could not work
        at.ledger.release(at.claim, "stopped", worked=not halted)

    def _faulted(self, workspace: Workspace, result: SessionResult) -> None:
        at, fault = self.at, result.fault
        assert fault is not None
        workspaces.keep_wip(at.project, workspace, fault)
        why = f"{fault}: {result.message}"
        if fault in ENDS_RUN:
            at.ledger.release(at.claim, why, worked=False)
            at.ledger.halt_run(at.crew.run, fault, result.message)
        elif fault is EngineFault.BUDGET:
            self._spent(result)
        elif fault is EngineFault.RATE_LIMIT:
            until = result.resets_at or soon(PAUSE_SECONDS)
            at.ledger.pause("rate limit", until=until, actor=at.claim.worker)
            at.ledger.release(at.claim, why, worked=False)
        else:
            if fault is EngineFault.CONTEXT:  # that history is full: begin a new one
                at.ledger.note(at.claim, engine_session="")
            self._fail(why)

    def _spent(self, result: SessionResult) -> None:
        """Of a spent run or day the gateway has told everybody; a task's own is the task's end."""
        at, why = self.at, f"{result.fault}: {result.message}"
        if self._run_is_spent():
            at.ledger.release(at.claim, why)
            at.ledger.halt_run(at.crew.run, EngineFault.BUDGET, result.message)
        elif at.ledger.run(at.crew.run).halt or at.ledger.paused():
            at.ledger.release(at.claim, why)
        elif at.crew.config.budget_then == "ask":
            at.ledger.ask(
                at.claim,
                f"{result.message}. Any answer allows as much again; axon task cancel "
                f"{at.task.identifier} ends it.",
            )
        else:
            at.ledger.fail(at.claim, why, final=True)

    def _run_is_spent(self) -> bool:
        run = self.at.ledger.run(self.at.crew.run)
        if self.at.crew.gateway_url:  # it has seen to that
            return False
        return run.max_usd is not None and self.at.ledger.spent(run=run.id) >= run.max_usd
