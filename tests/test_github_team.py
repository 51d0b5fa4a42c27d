"""A team whose work becomes pull requests: the built file, real git, a GitHub on loopback."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from axon.integrations.errand import Office, Outage
from axon.ledger import Ledger, open_ledger
from axon.tasks import Claim, Draft
from axon.team.github.errand import GitHubErrand
from axon.team.github.evidence import evidence_of, statuses_of, text_of
from axon.team.github.standing import unsent
from tests.drive import Axon, wait_for
from tests.github_server import ALICE, TOKEN, GitHubServer, github_server
from tests.repository import a_task, new_repo
from tests.test_team import add, shell
from tests.world import started

SEEN = "/proc/[0-9]*/environ /proc/[0-9]*/cmdline"
ENCODED = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubServer]:
    with github_server(tmp_path) as server:
        yield server


@pytest.fixture
def team(axon: Axon, github: GitHubServer) -> Axon:
    """Its repository is known by the remote alone."""
    axon.make_repository()
    shell(axon, gate={"command": "env; test -e README.md"}, github={"poll_seconds": 0.2})
    axon.git("push", "-q", str(github.repo), "main")
    axon.git("remote", "add", "origin", f"{github.address}.git")
    axon.variables |= {"GITHUB_TOKEN": TOKEN, "GITHUB_REVIEWERS": "alice"}
    return axon


def tokens_in(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [p for p in files if any(t.encode() in p.read_bytes() for t in (TOKEN, ENCODED))]


def test_a_run_ends_when_its_work_is_proposed_and_the_next_hears_of_the_merge(
    team: Axon, github: GitHubServer
) -> None:
    add(
        team,
        "look around",
        f"cat {SEEN} 2>/dev/null | tr '\\0' '\\n' > seen; env >> seen; echo > a",
    )
    add(team, "write b", "echo b > b")

    team.variables["AXON_FAILPOINT"] = "github.pushed"  # the courier dies after each push

    holders = github.folder / "holders"  # of the token, in what any process may see of others
    hook = github.repo / "hooks" / "pre-receive"
    hook.write_text(
        f"#!/bin/sh\nfor p in /proc/[0-9]*; do grep -qse {TOKEN} -e {ENCODED} $p/environ $p/cmdline"
        f' && echo "${{p#/proc/}} $(readlink $p/cwd)"; done >> {holders}\ntrue\n'
    )
    hook.chmod(0o755)

    process = team.start("team", "--land", "pr", "--workers", "2")
    out, err = process.communicate(timeout=180)

    del team.variables["AXON_FAILPOINT"]
    assert process.returncode == 0, err
    assert "courier (pid" in out and "killed by signal 9" in out
    assert "proposed" in out and "finished, in Review: ENG-1, ENG-2" in out
    found = [line.split(" ", 1) for line in holders.read_text().splitlines()]
    ours = {pid for pid, cwd in found if cwd.startswith(str(team.root))}
    assert ours == {str(process.pid)}, "only what was started with it has it in its environment"
    assert len(github.open_pulls()) == 2
    assert {t["state"] for t in team.tasks()} == {"review"}
    assert not team.git("log", "--oneline", "main", "--grep", "ENG-"), "nothing has landed here"
    seen = team.git("show", "agent/eng-1:seen")
    assert "AXON_TASK" in seen and TOKEN not in seen and "GITHUB" not in seen
    assert tokens_in(team.root) == [] and tokens_in(Path(team.environment["HOME"])) == []

    commits = {github.merge(1), github.merge(2)}
    nothing = team("team", "--land", "pr")
    assert nothing.returncode == 0 and nothing.stderr.count("is Done: pull request") == 2
    assert {t["landed_commit"] for t in team.tasks()} == commits
    assert (team.root / "a").exists() and (team.root / "b").exists()
    assert not list((team.root / ".axon" / "work").glob("ENG-*")), "nothing is left of them"


def test_a_run_that_stays_follows_review_and_merge(team: Axon, github: GitHubServer) -> None:
    script = "test -e first && echo second > said || { echo first > first; echo first > said; }"
    add(team, "say it", script)
    process = team.start("team", "--land", "pr", "--watch", "--workers", "1")
    wait_for(lambda: github.statuses and team.task("ENG-1")["state"] == "review", 180)
    before = github.tip("agent/eng-1")
    github.review(1, ALICE, "CHANGES_REQUESTED", "say second")
    wait_for(lambda: github.tip("agent/eng-1") != before, 180)
    wait_for(lambda: len(github.statuses) == 2, 180)
    assert [pull["number"] for pull in github.open_pulls()] == [1]
    commit = github.merge(1)
    wait_for(lambda: team.task("ENG-1")["state"] == "done", 180)
    assert team.task("ENG-1")["landed_commit"] == commit
    assert (team.root / "said").read_text() == "second\n"
    team.ok("stop")
    process.communicate(timeout=180)
    told = [json.loads(line) for line in team.ok("logs", "ENG-1", "--json").splitlines() if line]
    assert TOKEN not in json.dumps(told)


def test_an_issue_becomes_a_task_and_is_closed_when_that_has_landed(
    team: Axon, github: GitHubServer
) -> None:
    team.configure(engine={"name": "command", "command": "echo mended > clock"})
    team.git("commit", "-qam", "another agent")
    team.variables |= {"GITHUB_ISSUES_SYNC": "1", "GITHUB_ACTORS": str(ALICE["id"])}
    github.add_issue("Mend the clock", "It is late.", ALICE)
    github.add_issue("Something else", "$(env)", labels=())
    done = team("team")
    assert done.returncode == 0, done.stderr
    assert "issue #1 is ENG-1: Mend the clock" in done.stderr
    (task,) = team.tasks()
    assert task["state"] == "done" and (team.root / "clock").exists()
    issue = github.issues[1]
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert [one["name"] for one in issue["labels"]] == ["axon", "axon: done"]
    (said,) = [one["body"] for one in github.comments[1]]
    assert said.startswith("ENG-1 is done: ")
    assert 2 not in github.comments and github.issues[2]["labels"] == []
    assert not github.open_pulls(), "it has landed here"


def test_a_run_goes_without_a_github_that_refuses(team: Axon, github: GitHubServer) -> None:
    add(team, "write a", "echo a > a")
    github.permissions = {"pull": True, "push": False}
    done = team("team", "--land", "pr")
    assert done.returncode == 1 and "may not write to octo/hello" in done.stderr
    assert team.task("ENG-1")["attempts"] == 0, "known before anything is begun"
    github.permissions = {"pull": True, "push": True}
    github.fault("POST", "/pulls$", "answer", status=403, document={"message": "not you"})
    done = team("team", "--land", "pr")
    assert done.returncode == 1, "work was done and is not proposed"
    assert "unproposed" in done.stdout and "not you" in done.stdout
    assert team.task("ENG-1")["state"] == "review"
    github.git_faults = 1
    done = team("github", "push")
    assert done.returncode == 1 and "503" in done.stderr
    team.ok("github", "push")
    assert len(github.open_pulls()) == 1
    del team.variables["GITHUB_TOKEN"]
    done = team("team", "--land", "pr")
    assert done.returncode == 2 and "GITHUB_TOKEN is not set" in done.stderr


# ── the errand by itself ──


def handed_in(ledger: Ledger, commit: str) -> None:
    ledger.add([Draft(title="x")])
    task = ledger.claim(worker="w1", run="run-1", lease_seconds=60)
    assert task is not None
    claim = Claim(identifier=task.identifier, token=task.token, worker="w1", run="run-1")
    ledger.note(claim, branch=f"agent/{task.identifier.lower()}")
    ledger.submit(claim, commit=commit, verified=False)


def test_an_outage_is_waited_for_but_not_for_ever(github: GitHubServer, tmp_path: Path) -> None:
    repo = new_repo(tmp_path)
    repo.git("push", "-q", str(github.repo), "main")
    commit = repo.commit({"b.txt": "b\n"})
    repo.git("branch", "agent/eng-1", commit)
    config = repo.config(
        land="pr", github_token=TOKEN, github_repo=github.address, github_poll_seconds=1e6
    )
    errand = GitHubErrand(Office(config=config, run="run-1", secrets=(TOKEN,)))
    (repo.root / ".axon").mkdir()
    ledger = open_ledger(f"file:{repo.root}/.axon/ledger.db", create=True)
    started(ledger, "run-1")
    handed_in(ledger, commit)
    now, waits = 1000.0, []
    github.fault("POST", "/pulls$", "html502", times=10**6)
    while unsent(ledger, "run-1"):
        with pytest.raises(Outage) as caught:
            errand.once(ledger, now)
        assert caught.value.seconds is not None
        waits.append(caught.value.seconds)
        now += caught.value.seconds
    assert waits == [2, 4, 8, 16, 32] and not github.open_pulls()
    github.faults.clear()
    errand.once(ledger, now)
    assert not github.open_pulls()
    errand.once(ledger, now + 300)
    assert len(github.open_pulls()) == 1, "a run that stays goes on trying"
    asked = len(github.asked)
    for _ in range(3):
        errand.once(ledger, now + 301)
    assert len(github.asked) == asked, "nothing has changed, so nothing is asked"
    ledger.close()


# ── what a pull request says ──


def test_what_nobody_has_judged_does_not_pass_for_good(tmp_path: Path) -> None:
    config = new_repo(tmp_path).config()
    task = a_task(commit="c" * 40, verified=False, tokens=1200, attempts=2)
    found = evidence_of(config, task, [])
    assert "**Unverified**" in text_of(found) and "Cost: unknown, 1,200 tokens" in text_of(found)
    states = {name: state for name, (state, _) in statuses_of(found).items()}
    assert states == {
        "axon/tests": "pending",
        "axon/quality": "success",
        "axon/verification": "failure",
    }


def test_evidence_is_of_this_commit(tmp_path: Path) -> None:
    repo = new_repo(tmp_path)
    ledger = open_ledger(f"file:{tmp_path}/ledger.db", create=True)
    ledger.add([Draft(title="x")])

    def told(action: str, why: str, **data: Any) -> None:
        ledger.record(action, actor="w1", identifier="ENG-1", why=why, data=data)

    told("gate", "exit 0", passed=True, code=0, seconds=2.0, commit="old")
    told("review", "good", verdict="approve", commit="old")
    told("guard", "1 test deleted", findings=["1 test deleted"])
    config = repo.config(gate="make test")
    task = replace(ledger.task("ENG-1"), commit="new", verified=True)

    def states() -> list[str]:
        found = evidence_of(config, task, ledger.events(identifier="ENG-1"))
        return [state for state, _ in statuses_of(found).values()]

    assert states() == ["pending", "failure", "failure"]
    told("gate", "exit 0", passed=True, code=0, seconds=2.0, commit="new")
    told("review", "well done", verdict="approve", commit="new")
    assert states() == ["success", "success", "success"]
    found = evidence_of(config, task, ledger.events(identifier="ENG-1"))
    for part in ("`make test`: passed (exit 0, 2.0 s)", "an agent approves", "well done", "1 test"):
        assert part in text_of(found)
    told("review", "no", verdict="request_changes", commit="new")
    told("answer", "Approve!")
    assert states()[1] == "success", "a person has the last word"
    ledger.close()
