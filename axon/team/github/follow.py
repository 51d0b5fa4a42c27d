"""Move tasks as their pull requests go: merged, closed, or sent back by a reviewer."""

from contextlib import suppress

from axon.errors import AxonError, BadMove, StaleClaim
from axon.integrations.github.pulls import REQUESTED, Pull, Review, pull, remarks, reviews
from axon.tasks import Task
from axon.team import landing
from axon.team.courier.roles import told_of
from axon.team.github.round import Round
from axon.team.github.standing import ACTOR, Standing
from axon.team.landing.checkout import move, recover
from axon.team.landing.telling import conclude
from axon.team.project import hold
from axon.team.workspace import remove

MOST_TEXT = 16_000  # characters of a review that go into a prompt
WAIT_SECONDS = 10.0


def follow(at: Round, task: Task, known: Standing) -> None:
    """Look at the pull request of a task in review, and do what has become of it."""
    found = pull(at.github, known.number)
    if found.merged:
        said = f"pull request #{found.number} was merged"
        commit = found.merge_commit or found.head
        merged(at, task, commit=commit, base=found.base, judged=found.head, why=said)
    elif not found.is_open:
        _closed(at, task, found)
    else:
        _reviewed(at, task, found, known)


def merged(at: Round, task: Task, *, commit: str, base: str, judged: str, why: str) -> None:
    """review -> done, once the merge is proven: `commit` is reachable from that branch as it is
    fetched from there. `judged`: the commit that was merged; verified only if it is the one whose
    check has passed."""
    verified = bool(task.verified) and judged == task.commit
    if at.told.dry:
        at.told.add(f"{task.identifier} would be Done: {why}", task=task.identifier, done=False)
        return
    lease = at.hold()
    tip = at.remote.fetch(base)
    proven = at.project.commit_of(commit) is not None and at.project.contains(tip, commit)
    if not proven:
        at.record("merge_unproven", task.identifier, f"{commit[:12]} is not on {base} (any more)")
    else:
        bring_here(at, base, tip)
    at.project.reached("github.merged")
    try:
        at.ledger.landed(lease, task.identifier, commit=commit, target=base, verified=verified)
    except (BadMove, StaleClaim) as error:
        at.record("landing_late", task.identifier, str(error))
        return
    proof = "verified" if verified else "unverified"
    line = f"{task.identifier} is Done: {why} as {commit[:7]} into {base} ({proof})"
    at.told.add(line, task=task.identifier, state="done", commit=commit, done=True)
    told = told_of(at.config, at.run)
    conclude(at.ledger, task, run=at.run, why_not=f"{why} on GitHub", by=told)
    with suppress(AxonError), hold(at.project, task.identifier):  # its worker may not have left
        remove(at.project, task.identifier)


def bring_here(at: Round, base: str, tip: str) -> None:
    """Have new work start from what was merged: the target follows, or the branch beside it."""
    project = at.project
    if base != project.target:
        return
    with hold(project, landing.NAME, wait_seconds=WAIT_SECONDS):
        recover(project)
        old = project.commit_of(f"refs/heads/{base}") or ""
        if old and project.contains(f"refs/heads/{base}", tip):
            return
        why = f"axon: {base} as on GitHub"
        if old and project.contains(tip, old) and move(project, base, old, tip, why).done:
            return
        beside = project.commit_of(f"refs/heads/{project.beside}") or ""
        if not beside or project.contains(tip, beside):
            moved = move(project, project.beside, beside, tip, why)
            if moved.done:
                at.record("landed_beside", why=f"{base} stays as it is; axon land brings it over")


def _closed(at: Round, task: Task, found: Pull) -> None:
    """Who closes it does not want the work; it is kept on its branch, and can be reopened."""
    why = f"pull request #{found.number} was closed without a merge"
    if at.told.dry:
        at.told.add(f"{task.identifier} would be Canceled: {why}", task=task.identifier, done=False)
        return
    with suppress(BadMove):  # it has moved meanwhile
        at.ledger.change(task.identifier, "cancel", why=why, actor=ACTOR)
        at.told.add(f"{task.identifier} is Canceled: {why}", task=task.identifier, done=True)


def _reviewed(at: Round, task: Task, found: Pull, known: Standing) -> None:
    """Send it back with what reviewers want changed, once for each review."""
    new = [
        review
        for review in reviews(at.github, found.number)
        if review.id not in known.reviews and _counts(at, review)
    ]
    told = [(review, _findings(at, found, review)) for review in new]
    told = [(r, text) for r, text in told if text or r.state == REQUESTED]
    if not told:
        return
    clean = at.github.redactor.text
    logins = ", ".join(dict.fromkeys(review.actor.login for review, _ in told))
    numbers = ", ".join(str(review.id) for review, _ in told)
    why = f"{logins} asked for changes in review {numbers} of pull request #{found.number}"
    if at.told.dry:
        at.told.add(f"{task.identifier} would go back: {why}", task=task.identifier, done=False)
        return
    feedback = "\n\n".join(f"Review by {review.actor.login}:\n{text}" for review, text in told)
    lease = at.hold()
    with suppress(BadMove):
        after = at.ledger.reject(
            lease, task.identifier, clean(why), feedback=clean(feedback)[:MOST_TEXT]
        )
        at.project.reached("github.rejected")
        line = f"{task.identifier} goes back ({after.state.label}): {why}"
        at.told.add(line, task=task.identifier, state=after.state.value, done=True)


def _counts(at: Round, review: Review) -> bool:
    """A request for changes by somebody who is listened to. Whose token it is cannot make one on
    a pull request of their own: there a comment stands for it."""
    if review.actor.id not in at.reviewers:
        return False
    return review.state == REQUESTED or (
        review.state == "COMMENTED" and review.actor.id == at.me.id
    )


def _findings(at: Round, found: Pull, review: Review) -> str:
    return "\n".join(filter(None, [review.text, *remarks(at.github, found.number, review)]))
