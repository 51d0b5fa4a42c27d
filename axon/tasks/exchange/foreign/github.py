"""Read issues of GitHub: `gh issue list --json …` and the lists of the REST API."""

import re
from collections.abc import Iterator

from axon.tasks import State
from axon.tasks.exchange.entry import Entry
from axon.tasks.exchange.foreign.item import Item
from axon.tasks.exchange.foreign.making import Said, entry_of
from axon.tasks.exchange.foreign.objects import objects
from axon.tasks.exchange.notes import Notes
from axon.tasks.exchange.source import Source

PREFIX = "github:"
PLACE = re.compile(r"https?://[^/]+/(?:api/v3/)?(?:repos/)?([^/]+/[^/]+)/(?:issues|pull)/(\d+)")
GIVEN_UP = ("not_planned", "duplicate")
# Technical, or said by other keys.
SILENT = (
    "id", "node_id", "closed", "closedAt", "closed_at", "url", "html_url", "repository_url",
    "labels_url", "comments_url", "events_url", "timeline_url", "author", "user",
    "author_association", "closed_by", "closedByPullRequestsReferences", "isPinned", "locked",
    "active_lock_reason", "performed_via_github_app", "score", "subIssues", "subIssuesSummary",
    "sub_issues_summary", "issue_dependencies_summary", "issue_field_values", "blocking",
    "parent_issue_url", "assignee", "repository", "pinned_comment", "reactions", "reactionGroups",
)  # fmt: skip


def entries(source: Source, name: str, notes: Notes) -> Iterator[Entry]:
    for item in objects(source, name, notes):
        if item.raw.get("pull_request"):
            notes.add("pull requests, left out")
        else:
            yield _entry(item)


def _entry(item: Item) -> Entry:
    number = item.identity("number")
    item.where = f"{item.where} (#{number})"
    link = item.text("html_url") or item.text("url")
    place = PLACE.fullmatch(link)
    repo = place[1] if place else ""
    if not repo:
        item.notes.add("no url tells of which repository: another one's numbers would be the same")
    above = item.text("parent_issue_url")
    said = Said(
        origin=_origin(repo, number),
        title=item.text("title"),
        state=_state(item),
        sections={"": item.text("body"), "Source": link},
        fields={
            "labels": item.words("labels", "name"),
            "type": (item.named("issueType", "name") or item.named("type", "name")).lower()
            or "task",
        },
        depends=list(_blockers(item, repo)),
        parent=_named(above, repo) if above else _parent(item, repo),
        created_at=item.time("createdAt", "created_at"),
        updated_at=item.time("updatedAt", "updated_at"),
        comments=list(_comments(item)),
    )
    item.close(*SILENT)
    return entry_of(item, said)


def _origin(repo: str, number: str) -> str:
    return f"{PREFIX}{repo}#{number}"


def _named(link: str, repo: str, number: str = "") -> str:
    place = PLACE.fullmatch(link)
    return _origin(place[1], place[2]) if place else _origin(repo, number)


def _state(item: Item) -> State:
    word = item.text("state").lower()
    why = item.text("stateReason", "state_reason").lower()
    if word not in ("open", "closed", ""):
        raise item.wrong(f"unknown state {word!r}; GitHub's are open and closed")
    if word == "closed" or item.raw.get("closed") is True:
        return State.CANCELED if why in GIVEN_UP else State.DONE
    return State.TODO


def _parent(item: Item, repo: str) -> str:
    raw = item.take("parent")
    if not isinstance(raw, dict):
        return ""
    part = Item(raw, item.where, item.notes)
    return _named(part.text("url"), repo, part.identity("number"))


def _blockers(item: Item, repo: str) -> Iterator[str]:
    for part in item.parts("blockedBy"):
        if part.text("state").lower() != "closed":
            yield _named(part.text("url"), repo, part.identity("number"))


def _comments(item: Item) -> Iterator[tuple[float, str, str]]:
    if not isinstance(item.raw.get("comments"), list):
        if item.count("comments"):
            item.notes.add("comments are only counted in the file; gh issue list --json has them")
        return
    for part in item.parts("comments"):
        at = part.time("createdAt", "created_at") or 0.0
        yield at, part.named("author", "login") or part.named("user", "login"), part.text("body")
