"""Let a planner cut a goal into tasks that a team can work at the same time."""

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from axon.commands import add_json, ledger_of, print_json, read_task_file
from axon.commands.team import FILE_SUFFIXES, add_options
from axon.config import Config
from axon.core.plan import Plan, drafts, graph_lines, plan_view
from axon.errors import AxonError, UsageError
from axon.ledger import Ledger
from axon.tasks import Draft, Priority, State, Task
from axon.tasks.text import shortened


def configure(parser: ArgumentParser) -> None:
    add_options(parser, "PLAN.md", "a file that says what is wanted, or the goal in words")
    parser.add_argument("--from-tasks", metavar="ID", help="split this task of the ledger instead")
    parser.add_argument("--yes", action="store_true", help="add the tasks without asking")
    add_json(parser)


def run(args: Namespace, config: Config) -> int:
    ledger = ledger_of(config, create=True)
    goal, parent = _goal(args, ledger)
    plan, task = make(config, ledger, goal, skip_preflight=args.skip_preflight)
    if args.json:
        print_json({"task": task.identifier, "plan": plan_view(plan)})
    else:
        print("\n".join(graph_lines(plan)))
    if not args.yes and not _agreed(plan):
        said = "nothing added; axon team --plan with the same words takes this plan"
        print(said, file=sys.stderr)
        return 0
    added = add(ledger, plan, task, parent, config)
    if not args.json:
        print(f"added {', '.join(t.identifier for t in added)}; axon team works them")
    return 0


def make(
    config: Config, ledger: Ledger, goal: str, *, skip_preflight: bool, again: bool = True
) -> tuple[Plan, Task]:
    """Run the planner as a task of its own: metered, recorded and resumable like any other.

    Unless `again`, a plan that was made of this goal before is taken.
    """
    from axon.team.attempt.planning import plan_of
    from axon.team.roles import Mode
    from axon.team.start import run_team

    task = _task_for(goal, ledger, config, again)
    plan = plan_of(ledger, task.identifier) if task.state is State.DONE else None
    if plan is not None:
        return plan, task
    alone = replace(config, workers=1, max_tasks=1)
    mode = Mode(only=task.identifier, skip_preflight=skip_preflight)
    code = run_team(alone, [], json=False, stream=sys.stderr, mode=mode)  # the plan is the result
    plan = plan_of(ledger, task.identifier)
    if plan is None or ledger.task(task.identifier).state is not State.DONE:
        why = ledger.task(task.identifier).error or "the run ended before"
        if code == 130:
            raise KeyboardInterrupt
        raise AxonError(f"no plan was made: {why}; axon logs {task.identifier} tells more")
    return plan, task


def add(ledger: Ledger, plan: Plan, task: Task, parent: str, config: Config) -> list[Task]:
    """The tasks of a plan, all or none, and once; the task that was split becomes their parent."""
    label = f"plan-{task.identifier}"
    if known := ledger.tasks(label=label):
        return known
    found = drafts(plan, label=label)
    return ledger.add([replace(d, team=config.team, parent=parent) for d in found])


def _task_for(goal: str, ledger: Ledger, config: Config, again: bool) -> Task:
    """A plan that was asked for in these words and is not finished is gone on with."""
    from axon.team.attempt.planning import PLAN

    states = [State.TODO, State.IN_PROGRESS, State.REVIEW, *([] if again else [State.DONE])]
    for task in ledger.tasks(states=states):
        if task.type == PLAN and task.description.strip() == goal.strip():
            return task
    title = shortened(f"Plan: {goal.strip().splitlines()[0]}", 200)
    draft = Draft(title=title, description=goal, type=PLAN, priority=Priority.URGENT)
    return ledger.add([replace(draft, team=config.team)])[0]


def _goal(args: Namespace, ledger: Ledger) -> tuple[str, str]:
    if args.from_tasks:
        task = ledger.task(args.from_tasks)
        return f"{task.title}\n\n{task.description}".strip(), task.identifier
    if len(args.tasks) != 1:
        raise UsageError("name one file or one goal, as axon plan PLAN.md")
    return goal_of(args.tasks[0]), ""


def goal_of(word: str) -> str:
    """The text of the file `word`, or the goal it is."""
    path = Path(word)
    if len(word) < 4096 and "\n" not in word and path.is_file():
        return read_task_file(path)
    if path.suffix in FILE_SUFFIXES and not any(c.isspace() for c in word):
        raise UsageError(f"there is no file {word}; give a file or the goal in words")
    if not word.strip():
        raise UsageError("the goal is empty; say what is wanted")
    return word


def _agreed(plan: Plan) -> bool:
    if not sys.stdin or not sys.stdin.isatty():
        raise UsageError("nobody is there to agree to the plan; add --yes")
    answer = input(f"Add these {len(plan.tasks)} tasks? [y/N] ")
    return answer.strip().lower() in ("y", "yes")
