"""Tell an issue how its task goes: a label for its state, a comment for each thing that counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from axon.errors import NotFound
from axon.integrations.github.issues import Issue, Said, close, ours, say, show_state
from axon.integrations.github.markers import Marker, code, quoted
from axon.ledger import Comment, Event
from axon.tasks import ENDED, State, Task
from axon.team.github.links import TAKEN
from axon.team.github.round import Round
from axon.team.github.standing import ACTOR, ENOUGH, PROPOSED

TOLD = "issue_told"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something an issue is to be told. `key` is the same whenever it is told."""

    seq: int
    key: str
    text: str


def tell(at: Round, issue: Issue, identifier: str, comments_of: Callable[[], list[Said]]) -> None:
    """Say what is new, show the state, close what has ended; each step may be done again."""
    try:
        task = at.ledger.task(identifier)
    except NotFound:
        return
    story = at.ledger.latest(identifier=identifier, limit=ENOUGH)
    news = news_of(story, at.ledger.comments(identifier))
    there = ours(comments_of(), at.me) if news else set()
    for one in news:
        marker = Marker(identifier=identifier, event=one.key)
        if marker not in there:
            _say(at, issue, one, marker)
    if news and not at.told.dry:
        at.record(TOLD, identifier, seq=news[-1].seq)
    wanted = task.state.value.replace("_", " ")
    if f"axon: {wanted}" not in issue.labels:
        _show(at, issue, wanted)
    if task.state in (State.DONE, State.CANCELED) and _ended_now(story):
        _close(at, issue, task)


def _say(at: Round, issue: Issue, one: News, marker: Marker) -> None:
    line = f"#{issue.number}: {one.text.splitlines()[0]}"
    if not at.told.dry:
        at.hold()
        at.learned(say(at.github, issue.number, one.text, marker))
        at.project.reached("github.said")
    at.told.add(line, issue=issue.number, task=marker.identifier, done=not at.told.dry)


def _show(at: Round, issue: Issue, wanted: str) -> None:
    if not at.told.dry:
        at.hold()
        show_state(at.github, issue, wanted)
    line = f"#{issue.number} shows {wanted}"
    at.told.add(line, issue=issue.number, label=wanted, done=not at.told.dry)


def _close(at: Round, issue: Issue, task: Task) -> None:
    """Once for each end: whoever opens it again after that is not argued with."""
    if issue.is_open:
        line = f"#{issue.number} is closed"
        at.told.add(line, issue=issue.number, task=task.identifier, done=not at.told.dry)
    if at.told.dry:
        return
    at.hold()
    if issue.is_open:
        close(at.github, issue.number, done=task.state is State.DONE)
    at.project.reached("github.closed")
    at.record("issue_closed", task.identifier, f"#{issue.number}", number=issue.number)


def _ended_now(story: Sequence[Event]) -> bool:
    """The end of the task has not closed the issue yet."""
    for event in reversed(story):
        if event.action == "issue_closed" and event.actor == ACTOR:
            return False
        if event.after in ENDED:
            return True
    return False


def news_of(story: Sequence[Event], comments: Sequence[Comment]) -> list[News]:
    """What has happened since the issue was told last, of what people want to know."""
    since = found = 0
    for event in story:
        if event.actor == ACTOR and event.action == TAKEN:
            since = max(since, event.seq)
        elif event.actor == ACTOR and event.action == TOLD:
            since = max(since, int(event.data.get("seq", 0)))
    news = []
    for event in story:
        if event.seq > since and (text := _text(event, comments)):
            kind = "end" if event.after in ENDED else "event"
            news.append(News(seq=event.seq, key=f"{kind}-{event.seq}", text=text))
            found = event.seq
    return news if found else []


def _text(event: Event, comments: Sequence[Comment]) -> str:
    name = event.identifier
    if event.action == "ask":
        how = f"answer it where axon runs: {code(f'axon task answer {name} TEXT')}"
        return f"The agent of {name} asks ({how}):\n\n{quoted(event.why)}"
    if event.action == "give_up":
        return f"{name} has failed:\n\n{quoted(event.why)}"
    if event.action == "land":
        proof = "verified" if event.data.get("verified") else "unverified"
        commit = str(event.data.get("commit", ""))[:12]
        return f"{name} is done: {code(commit)} on {code(str(event.data.get('target')))} ({proof})."
    if event.action == "cancel":
        return f"{name} was canceled." + (f"\n\n{quoted(event.why)}" if event.why else "")
    if event.action in ("reopen", "retry"):
        return f"{name} is to be worked on again."
    if event.action == PROPOSED and event.actor == ACTOR:
        return f"{name} is proposed in #{event.data.get('number')}."
    if event.action == "comment" and not event.actor.startswith(ACTOR):
        said = [c.body for c in comments if (c.at, c.actor) == (event.at, event.actor)]
        return f"{code(event.actor)} says on {name}:\n\n{quoted(said[0])}" if said else ""
    return ""
