"""Turn work that was handed in into a pull request; the same work becomes one and no more."""

from axon.errors import AxonError
from axon.integrations.github.faults import GitHubError
from axon.integrations.github.pulls import Proposal, Pull, propose, set_status
from axon.tasks import Task
from axon.team.github.evidence import evidence_of, statuses_of, text_of
from axon.team.github.follow import merged
from axon.team.github.links import issue_of
from axon.team.github.remote import next_before
from axon.team.github.round import Round
from axon.team.github.standing import ENOUGH, PROPOSED, PUSHING, standing
from axon.team.workspace.place import branch_of


def publish(at: Round, task: Task) -> None:
    """Push, propose, record. Each step finds what an earlier try has left, wherever that died."""
    branch = branch_of(task.identifier)  # no other is ever written to
    if at.told.dry:
        line = f"{task.identifier} would be pushed as {branch} and proposed for {at.base}"
        at.told.add(line, task=task.identifier, branch=branch, base=at.base, done=False)
        return
    at.hold()
    base = at.remote.fetch(at.base)
    if at.project.contains(base, task.commit):  # there is nothing to merge
        merged(at, task, commit=task.commit, base=at.base, judged=task.commit, why="it is there")
        return
    _push(at, task, branch)
    pull, notes = _propose(at, task, branch)
    at.project.reached("github.proposed")
    at.record(
        PROPOSED,
        task.identifier,
        "; ".join([f"#{pull.number} {pull.url}", *notes]),
        number=pull.number,
        url=pull.url,
        commit=task.commit,
        base=at.base,
    )
    at.project.reached("github.recorded")
    line = f"{task.identifier} is pull request #{pull.number}: {pull.url}"
    for note in notes:
        line += f"; but {note}"
    at.told.add(line, task=task.identifier, number=pull.number, url=pull.url, done=True)


def _push(at: Round, task: Task, branch: str) -> None:
    if branch == at.base:
        raise AxonError(
            f"{task.identifier} stands on {branch} itself, which pull requests are merged into; "
            "set GITHUB_BASE_BRANCH to another"
        )
    known = standing(at.ledger.latest(identifier=task.identifier, limit=ENOUGH))
    before = next_before(at.remote, branch, task.commit, set(known.pushed))
    if before is None:
        return
    at.record(PUSHING, task.identifier, branch, branch=branch, commit=task.commit, before=before)
    at.project.reached("github.pushing")
    at.remote.push(branch, task.commit, before)
    at.project.reached("github.pushed")


def _propose(at: Round, task: Task, branch: str) -> tuple[Pull, list[str]]:
    events = at.ledger.latest(identifier=task.identifier, limit=ENOUGH)
    found = evidence_of(at.config, task, events)
    clean = at.github.redactor.text
    proposal = Proposal(
        identifier=task.identifier,
        branch=branch,
        base=at.base,
        title=clean(f"{task.identifier}: {task.title}"),
        text=clean(text_of(found, issue=issue_of(at.ledger, at.github, task.identifier))),
        labels=at.config.github_labels,
        reviewers=[r for r in at.config.github_reviewers if r.lower() != at.me.login.lower()],
    )
    pull, notes = propose(at.github, proposal)
    at.project.reached("github.opened")
    try:
        set_status(at.github, task.commit, statuses_of(found))
    except GitHubError as error:  # a token may lack that one right
        if error.passing:
            raise
        notes.append(str(error))
    return pull, notes
