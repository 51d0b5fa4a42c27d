"""Issues and what is said on them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from axon.integrations.github.access import Actor
from axon.integrations.github.client import GitHub
from axon.integrations.github.faults import GitHubError
from axon.integrations.github.markers import Marker, marker_of, signed

PREFIX = "axon: "  # of the labels that show a task's state


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue as GitHub has it; its text is somebody's."""

    number: int
    url: str
    title: str
    body: str
    author: Actor
    is_open: bool
    labels: tuple[str, ...]
    comments: int
    updated: str

    @classmethod
    def of(cls, document: Any) -> "Issue":
        labels = document.get("labels") or []
        names = (one.get("name") if isinstance(one, dict) else one for one in labels)
        return cls(
            number=int(document["number"]),
            url=str(document["html_url"])[:500],
            title=str(document["title"]),
            body=str(document.get("body") or ""),
            author=Actor.of(document.get("user")),
            is_open=document["state"] == "open",
            labels=tuple(str(name) for name in names if name),
            comments=int(document.get("comments") or 0),
            updated=str(document.get("updated_at") or ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A comment. `url` names it for ever."""

    url: str
    actor: Actor
    body: str
    at: str  # by GitHub's clock, as 2026-01-31T12:00:00Z


def labelled(github: GitHub, label: str) -> Iterator[Issue]:
    """Issues with that label, open or not, the oldest first; pull requests are none."""
    path, ways = f"{github.repo}/issues", {"state": "all", "sort": "created", "direction": "asc"}
    for document in github.pages(path, labels=label, **ways):
        if isinstance(document, dict) and "pull_request" not in document:
            yield _issue(document)


def issue(github: GitHub, number: int) -> Issue:
    document = github.get(f"{github.repo}/issues/{number}")
    if isinstance(document, dict) and "pull_request" in document:
        raise GitHubError(f"#{number} is a pull request; name an issue", status=404)
    return _issue(document)


def said(github: GitHub, number: int) -> list[Said]:
    """The comments of an issue, oldest first."""
    return [
        Said(
            url=str(one.get("html_url", ""))[:500],
            actor=Actor.of(one.get("user")),
            body=str(one.get("body") or "").replace("\r\n", "\n"),
            at=str(one.get("created_at", "")),
        )
        for one in github.pages(f"{github.repo}/issues/{number}/comments")
        if isinstance(one, dict)
    ]


def say(github: GitHub, number: int, text: str, marker: Marker) -> Actor:
    """Comment; who we are there is told by the answer."""
    path = f"{github.repo}/issues/{number}/comments"
    return Actor.of((github.send("POST", path, {"body": signed(text, marker)}) or {}).get("user"))


def ours(comments: list[Said], me: Actor) -> set[Marker]:
    """What we have said there already; markers in other people's texts are only text."""
    found = (marker_of(one.body) for one in comments if me.id and one.actor.id == me.id)
    return {marker for marker in found if marker is not None}


def last_turn(github: GitHub, number: int) -> tuple[str, Actor, str]:
    """The last time it was closed or reopened: "closed" or "reopened", by whom and when."""
    turn = ("", Actor(), "")
    for one in github.pages(f"{github.repo}/issues/{number}/events"):
        if isinstance(one, dict) and one.get("event") in ("closed", "reopened"):
            turn = (one["event"], Actor.of(one.get("actor")), str(one.get("created_at", "")))
    return turn


def show_state(github: GitHub, found: Issue, state: str) -> None:
    """One label of ours says how far the task is; labels of others stay."""
    wanted = PREFIX + state
    path = f"{github.repo}/issues/{found.number}/labels"
    if wanted not in found.labels:
        github.send("POST", path, {"labels": [wanted]})
    for label in found.labels:
        if label.startswith(PREFIX) and label != wanted:
            try:
                github.send("DELETE", f"{path}/{quote(label, safe='')}")
            except GitHubError as error:
                if error.status != 404:
                    raise


def close(github: GitHub, number: int, *, done: bool) -> None:
    reason = "completed" if done else "not_planned"
    change = {"state": "closed", "state_reason": reason}
    github.send("PATCH", f"{github.repo}/issues/{number}", change)


def _issue(document: Any) -> Issue:
    try:
        return Issue.of(document)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise GitHubError(
            "GitHub describes an issue in a way axon does not know; see that GITHUB_REPO is a "
            "GitHub repository"
        ) from None
