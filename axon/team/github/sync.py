"""The rounds themselves: what goes to GitHub, and what comes from there."""

from collections.abc import Callable, Sequence

from axon.config import Config
from axon.errors import AxonError, Forbidden, LedgerError
from axon.integrations.github.client import GitHub
from axon.integrations.github.faults import GitHubError
from axon.integrations.github.issues import Issue, issue, labelled, said
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

Step = Callable[[], None]


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
    line = f"{task.identifier} has no pull request: {at.github.redactor.text(str(error))}"
    at.told.add(line, task=task.identifier, error=str(error), done=False)


def hear_of_work(at: Round) -> None:
    """Move tasks as their pull requests have gone."""
    for task in handed_in(at.ledger):
        known = standing_of(at.ledger, task)
        if known.number and known.commit == task.commit:
            try:
                follow(at, task, known)
            except (GitHubError, LedgerError, Forbidden):
                raise
            except AxonError as error:  # of this one only
                at.record_once("follow_failed", task.identifier, str(error))


def hear_of_issues(at: Round, numbers: Sequence[int] = ()) -> None:
    """New issues become tasks; what was said and closed reaches those that are tasks already."""
    known = links(at.ledger, at.github)
    for number in numbers:
        found = issue(at.github, number)
        identifier = known.get(number) or take(at, found, asked=True)
        if identifier:
            _hear(at, found, identifier)
    if not numbers:
        for found in list(labelled(at.github, at.config.github_label)):
            identifier = known.get(found.number) or take(at, found)
            if identifier:
                _hear(at, found, identifier)


def tell_issues(at: Round) -> None:
    """Show on each issue how far its task is."""
    known = links(at.ledger, at.github)
    for found in list(labelled(at.github, at.config.github_label)):
        if identifier := known.get(found.number):
            comments = said(at.github, found.number) if found.comments else []
            tell(at, found, identifier, comments)


def _hear(at: Round, found: Issue, identifier: str) -> None:
    hear(at, found, identifier, said(at.github, found.number) if found.comments else [])
