"""A team whose work becomes pull requests: the built file, real git, a GitHub on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drive import Axon
from tests.github_server import TOKEN, GitHubServer, github_server
from tests.test_team import add, shell


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubServer]:
    with github_server(tmp_path) as server:
        yield server


@pytest.fixture
def team(axon: Axon, github: GitHubServer) -> Axon:
    axon.make_repository()
    shell(axon, gate={"command": "test -e README.md"})
    credentials = github.address.replace("//", f"//x:{TOKEN}@")
    axon.git("push", "-q", f"{credentials}.git", "main")
    axon.git("remote", "add", "origin", f"{github.address}.git")
    axon.variables |= {"GITHUB_TOKEN": TOKEN}
    return axon


def test_good_work_becomes_one_pull_request_and_its_merge_ends_the_task(
    team: Axon, github: GitHubServer
) -> None:
    team.variables |= {"GITHUB_REVIEWERS": "alice"}
    add(team, "write a", "echo a > a")

    done = team("team", "--land", "pr")

    assert done.returncode == 0, done.stderr
    (pull,) = github.open_pulls()
    assert team.task("ENG-1")["state"] == "review"
    print(pull["body"], github.statuses)
    github.merge(pull["number"])
    print(team.ok("github", "pull"))
    task = team.task("ENG-1")
    assert task["state"] == "done"
