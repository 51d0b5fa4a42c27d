"""The rounds themselves: what goes to GitHub, and what comes from there."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from axon.config import Config
from axon.errors import AxonError, Forbidden, LedgerError
from axon.integrations.github.client import GitHub
from axon.integrations.github.faults import GitHubError
from axon.integrations.github.issues import Issue, Said, issue, labelled, said
from axon.ledger import Ledger
from axon.tasks import Task
from axon.team.github.follow import follow
from axon.team.github.intake import hear, take
from axon.team.github.links import links
from axon.team.github.outflow import tell
from axon.team.github.publish import publish
from axon.team.github.round import Round
from axon.team.github.standing import REFUSED, Told, handed_in, proposed, standing_of
from axon.team.project import Project

OF_ALL = (401, 403, 429)  # statuses that say nothing of one item


def start_round(
    config: Config, project: Project, github: GitHub, ledger: Ledger, run: str, *, dry: bool = False
) -> Round:
    return Round(
        config=config, project=project, github=github, ledger=ledger, run=run, told=Told(dry=dry)
    )


def send_work(at: Round, tasks: Sequence[Task]) -> list[GitHubError]:
    """Propose what was handed in and is not proposed yet. What GitHub refuses is told as such;
    answers those failures that may pass."""
    passing = []
    for task in tasks:
        if proposed(at.ledger, task):
            continue
        try:
            publish(at, task)
        except (Forbidden, LedgerError):
            raise
        except GitHubError as error:
            if error.passing:
                passing.append(error)
                break
            refuse(at, task, error)
        except AxonError as error:
            refuse(at, task, error)
    return passing


def refuse(at: Round, task: Task, error: AxonError) -> None:
    """Have everybody see why there is no pull request; a later run, or a person, tries again."""
    at.record(REFUSED, task.identifier, str(error), commit=task.commit)
    said = at.github.redactor.text(str(error))
    line = f"{task.identifier} has no pull request: {said}"
    at.told.add(line, task=task.identifier, error=said, done=False)


def hear_of_work(at: Round) -> None:
    """Move tasks as their pull requests have gone."""
    for task in handed_in(at.ledger):
        known = standing_of(at.ledger, task)
        if known.number and known.commit == task.commit:
            with _alone(at, task.identifier):
                follow(at, task, known)


def take_issues(at: Round, numbers: Sequence[int]) -> None:
    """Make tasks of those that a person names, whoever wrote them."""
    known = links(at.ledger, at.github)
    for number in numbers:
        found = issue(at.github, number)
        if identifier := known.get(number) or take(at, found, asked=True):
            hear(at, found, identifier, _comments(at, found))


def go_through_issues(at: Round, *, listen: bool = True, speak: bool = True) -> None:
    """New issues become tasks, what was said and closed reaches those that are tasks already; and
    each is shown how far its task is."""
    known = links(at.ledger, at.github)
    for found in list(labelled(at.github, at.config.github_label)):
        identifier = known.get(found.number, "")
        with _alone(at, identifier):
            if listen and not identifier:
                identifier = take(at, found)
            comments_of = _comments(at, found)
            if listen and identifier:
                hear(at, found, identifier, comments_of)
            if speak and identifier:
                tell(at, found, identifier, comments_of)


def _comments(at: Round, found: Issue) -> Callable[[], list[Said]]:
    """Asked for once, and only when they are needed."""
    return cache(lambda: said(at.github, found.number) if found.comments else [])


@contextmanager
def _alone(at: Round, identifier: str) -> Iterator[None]:
    """What is wrong with one task or issue hinders no other; what is wrong with all ends it."""
    try:
        yield
    except (LedgerError, Forbidden):
        raise
    except AxonError as error:
        if isinstance(error, GitHubError) and (error.passing or error.status in OF_ALL):
            raise
        at.record_once("github_failed", identifier, str(error))
        line = f"{identifier or 'an issue'}: {at.github.redactor.text(str(error))}"
        at.told.add(line, task=identifier or None, error=line)
