"""A person works in the checkout while a team lands on it: nothing of theirs is lost, nor of it."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.drive import Axon, wait_for
from tests.test_stopped import events, ledger_of
from tests.test_team import add, shell

FULL = bool(os.environ.get("AXON_STORM"))
AT_ONCE = 2 if FULL else 1  # tasks between two things that the person does
BUSY = (".lock", "cannot lock ref", "but expected")  # what git says while somebody else moves it


class Person:
    """Somebody who uses git in the project, and tries again when it is busy."""

    def __init__(self, axon: Axon) -> None:
        self.axon = axon
        self.added = 0

    def git(self, *words: str) -> str:
        """What git says. It may be busy for a moment; then it is asked again."""
        said = ""

        def asked() -> bool:
            nonlocal said
            done = subprocess.run(
                ["git", "-c", "user.name=mia", "-c", "user.email=mia@localhost", *words],
                cwd=self.axon.root, env=self.axon.environment,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert not done.returncode or any(sign in done.stderr for sign in BUSY), done.stderr
            said = done.stdout.strip()
            return not done.returncode

        wait_for(asked, 30)
        return said

    def commit(self, name: str, *options: str) -> str:
        (self.axon.root / name).write_text(f"{name} of mia\n")
        self.git("add", name)
        self.git("commit", "-qm", f"mia: {name}", *options, "--", name)
        return self.git("log", "-1", "--format=%H", "--", name)

    def give(self) -> None:
        """Something to do for the team."""
        for _ in range(AT_ONCE):
            self.added += 1
            name = f"file{self.added}"
            add(self.axon, name, f"echo {name} > {name}", "--check", f"test -s {name}")

    def see(self) -> None:
        """All of it has landed."""
        wait_for(lambda: len(events(self.axon, "land")) >= self.added, 90)

    def on_main(self, commit: str) -> bool:
        """Whether it is on the target, or beside it."""
        holders = self.git("branch", "--format=%(refname:short)", "--contains", commit).split()
        return bool({"main", "axon/main"} & set(holders))


def _work_on_a_branch(person: Person, kept: list[str]) -> None:
    """Which is rebased, and merged back."""
    person.git("checkout", "-qb", "feature")
    person.commit("feature")
    person.give()
    person.see()
    person.git("rebase", "-q", "main")
    kept.append(person.git("rev-parse", "feature"))
    person.git("checkout", "-q", "main")
    person.git("merge", "-q", "--no-edit", "feature")


@pytest.mark.timeout(300)
def test_a_person_works_in_the_checkout_of_a_team(axon: Axon, tmp_path: Path) -> None:
    axon.make_repository()
    shell(axon)
    axon.ok("init")
    person, kept = Person(axon), []
    far = tmp_path / "far.git"
    person.git("clone", "-q", "--bare", ".", str(far))
    person.git("remote", "add", "origin", str(far))
    away = tmp_path / "away"
    person.git("clone", "-q", str(far), str(away))
    (away / "theirs").write_text("theirs\n")
    person.git("-C", str(away), "add", "-A")
    person.git("-C", str(away), "commit", "-qm", "of a colleague")
    person.git("-C", str(away), "push", "-q")
    kept.append(person.git("-C", str(away), "rev-parse", "HEAD"))

    person.give()
    team = axon.start("team", "--watch", "--workers", "2")
    person.see()

    # an edit that is not committed: work lands beside
    (axon.root / "README.md").write_text("edited by mia\n")
    person.give()
    person.see()
    assert (axon.root / "README.md").read_text() == "edited by mia\n"
    assert events(axon, "landed_beside")
    kept.append(person.commit("README.md"))
    assert person.git("show", "HEAD:README.md") == "README.md of mia"

    # commits, one of them amended, while more lands
    person.give()
    kept.append(person.commit("notes"))
    person.commit("draft")
    kept.append(person.commit("draft", "--amend"))
    person.see()

    # a pull
    person.give()
    person.git("pull", "-q", "--no-rebase", "--no-edit", "origin", "main")
    if FULL:
        person.see()
        _work_on_a_branch(person, kept)

    # branches of tasks are deleted, and there is a stash
    (axon.root / "README.md").write_text("for later\n")
    person.git("stash", "-q")
    person.give()
    for branch in person.git("branch", "--format=%(refname:short)", "--list", "agent/*").split():
        subprocess.run(["git", "branch", "-qD", branch], cwd=axon.root, check=False)
    person.see()

    # the target is set back to before what landed last
    before = person.git("rev-parse", "HEAD")
    person.git("reset", "-q", "--hard", "HEAD^")
    person.give()
    person.see()

    axon.ok("stop")
    _, err = team.communicate(timeout=90)
    assert team.returncode == 130 and "Traceback" not in err
    axon.ok("land", "--all")  # brings over what is still beside

    tasks = axon.tasks()
    assert [t["state"] for t in tasks] == ["done"] * person.added
    with ledger_of(axon) as ledger:
        counts = ledger.counts()
    assert counts["done"] == len(events(axon, "land")) == person.added
    assert all(person.on_main(commit) for commit in kept)
    everywhere = person.git("rev-list", "--all").split()
    assert before in everywhere or person.git("cat-file", "-t", before) == "commit"
    dropped = [t for t in tasks if not person.on_main(t["landed_commit"])]
    assert len(dropped) <= AT_ONCE, "none but what the person has set back"
    assert all(t["landed_commit"] in everywhere for t in dropped), "and that is kept"
    assert person.git("show", "stash@{0}:README.md") == "for later"
    assert person.git("status", "--porcelain") == ""
    assert person.git("fsck", "--no-dangling", "--no-progress") == ""
    axon.ok("ledger", "check")
