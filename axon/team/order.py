"""In which order a replayed run lets tasks begin and land: that of the recording. Pure.

What an agent finds is what had landed when its attempt began. So no attempt begins before the
landings it stood on, and nothing lands before the attempts that began without it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from axon.gateway.cassette import Step
from axon.tasks import State, Task

ENDED = frozenset({State.DONE, State.CANCELED, State.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """How far the run has come."""

    states: Mapping[str, State]
    begun: Mapping[str, int] = field(default_factory=dict)  # attempts of this run
    decided: Mapping[str, int] = field(default_factory=dict)  # landed, or sent back
    waiting: tuple[str, ...] = ()  # to land, oldest first
    working: bool = False  # an attempt is being made
    claimable: bool = False  # a worker takes another task, now or soon

    @property
    def at_rest(self) -> bool:
        """Nothing will come unless we go on."""
        return not (self.working or self.claimable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What may land now, one after the other; `passed`: what the recording has before it."""

    names: tuple[str, ...] = ()
    passed: tuple[Step, ...] = ()


def arranged(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Each attempt where its files show that it began, whenever its line was written."""
    steps = tuple(steps)
    decisions = [(n, step) for n, step in enumerate(steps) if step.kind != "begun"]
    slots: dict[int, list[Step]] = {}
    for line, step in enumerate(steps):
        if step.kind == "begun":
            below = [
                place
                for place, (number, other) in enumerate(decisions, start=1)
                if (other.kind == "landed" and other.task == step.after)
                or (other.task == step.task and number < line)  # its attempt before this one
            ]
            slots.setdefault(max(below, default=0), []).append(step)
    found = slots.get(0, [])
    for place, (_, step) in enumerate(decisions, start=1):
        found = [*found, step, *slots.get(place, ())]
    return tuple(found)


def paired(
    steps: Sequence[Step], tasks: Sequence[Task], touched: Iterable[str]
) -> tuple[Step, ...]:
    """The steps with the names that their tasks have here; "" where none has that title."""
    ours, used = set(touched), set[str]()
    names: dict[tuple[str, str], str] = {}
    for step in steps:
        if (step.task, step.title) in names:
            continue
        alike = [t for t in tasks if t.title == step.title and t.identifier not in used]
        best = min(
            alike,
            key=lambda task: (
                task.state in ENDED and task.identifier not in ours,  # of a run before this one
                task.identifier != step.task,
            ),
            default=None,
        )
        names[step.task, step.title] = name = best.identifier if best else ""
        used.add(name)
    return tuple(replace(step, task=names[step.task, step.title]) for step in steps)


def to_begin(steps: Sequence[Step], scene: Scene) -> list[str] | None:
    """The tasks of which an attempt may begin now, in this order; None: any task."""
    left = _left(steps, scene)
    if not any(step.kind == "begun" for step in left):
        return None
    names = []
    for step in left:
        if step.kind != "begun":
            break
        names.append(step.task)
    awaited = {step.task for step in left if step.kind == "begun"}
    again = {step.task for step in steps} - awaited  # more often than then
    named = dict.fromkeys([*names, *sorted(again)])
    return [name for name in named if scene.states.get(name) is State.TODO]


def to_land(steps: Sequence[Step], scene: Scene) -> Turn:
    """Never without a name while something waits and nothing else could bring the run on."""
    left = _left(steps, scene)
    known = {step.task for step in steps}
    passed: list[Step] = []
    while True:
        names = _next(left, known, scene.waiting)
        if names or not scene.waiting or not left or not scene.at_rest:
            return Turn(names=names, passed=tuple(passed) if names else ())
        passed.append(left.pop(0))


def _next(left: Sequence[Step], known: set[str], waiting: Sequence[str]) -> tuple[str, ...]:
    awaited = {step.task for step in left if step.kind != "begun"}
    names = [name for name in waiting if name in known - awaited]  # more often than then
    for step in left:
        if step.kind == "begun" or step.task not in waiting:
            break
        names.append(step.task)
    else:
        names += waiting  # those that are not in the recording come last
    return tuple(dict.fromkeys(names))


def _left(steps: Sequence[Step], scene: Scene) -> list[Step]:
    """What is still to come: neither done, nor passed over, nor of a task that has ended."""
    seen: Counter[tuple[bool, str]] = Counter()
    done, last = [], -1
    for place, step in enumerate(steps):
        begins = step.kind == "begun"
        made = (scene.begun if begins else scene.decided).get(step.task, 0)
        done.append(seen[begins, step.task] < made)
        seen[begins, step.task] += 1
        if done[-1] and not begins:
            last = place
    found, decided = [], set()
    for place, step in enumerate(steps):
        state = scene.states.get(step.task)
        if place <= last or done[place] or state in ENDED:
            continue
        if step.kind != "begun":
            decided.add(step.task)
        elif state is State.REVIEW and step.task not in decided:
            continue  # it needed fewer attempts than then
        found.append(step)
    return found
