"""Move tasks, take them out, and take changes back."""

from argparse import Namespace

from axon.commands import print_json
from axon.commands.task.fields import identifier_of
from axon.config import Config
from axon.core.terminal import one_line
from axon.ledger import Ledger, Undone
from axon.tasks import State, Task, task_view
from axon.tasks.exchange.entry import state_named
from axon.tasks.moments import told


def change(args: Namespace, config: Config, ledger: Ledger) -> int:
    return _show(args, ledger.change_all(args.ids, args.action, why=args.why))


def move(args: Namespace, config: Config, ledger: Ledger) -> int:
    """`--why` answers the question of a blocked task that goes on."""
    target = state_named(args.state)
    names = [identifier_of(name) for name in args.ids]
    if target is State.TODO and len(set(names)) == 1 and args.why.strip():
        task = ledger.task(names[0])
        if task.state is State.BLOCKED and task.question:
            return _show(args, [ledger.answer(names[0], args.why)])
    return _show(args, ledger.move_all(names, target, why=args.why))


def _show(args: Namespace, tasks: list[Task]) -> int:
    if args.json:
        print_json([task_view(task) for task in tasks])
        return 0
    for task in tasks:
        print(f"{task.identifier}  {task.state.label}  {one_line(task.title)}")
    return 0


def delete(args: Namespace, config: Config, ledger: Ledger) -> int:
    tasks = ledger.delete(args.ids, why=args.why)
    if args.json:
        print_json([task_view(task) for task in tasks])
        return 0
    for task in tasks:
        print(f"{task.identifier}  deleted  {one_line(task.title)}")
    print("axon task undo brings back what was deleted")
    return 0


def undo(args: Namespace, config: Config, ledger: Ledger) -> int:
    undone = ledger.undo()
    if args.json:
        print_json(_view(undone))
        return 0
    print(f"took back: {one_line(undone.action)} of {told(undone.at)}")
    for task in undone.tasks:
        print(f"  {task.identifier}  {task.state.label}  {one_line(task.title)}")
    for identifier in undone.removed:
        print(f"  {identifier}  removed")
    return 0


def _view(undone: Undone) -> dict[str, object]:
    return {
        "action": undone.action,
        "at": undone.at,
        "actor": undone.actor,
        "tasks": [task_view(task) for task in undone.tasks],
        "removed": list(undone.removed),
    }


ACTIONS = {
    "move": move,
    "retry": change,
    "cancel": change,
    "reopen": change,
    "delete": delete,
    "undo": undo,
}
