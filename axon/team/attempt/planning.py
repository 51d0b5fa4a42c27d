"""Tasks that need no engineer: a plan is asked for, contract files are written as planned."""

from axon.core.plan import SCHEMA, Plan, parse, plan_view, problems
from axon.core.prompts import render
from axon.engines import SessionResult
from axon.errors import AxonError
from axon.ledger import Ledger
from axon.team import workspace as workspaces
from axon.team.attempt.agent import run_agent
from axon.team.attempt.assignment import Assignment
from axon.team.attempt.looking import known, looking
from axon.team.workspace import Workspace

PLAN = "plan"  # the types of such tasks
CONTRACTS = "contracts"
LABEL = "plan-"  # with the identifier of the plan's task
ROUNDS = 3
MAX_TURNS = 80


def plan_of(ledger: Ledger, identifier: str) -> Plan | None:
    """The plan that task has come to, if it has."""
    for event in reversed(ledger.events(identifier=identifier, limit=100_000)):
        if event.action == PLAN:
            return parse(event.data.get("plan"))
    return None


def make_plan(at: Assignment, workspace: Workspace) -> tuple[str, SessionResult | None]:
    """Ask until the plan passes the rules. What is wrong in the end, and the fault, if any."""
    at.enter("planning")
    engine = at.crew.engine()
    goal = at.task.description or at.task.title
    prompt = render(
        "plan_task", at.crew.overrides.prompts, goal=goal, briefing=known(at, workspace)
    )
    resume, wrong = "", ["the planner gave no plan"]
    for _ in range(ROUNDS):
        at.pulse.doing = "planning"
        brief = looking(at, "planner", prompt, SCHEMA, MAX_TURNS, resume)
        _, result = run_agent(at, workspace, engine, brief)
        workspaces.tidy(at.project, workspace)
        plan = parse(result.structured)
        if at.cut_short() or (plan is None and result.fault is not None):
            return "stopped", result
        wrong = problems(plan) if plan else ["the answer is no plan"]
        if plan is not None and not wrong:
            clean = at.redactor.value(plan_view(plan))
            at.record(PLAN, f"{len(plan.tasks)} tasks", plan=clean)
            return "", None
        resume = result.engine_session
        prompt = "The plan cannot be taken as it is:\n" + "\n".join(f"- {line}" for line in wrong)
    return f"no plan passes the rules: {'; '.join(wrong)[:500]}", None


def write_contracts(at: Assignment, workspace: Workspace) -> None:
    """Put the contract files of the plan into the workspace, as they were approved."""
    label = next((name for name in at.task.labels if name.startswith(LABEL)), "")
    plan = plan_of(at.ledger, label.removeprefix(LABEL)) if label else None
    if plan is None:
        raise AxonError(f"{at.task.identifier} belongs to no plan; cancel it")
    root = workspace.path.resolve()
    for contract in plan.contracts:
        path = workspace.path / contract.path
        if path.is_symlink() or not path.parent.resolve().is_relative_to(root):
            raise AxonError(f"contract {contract.path} lies outside the workspace; plan anew")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(contract.content, "utf-8")  # no agent works in here meanwhile
