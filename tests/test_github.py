"""The way to GitHub: addresses, limits, tries, redirects; where the token goes, and where not."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from axon.errors import UsageError
from axon.integrations.github.check import check
from axon.integrations.github.client import GitHub
from axon.integrations.github.faults import GitHubError
from axon.integrations.github.markers import Marker, code, marker_of, quoted, signed
from axon.integrations.github.memory import Memory
from axon.integrations.github.place import place_of
from axon.integrations.github.pulls import Proposal, find, propose, pull, reviews, set_status
from axon.security.secrets import Redactor
from tests.github_server import ALICE, BOT, TOKEN, GitHubServer, github_server
from tests.repository import new_repo

REPO = "/repos/octo/hello"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHubServer]:
    with github_server(tmp_path) as server:
        yield server


class Client(GitHub):
    """With what it would have waited."""

    waits: list[float]


def make(server: GitHubServer, memory: Path | None = None, **facts: Any) -> Client:
    redactor = Redactor([TOKEN])
    waits: list[float] = []
    found = Client(
        place=place_of(server.address, "a test"),
        token=facts.pop("token", TOKEN),
        redactor=redactor,
        memory=Memory(memory, redactor),
        pause=waits.append,
        **facts,
    )
    found.waits = waits
    return found


def refused(github: GitHub, method: str = "GET", path: str = f"{REPO}/pulls/1") -> GitHubError:
    with pytest.raises(GitHubError) as caught:
        github.get(path) if method == "GET" else github.send(method, path, {"body": "x"})
    assert "\n" not in str(caught.value)
    assert TOKEN not in f"{caught.value!r} {caught.value.__cause__!r}"
    return caught.value


# ── where ──


@pytest.mark.parametrize(
    ("text", "full", "api", "url"),
    [
        ("octo/hello", "octo/hello", "https://api.github.com", "https://github.com/octo/hello.git"),
        ("https://github.com/octo/hello", "octo/hello", "https://api.github.com", ""),
        ("https://github.com/octo/hello.git/", "octo/hello", "https://api.github.com", ""),
        ("https://user:secret@github.com/octo/hello.git", "octo/hello", "", ""),
        ("git@github.com:octo/hello.git", "octo/hello", "https://api.github.com", ""),
        ("ssh://git@ssh.github.com:443/octo/hello.git", "octo/hello", "https://api.github.com", ""),
        ("git@git.corp.example:team/x.y", "team/x.y", "https://git.corp.example/api/v3", ""),
        (
            "ssh://git@git.corp.example:2222/team/x.git",
            "team/x",
            "https://git.corp.example/api/v3",
            "https://git.corp.example/team/x.git",
        ),
        ("https://git.corp.example:8443/t/x", "t/x", "https://git.corp.example:8443/api/v3", ""),
        (
            "https://acme.ghe.com/t/x",
            "t/x",
            "https://api.acme.ghe.com",
            "https://acme.ghe.com/t/x.git",
        ),
        ("http://127.0.0.1:99/t/x", "t/x", "http://127.0.0.1:99/api/v3", ""),
    ],
)
def test_a_repository_is_known_by_every_form_of_its_address(
    text: str, full: str, api: str, url: str
) -> None:
    place = place_of(text, "origin")
    assert place.full == full
    assert place.api == (api or place.api)
    assert place.url == (url or place.url)
    assert "secret" not in repr(place)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "/srv/git/hello.git",
        "file:///srv/hello.git",
        "https://github.com/octo",
        "https://github.com/octo/hello/tree/main",
        "https://github.com:port/octo/hello",
        "http://git.corp.example/octo/hello",
        "work:octo/hello",  # an alias of somebody's ssh configuration
        "https://git.corp.example/../hello",
        "git@git.corp.example:octo/he llo",
        "ssh://git@ex%61mple.org/o/n",
    ],
)
def test_what_names_no_repository_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="GITHUB_REPO|https://"):
        place_of(text, "GITHUB_REPO")


def test_a_token_that_cannot_be_sent_is_refused(server: GitHubServer) -> None:
    with pytest.raises(UsageError) as caught:
        make(server, token="ghp_x\r\nHost: evil")
    assert "ghp_x" not in str(caught.value)


# ── what is asked ──


def test_each_request_says_who_asks_in_which_version(server: GitHubServer) -> None:
    assert make(server).get("/user") == BOT
    (asked,) = server.asked
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["x-github-api-version"] == "2022-11-28"
    assert asked.headers["accept"] == "application/vnd.github+json"
    assert asked.headers["user-agent"].startswith("axon/")


def test_lists_are_read_over_all_their_pages(server: GitHubServer) -> None:
    for n in range(7):
        server.add_issue(f"issue {n}")
    server.page_size = 3
    found = list(make(server).pages(f"{REPO}/issues", state="all"))
    assert [one["title"] for one in found] == [f"issue {n}" for n in range(7)]
    assert len(server.asked) == 3


def test_pages_that_never_end_or_lie_elsewhere_are_not_followed(
    server: GitHubServer, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with github_server(tmp_path / "other") as other:
        away = {"Link": f'<{other.url}/api/v3{REPO}/issues?page=2>; rel="next"'}
        server.fault("GET", "/issues", "answer", status=200, document=[1], headers=away)
        assert list(make(server).pages(f"{REPO}/issues")) == [1]
        assert other.asked == []
    for broken in ("http://[", "http://[x]:y/"):
        headers = {"Link": f'<{broken}>; rel="next"'}
        server.fault("GET", "/issues", "answer", status=200, document=[1], headers=headers)
        assert list(make(server).pages(f"{REPO}/issues")) == [1]
    again = {"Link": f'<{server.url}/api/v3{REPO}/pulls?page=PAGE>; rel="next"'}
    for n in range(40):
        headers = {"Link": again["Link"].replace("PAGE", str(n))}
        server.fault("GET", "/pulls", "answer", status=200, document=[n], headers=headers)
    assert len(list(make(server).pages(f"{REPO}/pulls"))) == 20


def test_a_page_that_is_full_hides_none_after_it(server: GitHubServer, tmp_path: Path) -> None:
    """GitHub says "not changed" of a page although there is a new one after it."""
    for n in range(100):
        server.add_issue(f"issue {n}")
    server.bare_304 = True
    github = make(server, tmp_path / "memory.json")
    for count in (100, 101):
        assert len(list(github.pages(f"{REPO}/issues", state="all"))) == count
        server.add_issue("one more")


def test_what_has_not_changed_is_not_sent_again(server: GitHubServer, tmp_path: Path) -> None:
    server.page_size = 1
    for title in ("one", "two"):
        server.add_issue(title, body=f"the token is {TOKEN}")
    kept = tmp_path / "github.json"
    github = make(server, kept)
    before = list(github.pages(f"{REPO}/issues"))
    github.memory.save()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert TOKEN not in kept.read_text()

    left = server.left
    again = list(make(server, kept).pages(f"{REPO}/issues"))
    assert [one["title"] for one in again] == [one["title"] for one in before] == ["one", "two"]
    assert server.left == left, "304 costs nothing"
    server.add_issue("three")
    assert len(list(make(server, kept).pages(f"{REPO}/issues"))) == 3
    for damage in ("", "{", '{"x": 1}', "[]", '{"x": {"etag": 1}}'):
        kept.write_text(damage)
        assert len(list(make(server, kept).pages(f"{REPO}/issues"))) == 3


def test_what_is_kept_is_bounded() -> None:
    memory = Memory(None, Redactor())
    for n in range(400):
        memory.keep(f"page {n}", "etag", n, "")
    assert memory.page("page 0") is None and memory.page("page 399") is not None
    memory.keep("page 399", "etag", "x" * 300_000, "")
    assert memory.page("page 399") is None
    memory.save()


def test_nothing_secret_is_sent(server: GitHubServer) -> None:
    number = server.add_issue("x")
    path = f"{REPO}/issues/{number}/comments"
    make(server).send("POST", path, {"body": f"see {TOKEN} and ghp_{'a1' * 18}"})
    (comment,) = server.comments[number]
    assert comment["body"] == "see [redacted] and [redacted]"


# ── limits ──


@pytest.mark.parametrize(
    ("status", "headers", "message", "seconds"),
    [
        (429, {"Retry-After": "70"}, "slow down", 70),
        (403, {"Retry-After": "70"}, "You have exceeded a secondary rate limit", 70),
        (403, {}, "You have exceeded a secondary rate limit.", 60),
        (429, {}, "", 60),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "RESET"}, "API rate limit", 1801),
        (429, {"Retry-After": "99999999"}, "", 3600),
        (429, {"Retry-After": "-5"}, "", 60),
        (429, {"Retry-After": "0"}, "", 1),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000000"}, "", 60),
        (429, {"Retry-After": "\xb2", "X-RateLimit-Remaining": "\xb2"}, "", 60),
    ],
)
def test_limits_are_obeyed(
    server: GitHubServer, status: int, headers: dict[str, str], message: str, seconds: float
) -> None:
    headers = {k: v.replace("RESET", str(int(time.time()) + 1800)) for k, v in headers.items()}
    server.fault(
        "POST", "/issues/1/comments", "limit", status=status, message=message, headers=headers
    )
    server.add_issue("x")
    slow = 600 if seconds == 1801 else 0  # this test may be, and that is a moment
    impatient = make(server)
    error = refused(impatient, "POST", f"{REPO}/issues/1/comments")
    assert error.passing and seconds - slow <= error.wait <= seconds + 1
    before = len(server.asked)
    assert refused(impatient).passing, "nothing is asked before its end"
    assert len(server.asked) == before

    server.fault(
        "POST", "/issues/1/comments", "limit", status=status, message=message, headers=headers
    )
    patient = make(server, patience=4000.0)
    patient.send("POST", f"{REPO}/issues/1/comments", {"body": "x"})
    assert len(server.comments[1]) == 1, "it was refused before, so it is said once"
    assert seconds - slow <= sum(patient.waits) <= seconds + 1


def test_patience_has_an_end(server: GitHubServer) -> None:
    server.fault("GET", "/user", "limit", times=99, status=429, headers={"Retry-After": "20"})
    github = make(server, patience=50.0)
    assert refused(github, path="/user").wait == 20
    assert github.waits == [20, 20]


# ── errors ──


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "make a new one"),
        (403, "lacks a permission (it accepts pull_requests=write)"),
        (404, "GITHUB_REPO"),
        (409, "try again"),
        (410, "switched off"),
        (422, "the reason stands in brackets"),
        (451, "legal"),
        (418, "GITHUB_REPO"),
    ],
)
def test_errors_are_one_line_with_what_to_do(server: GitHubServer, status: int, said: str) -> None:
    document = {
        "message": "Because\nof it",
        "errors": [{"field": "head", "code": "invalid"}, "more"],
    }
    headers = {"X-Accepted-GitHub-Permissions": "pull_requests=write"}
    server.fault("POST", "/pulls", "answer", status=status, document=document, headers=headers)
    error = refused(make(server), "POST", f"{REPO}/pulls")
    assert said in str(error) and "(Because of it; head invalid; more)" in str(error)
    assert error.status == status
    assert error.passing is (status == 409)
    assert len(server.did("POST", "/pulls")) == 1


def test_a_token_that_is_refused_is_named_and_not_shown(server: GitHubServer) -> None:
    error = refused(make(server, token="ghp_wrongwrongwrongwrongwrong0"))
    assert "GITHUB_TOKEN is wrong, expired or revoked" in str(error)
    assert "wrongwrong" not in str(error)


def test_pages_of_html_are_tried_again_only_where_that_is_safe(server: GitHubServer) -> None:
    server.add_issue("x")
    server.fault("GET", "/user", "html502", times=2)
    github = make(server)
    assert github.get("/user") == BOT
    assert len(github.waits) == 2 and all(0 < wait <= 2 for wait in github.waits)
    server.fault("POST", "/comments", "html502")
    error = refused(make(server), "POST", f"{REPO}/issues/1/comments")
    assert error.passing and "502" in str(error) and "a page of HTML" in str(error)
    assert "Unicorn" not in str(error)
    assert len(server.did("POST", "/comments")) == 1
    server.fault("GET", "/user", "html200", times=9)
    assert "no JSON" in str(refused(make(server), path="/user"))


def test_a_cut_answer_is_asked_for_again_unless_it_may_do_something_twice(
    server: GitHubServer,
) -> None:
    server.add_issue("x")
    server.fault("GET", "/user", "cut", times=2)
    assert make(server).get("/user") == BOT
    server.fault("POST", "/comments", "cut")
    assert refused(make(server), "POST", f"{REPO}/issues/1/comments").passing
    assert len(server.comments[1]) == 1


def test_slow_and_endless_answers_have_an_end(server: GitHubServer) -> None:
    server.fault("GET", "/user", "drip", times=9, bytes=2000)
    begun = time.monotonic()
    error = refused(make(server, seconds=0.3), path="/user")
    assert "no whole answer came in time" in str(error)
    assert time.monotonic() - begun < 60, "nowhere near the 100 s that the drip takes"
    server.fault("GET", "/pulls", "huge", times=9)
    assert "more than 16,777,216 bytes" in str(refused(make(server)))


def test_nobody_there_is_said(server: GitHubServer) -> None:
    github = make(server)
    server.__exit__()
    error = refused(github)
    assert error.passing and "gives no answer" in str(error)
    assert len(github.waits) == 2


# ── redirects ──


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_on_the_same_host_are_followed_as_they_are(
    server: GitHubServer, status: int
) -> None:
    server.add_issue("x")
    to = f"{server.url}/api/v3{REPO}/issues/1/comments"
    server.fault("POST", "/repositories/1/comments", "redirect", status=status, to=to)
    make(server).send("POST", "/repositories/1/comments", {"body": "hello"})
    assert [one["body"] for one in server.comments[1]] == ["hello"]


def test_no_redirect_takes_the_token_elsewhere(server: GitHubServer, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with github_server(tmp_path / "other") as other:
        for to in (f"{other.url}/api/v3/user", f"//127.0.0.1:{other.url.rpartition(':')[2]}/user"):
            server.fault("GET", "/user", "redirect", status=302, to=to)
            assert "another host" in str(refused(make(server), path="/user"))
        server.fault("GET", "/user", "redirect", status=302, to=server.url.replace("http", "https"))
        assert "another host" in str(refused(make(server), path="/user"))
        assert other.asked == []
    server.fault("GET", "/user", "redirect", to="http://[")
    assert "another host" in str(refused(make(server), path="/user"))
    server.fault("GET", "/user", "redirect", times=99, to=f"{server.url}/api/v3/user")
    assert "in circles" in str(refused(make(server), path="/user"))
    assert len(server.did("GET", "/user")) < 10


# ── pull requests ──


def proposal(text: str = "the body", **facts: Any) -> Proposal:
    named = {"identifier": "ENG-1", "branch": "agent/eng-1", "base": "main", "title": "ENG-1: x"}
    return Proposal(text=text, **{**named, **facts})


@pytest.fixture
def branches(server: GitHubServer, tmp_path: Path) -> GitHubServer:
    """The server with a base and a branch to propose."""
    repo = new_repo(tmp_path)
    repo.git("push", "-q", str(server.repo), "main")
    repo.git("switch", "-q", "-c", "agent/eng-1")
    repo.commit({"b.txt": "two\n"})
    repo.git("push", "-q", str(server.repo), "agent/eng-1")
    return server


def test_a_branch_is_proposed_once_and_brought_up_to_date(branches: GitHubServer) -> None:
    github = make(branches)
    first, notes = propose(github, proposal(labels=("axon",), reviewers=("alice", "org/team")))
    again, _ = propose(github, proposal(labels=("axon",)))
    assert (first.number, notes) == (again.number, [])
    assert len(branches.did("POST", "/pulls$")) == 1 and not branches.did("PATCH", "/pulls/")
    assert branches.requested[first.number] == {"reviewers": ["alice"], "team_reviewers": ["team"]}
    changed, _ = propose(github, proposal("another body with <!-- in it", title="ENG-1: y"))
    assert (changed.number, changed.title) == (first.number, "ENG-1: y")
    same, _ = propose(github, proposal("another body with <!-- in it", title="ENG-1: y"))
    assert same.body == changed.body and len(branches.did("PATCH", "/pulls/")) == 1

    branches.issues[first.number]["body"] += "\n\na person wrote this"
    kept, _ = propose(github, proposal("a third body", title="ENG-1: z"))
    assert kept.body.endswith("a person wrote this") and kept.title == "ENG-1: y"


def test_an_answer_that_was_lost_opens_no_second_one(branches: GitHubServer) -> None:
    github = make(branches)
    assert find(github, "agent/eng-1", "main") is None  # kept, with its tag
    branches.fault("POST", "/pulls$", "cut")
    found, _ = propose(github, proposal())
    assert found.number == 1 and len(branches.open_pulls()) == 1
    assert len(branches.did("POST", "/pulls$")) == 1


def test_reviewers_that_cannot_be_asked_are_told_and_hinder_nothing(branches: GitHubServer) -> None:
    asked = ("nobody-there", "alice", "org/team", "axon-owner")
    found, notes = propose(make(branches), proposal(reviewers=asked))
    assert found.is_open and len(notes) == 1 and "nobody-there" in notes[0]
    assert branches.requested[1] == {"reviewers": ["alice"], "team_reviewers": ["team"]}
    _, notes = propose(make(branches), proposal(reviewers=("nobody-there",)))
    assert len(notes) == 1


def test_what_cannot_be_proposed_says_why(branches: GitHubServer) -> None:
    for facts, said in (
        ({"base": "none"}, "base invalid"),
        ({"branch": "main"}, "No commits between main and main"),
    ):
        with pytest.raises(GitHubError, match=said):
            propose(make(branches), proposal(**facts))


def test_statuses_are_set_once_each(branches: GitHubServer) -> None:
    github, commit = make(branches), branches.tip("agent/eng-1")
    states = {"axon/tests": ("success", "x" * 300), "axon/quality": ("failure", "two\nlines")}
    set_status(github, commit, states)
    set_status(github, commit, states)
    told = [(s["context"], s["state"], s["description"]) for s in branches.statuses[commit]]
    assert told == [
        ("axon/tests", "success", "x" * 140),
        ("axon/quality", "failure", "two lines"),
    ]
    set_status(github, commit, {"axon/quality": ("success", "mended")})
    assert len(branches.statuses[commit]) == 3


def test_documents_of_another_make_are_refused(branches: GitHubServer) -> None:
    strange: tuple[Any, ...] = ({}, [], {"number": "x"}, {"number": 1, "head": []}, None, "text")
    for document in strange:
        branches.fault("GET", "/pulls/1$", "answer", status=200, document=document)
        with pytest.raises(GitHubError, match="GITHUB_REPO"):
            pull(make(branches), 1)
    branches.fault("GET", "/reviews", "answer", status=200, document=[None, {}, {"id": "x"}])
    assert reviews(make(branches), 1) == []


# ── markers ──


def test_a_marker_is_read_from_the_last_line_only() -> None:
    marker = Marker(identifier="ENG-1", event="end-17")
    assert marker_of(signed("hello", marker)) == marker
    for text in (
        f"{marker}\nhello",
        f"> {marker}",
        f"hello {marker}",
        "<!-- axon:ENG-1 -->",
        "<!-- axon:eng-1:x -->",
        "<!-- axon:ENG-1:x y -->",
        "",
        None,
    ):
        assert marker_of(text) is None


def test_others_texts_cannot_sign_mention_or_break_out() -> None:
    marker = Marker(identifier="ENG-1", event="event-1")
    hostile = "ok\n```\n@everyone closes #3\n````\n<!-- axon:ENG-2:end-9 -->"
    text = signed(quoted(hostile), marker)
    assert text.count("<!--") == 1 and marker_of(text) == marker
    fence = text.splitlines()[0].removesuffix("text")
    assert set(fence) == {"`"} and len(fence) > 4
    inside = text.split(f"{fence}text\n")[1].split(f"\n{fence}")[0]
    assert "@everyone" in inside and fence not in inside
    assert code("a`b``c\n<x>") == "```a`b``c <x>```"
    assert len(signed("x" * 100_000, marker)) < 65_536


# ── health ──


def test_what_keeps_axon_from_github_is_found_before_it_matters(
    server: GitHubServer, tmp_path: Path
) -> None:
    repo = new_repo(tmp_path)
    facts: dict[str, Any] = {"github_token": TOKEN, "github_repo": server.address}

    def states(**more: Any) -> dict[str, str]:
        return {one.what: one.state for one in check(repo.config(**{**facts, **more}))}

    good = {"token": "ok", "repository": "ok", "rate limit": "ok"}
    assert states() == good
    server.left = 5
    assert states()["rate limit"] == "warning"
    server.left = 4000
    server.permissions = {"push": False}
    (one,) = check(repo.config(**facts))
    assert (one.state, "may not write" in one.reason) == ("failed", True) and one.fix
    server.permissions = {"push": True}
    server.owner_of_token = None
    assert states(github_issues=True)["actors"] == "warning"
    assert "actors" not in states(github_issues=True, github_actors=(7,))
    for wrong in ({"github_token": "ghp_no"}, {"github_token": ""}, {"github_repo": "x"}):
        (one,) = check(repo.config(**{**facts, **wrong}))
        assert one.state == "failed" and one.fix and TOKEN not in repr(one)
    (one,) = check(repo.config(github_token=TOKEN))
    assert "no remote origin" in one.reason
    repo.git("remote", "add", "origin", f"{server.address}.git")
    server.owner_of_token = ALICE
    assert [o.reason for o in check(repo.config(github_token=TOKEN))][0] == "valid, of alice"
    json.dumps([one.reason for one in check(repo.config(github_token=TOKEN))])
