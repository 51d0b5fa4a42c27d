"""Pull requests: found, opened, kept up to date, and what reviewers said of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axon.integrations.github.access import Actor
from axon.integrations.github.client import GitHub
from axon.integrations.github.faults import GitHubError
from axon.integrations.github.markers import Marker, digest, marker_of, signed

MOST_TITLE = 250
MOST_STATUS = 140  # characters of a status's description
LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
REQUESTED = "CHANGES_REQUESTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request as GitHub has it."""

    number: int
    url: str
    title: str
    body: str
    is_open: bool
    merged: bool
    merge_commit: str
    head: str  # commit its branch stands at
    base: str  # branch it is to be merged into

    @classmethod
    def of(cls, document: Any) -> "Pull":
        try:
            return cls(
                number=int(document["number"]),
                url=str(document["html_url"])[:500],
                title=str(document["title"]),
                body=str(document.get("body") or ""),
                is_open=document["state"] == "open",
                merged=bool(document.get("merged") or document.get("merged_at")),
                merge_commit=str(document.get("merge_commit_sha") or ""),
                head=str(document["head"]["sha"]),
                base=str(document["base"]["ref"]),
            )
        except (KeyError, TypeError, ValueError):
            raise GitHubError(
                "GitHub describes a pull request in a way axon does not know; see that GITHUB_REPO "
                "is a GitHub repository"
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A pull request as it should be."""

    identifier: str
    branch: str
    base: str
    title: str
    text: str
    labels: Sequence[str] = ()
    reviewers: Sequence[str] = ()  # logins, and teams as ORG/TEAM

    @property
    def body(self) -> str:
        """Signed with what the text was, so that a person's edit of it is seen."""
        return signed(self.text, Marker(identifier=self.identifier, event=f"pr-{_seal(self.text)}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a reviewer has handed in, with the remarks made in the lines."""

    id: int
    actor: Actor
    state: str
    text: str
    commit: str


def pull(github: GitHub, number: int) -> Pull:
    return Pull.of(github.get(f"{github.repo}/pulls/{number}"))


def find(github: GitHub, branch: str, base: str) -> Pull | None:
    """The open one from this branch of this repository into that base: there is one at most."""
    head = f"{github.place.owner}:{branch}"
    for document in github.pages(f"{github.repo}/pulls", state="open", head=head, base=base):
        there = document.get("head") if isinstance(document, dict) else None
        if isinstance(there, dict) and there.get("ref") == branch:
            return Pull.of(document)
    return None


def propose(github: GitHub, proposal: Proposal) -> tuple[Pull, list[str]]:
    """Open it, or bring the open one up to date; and what could not be done along with it.

    Repeatable at any point: a pull request that is there is found, never opened twice.
    """
    found = find(github, proposal.branch, proposal.base)
    found = _updated(github, found, proposal) if found else _opened(github, proposal)
    notes = []
    for do in (_label, _request):
        try:
            do(github, found.number, proposal)
        except GitHubError as error:
            if error.passing or error.status not in (403, 404, 422):
                raise
            notes.append(str(error))
    return found, notes


def _opened(github: GitHub, proposal: Proposal) -> Pull:
    wanted = {
        "title": proposal.title[:MOST_TITLE],
        "head": proposal.branch,
        "base": proposal.base,
        "body": proposal.body,
    }
    try:
        return Pull.of(github.send("POST", f"{github.repo}/pulls", wanted))
    except GitHubError as error:
        if error.status not in (0, 422) and error.status < 500:
            raise
        found = find(github, proposal.branch, proposal.base)  # it was opened all the same
        if found is None:
            raise
        return found


def _updated(github: GitHub, found: Pull, proposal: Proposal) -> Pull:
    """What a person has written into it stays."""
    changes = {}
    marker = marker_of(found.body)
    text = "\n".join(found.body.replace("\r\n", "\n").rstrip().split("\n")[:-1]).strip()
    is_ours = marker is not None and marker.event == f"pr-{_seal(text)}"
    if is_ours and found.body.replace("\r\n", "\n").strip() != proposal.body:
        changes["body"] = proposal.body
    if is_ours and found.title != proposal.title[:MOST_TITLE]:
        changes["title"] = proposal.title[:MOST_TITLE]
    if not changes:
        return found
    return Pull.of(github.send("PATCH", f"{github.repo}/pulls/{found.number}", changes))


def _seal(text: str) -> str:
    """Of a text as it stands in a body: what signing changes about it is left out."""
    return digest(text.replace("&lt;!--", "<!--").strip())


def _label(github: GitHub, number: int, proposal: Proposal) -> None:
    if proposal.labels:
        path = f"{github.repo}/issues/{number}/labels"
        github.send("POST", path, {"labels": list(proposal.labels)})  # those it has stay


def _request(github: GitHub, number: int, proposal: Proposal) -> None:
    people = [name for name in proposal.reviewers if LOGIN.fullmatch(name)]
    teams = [name.partition("/")[2] for name in proposal.reviewers if "/" in name]
    if not people and not teams:
        return
    path = f"{github.repo}/pulls/{number}/requested_reviewers"
    try:
        github.send("POST", path, {"reviewers": people, "team_reviewers": teams})
    except GitHubError as error:  # one who cannot be asked keeps nobody else from being asked
        if error.status != 422 or len(people) + len(teams) == 1:
            raise
        refused = [e for e in (_ask(github, path, p, "") for p in people) if e]
        refused += [e for e in (_ask(github, path, "", t) for t in teams) if e]
        if refused:
            raise refused[0] from None


def _ask(github: GitHub, path: str, person: str, team: str) -> GitHubError | None:
    """Request the review of one; the error when they cannot be asked."""
    people, teams = [person] if person else [], [team] if team else []
    try:
        github.send("POST", path, {"reviewers": people, "team_reviewers": teams})
    except GitHubError as error:
        if error.status != 422:
            raise
        return error
    return None


def set_status(github: GitHub, commit: str, states: Mapping[str, tuple[str, str]]) -> None:
    """Contexts of a commit, as state and description; what stands there already is not repeated."""
    path = f"{github.repo}/commits/{commit}/status"
    found = github.get(path)
    listed = found.get("statuses") if isinstance(found, dict) else None
    known = {
        one.get("context"): (one.get("state"), one.get("description"))
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict)
    }
    for context, (state, description) in states.items():
        wanted = (state, " ".join(description.split())[:MOST_STATUS])
        if known.get(context) != wanted:
            document = {"state": wanted[0], "description": wanted[1], "context": context}
            github.send("POST", f"{github.repo}/statuses/{commit}", document)


def reviews(github: GitHub, number: int) -> list[Review]:
    """All that were handed in, oldest first, without the remarks in the lines."""
    return [
        Review(
            id=int(one["id"]),
            actor=Actor.of(one.get("user")),
            state=str(one.get("state", "")),
            text=str(one.get("body") or "").strip(),
            commit=str(one.get("commit_id") or ""),
        )
        for one in github.pages(f"{github.repo}/pulls/{number}/reviews")
        if isinstance(one, dict) and isinstance(one.get("id"), int)
    ]


def remarks(github: GitHub, number: int, review: Review) -> list[str]:
    """What the reviewer wrote at lines of the change: "src/a.py:12: …"."""
    path = f"{github.repo}/pulls/{number}/reviews/{review.id}/comments"
    found = []
    for one in github.pages(path):
        if isinstance(one, dict) and Actor.of(one.get("user")).id == review.actor.id:
            line = one.get("line") or one.get("original_line") or ""
            place = f"{str(one.get('path', ''))[:300]}{f':{line}' if line else ''}"
            found.append(f"{place}: {str(one.get('body') or '').strip()}")
    return found
