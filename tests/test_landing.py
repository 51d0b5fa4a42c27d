"""Work lands once, judged on the merged tree, and never under a person's hands."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from axon.commands import gc as gc_command
from axon.commands import land as land_command
from axon.config import Config
from axon.errors import Forbidden
from axon.ledger import Ledger, Run, open_ledger
from axon.tasks import Claim, Draft, State, Task
from axon.team.crew import Crew
from axon.team.landing import Deferred, Landed, Rejected, bring_over, land, recover, serve
from axon.team.landing.lander import Lander, to_land
from axon.team.landing.places import SEAL
from axon.team.processes import start_time
from axon.team.project import Project, hold, open_project
from axon.team.workspace import commit_all, prepare, publish
from tests.repository import ENVIRONMENT, Repo, a_task, die, is_running, new_repo, wait_for

Files = dict[str, str | None]


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return new_repo(tmp_path)


def submitted(
    repo: Repo, files: Files, identifier: str = "ENG-1", message: str = "work", **facts: Any
) -> Task:
    """A task whose agent has changed those files."""
    project = repo.project()
    workspace = prepare(project, a_task(identifier))
    repo.write(files, workspace.path)
    commit = commit_all(project, workspace, message)
    publish(project, workspace)
    facts = {"title": f"Task {identifier}", **facts}
    return a_task(identifier, commit=commit, branch=workspace.branch, state=State.REVIEW, **facts)


def landed(project: Project, task: Task) -> Landed:
    outcome = land(project, task)
    assert isinstance(outcome, Landed), outcome
    return outcome


def land_only(config: Config, task: Task) -> None:
    landed(open_project(config), task)


# ── landing one ──


def test_a_task_lands_as_one_merge_commit_and_the_checkout_follows(repo: Repo) -> None:
    task = submitted(repo, {"b ü.txt": "b\n", "tests/test_a.py": None}, title="Fix\n\nthe  thing")
    outcome = landed(repo.project(gate="test -f 'b ü.txt' && echo fine"), task)
    assert outcome.commit == repo.tip()
    assert (outcome.target, outcome.verified, outcome.beside) == ("main", True, "")
    assert outcome.gate and outcome.gate.output == "fine\n"
    assert repo.tip("main^2") == task.commit
    message = repo.git("log", "-1", "--format=%B")
    assert message == "Merge ENG-1: Fix the thing\n\nAxon-Task: ENG-1\nAxon-Gate: passed"
    assert (repo.root / "b ü.txt").read_text() == "b\n"
    assert not (repo.root / "tests").exists()
    assert repo.status() == ""
    assert repo.git("log", "-1", "--format=%an <%ae>") == "Person <person@example.org>"


def test_without_a_gate_it_lands_unverified(repo: Repo) -> None:
    outcome = landed(repo.project(), submitted(repo, {"b": "b"}))
    assert outcome.verified is False and outcome.gate is None


def test_the_tasks_own_check_replaces_the_gate(repo: Repo) -> None:
    project = repo.project(gate="exit 1")
    assert landed(project, submitted(repo, {"b": "b"}, check="test -f b")).verified


def test_a_gate_that_is_red_on_the_merge_sends_it_back(repo: Repo) -> None:
    one = submitted(repo, {"one": "1"}, "ENG-1")
    two = submitted(repo, {"two": "2"}, "ENG-2")  # each is good, both together are not
    project = repo.project(gate="! (test -f one && test -f two) || { echo both; exit 4; }")
    landed(project, one)
    before = repo.tip()
    outcome = land(project, two)
    assert isinstance(outcome, Rejected)
    assert outcome.why == "gate on the merge: exit 4: both"
    assert outcome.feedback == "both\n"
    assert repo.tip() == before and repo.status() == ""


def test_a_conflict_sends_it_back_with_the_conflict(repo: Repo) -> None:
    one = submitted(repo, {"a.txt": "mine\n", "ü b.txt": "mine\n"}, "ENG-1")
    two = submitted(repo, {"a.txt": "theirs\n", "ü b.txt": "theirs\n"}, "ENG-2")
    project = repo.project()
    landed(project, one)
    outcome = land(project, two)
    assert isinstance(outcome, Rejected)
    assert outcome.why == "conflict with main in a.txt, ü b.txt"
    assert "- a.txt\n- ü b.txt" in outcome.feedback
    assert "mine" in outcome.feedback and "theirs" in outcome.feedback
    assert len(outcome.feedback.encode()) < 17 << 10
    landed(project, submitted(repo, {"c.txt": "c\n"}, "ENG-3"))  # the scratch clone is clean again


def test_a_huge_conflict_is_cut(repo: Repo) -> None:
    one = submitted(repo, {"a.txt": "mine\n" * 50000}, "ENG-1")
    two = submitted(repo, {"a.txt": "theirs\n" * 50000}, "ENG-2")
    project = repo.project()
    landed(project, one)
    outcome = land(project, two)
    assert isinstance(outcome, Rejected) and len(outcome.feedback.encode()) < 17 << 10


def test_set_up_runs_on_the_merged_tree_and_a_failure_is_the_tasks(repo: Repo) -> None:
    (repo.root / "data").mkdir()
    (repo.root / "data/x").write_text("x")
    project = repo.project(
        copy=("data",), setup="cat a.txt data/x; ! test -f bad || exit 9", gate="test -f data/x"
    )
    landed(project, submitted(repo, {"b": "b"}, "ENG-1"))
    outcome = land(project, submitted(repo, {"bad": "x"}, "ENG-2"))
    assert isinstance(outcome, Rejected) and "exit 9" in outcome.why
    landed(project, submitted(repo, {"c": "c"}, "ENG-3"))
    assert "data" not in " ".join(repo.files())


def test_a_gate_that_ruins_the_scratch_clone_does_not_matter(repo: Repo) -> None:
    gates = (
        "echo x > a.txt && git add a.txt && git checkout -q --orphan x && touch .git/index.lock",
        "rm -rf .git",
        "echo x > .git/HEAD",
        'rm -rf "$PWD"',
    )
    for number, gate in enumerate(gates, 1):
        landed(repo.project(gate=gate), submitted(repo, {f"f{number}": "x"}, f"ENG-{number}"))
    assert repo.files() == ["a.txt", "f1", "f2", "f3", "f4", "tests/test_a.py"]
    assert repo.show("a.txt") == "one" and repo.status() == ""


def test_work_that_a_person_has_merged_is_done(repo: Repo) -> None:
    task = submitted(repo, {"b": "b"})
    repo.git("merge", "-q", "--no-ff", "-m", "by hand", "agent/eng-1")
    before = repo.tip()
    outcome = landed(repo.project(gate="test -f b"), task)
    assert (outcome.commit, outcome.verified, repo.tip()) == (task.commit, True, before)


def test_a_commit_that_is_missing_sends_it_back(repo: Repo) -> None:
    outcome = land(repo.project(), a_task(commit="1" * 40, state=State.REVIEW))
    assert isinstance(outcome, Rejected) and "not in the project" in outcome.why


def test_unrelated_histories_send_it_back(repo: Repo) -> None:
    repo.git("checkout", "-q", "--orphan", "strange")
    commit = repo.commit({"x": "x"})
    repo.git("checkout", "-q", "main")
    outcome = land(repo.project(), a_task(commit=commit, state=State.REVIEW))
    assert isinstance(outcome, Rejected) and "unrelated histories" in outcome.why


def test_a_stop_during_the_gate_decides_nothing(repo: Repo) -> None:
    task = submitted(repo, {"b": "b"})
    before = repo.tip()
    outcome = land(repo.project(gate="sleep 60"), task, lambda: "the run is stopping")
    assert outcome == Deferred(why="the run is stopping")
    assert repo.tip() == before
    assert landed(repo.project(gate="true"), task).verified


def test_a_person_who_commits_in_between_is_not_overwritten(repo: Repo) -> None:
    task = submitted(repo, {"b": "b"})
    done: list[str] = []

    def person() -> str:
        if not done:
            done.append(repo.commit({"person.txt": "p\n"}))
        return ""

    outcome = land(repo.project(gate="sleep 0.4"), task, person)
    assert isinstance(outcome, Landed)
    assert repo.git("merge-base", "--is-ancestor", done[0], "main") == ""
    assert repo.tip("main^1") == done[0]
    assert repo.files() == ["a.txt", "b", "person.txt", "tests/test_a.py"]
    assert repo.status() == ""


def test_a_target_that_never_rests_is_given_up_for_now(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "elsewhere")
    task = submitted(repo, {"b": "b"})
    project = repo.project(target="main", gate="sleep 0.3")

    def restless() -> str:
        tree = repo.git("rev-parse", "main^{tree}")
        repo.git(
            "update-ref", "refs/heads/main", repo.git("commit-tree", tree, "-p", "main", "-m", "x")
        )
        return ""

    outcome = land(project, task, restless)
    assert isinstance(outcome, Deferred) and "5 times in a row" in outcome.why


def test_a_git_that_is_killed_when_it_has_moved_the_branch_has_moved_it(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = submitted(repo, {"new.txt": "new\n"})
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    moves = "*' update-ref -m '*' refs/heads/main '*"
    git.write_text(
        f'#!/bin/sh\ncase " $* " in {moves}) "{shutil.which("git")}" "$@"; kill -9 $$;; esac\n'
        f'exec "{shutil.which("git")}" "$@"\n'
    )
    git.chmod(0o755)
    monkeypatch.setitem(ENVIRONMENT, "PATH", f"{git.parent}:{ENVIRONMENT['PATH']}")
    outcome = landed(repo.project(), task)
    monkeypatch.undo()
    assert (outcome.target, outcome.beside) == ("main", "")
    assert repo.git("status", "--porcelain") == ""
    assert (repo.root / "new.txt").read_text() == "new\n"


def test_a_target_that_is_not_checked_out_just_moves(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "elsewhere")
    repo.write({"a.txt": "dirty\n"})
    outcome = landed(repo.project(target="main"), submitted(repo, {"b": "b"}))
    assert outcome.target == "main" and repo.tip() == outcome.commit
    assert repo.status() == " M a.txt"


def test_a_target_checked_out_in_another_worktree_follows_there(repo: Repo, tmp_path: Path) -> None:
    repo.git("checkout", "-q", "-b", "elsewhere")
    side = tmp_path / "si de"
    repo.git("worktree", "add", "-q", str(side), "main")
    landed(repo.project(target="main"), submitted(repo, {"b": "b"}))
    assert (side / "b").read_text() == "b"
    assert repo.git("status", "--porcelain", cwd=side) == ""


# ── beside ──


def make_dirty(repo: Repo) -> None:
    repo.write({"a.txt": "person's\n"})


def stage_something(repo: Repo) -> None:
    repo.write({"staged.txt": "person's\n"})
    repo.git("add", "staged.txt")


def leave_untracked_in_the_way(repo: Repo) -> None:
    repo.write({"b.txt": "person's\n"})


def leave_ignored_in_the_way(repo: Repo) -> None:
    repo.write({".git/info/exclude": "b.txt\n", "b.txt": "person's\n"})


def leave_a_folder_in_the_way(repo: Repo) -> None:
    repo.write({"b.txt/inner": "person's\n"})


def leave_a_file_for_a_folder(repo: Repo) -> None:
    repo.write({"dir": "person's\n"})


def begin_a_merge(repo: Repo) -> None:
    repo.git("branch", "other")
    repo.git("checkout", "-q", "other")
    repo.commit({"o.txt": "o\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-commit", "--no-ff", "other")


def begin_a_merge_that_changes_nothing(repo: Repo) -> None:
    repo.git("branch", "other")
    repo.git("checkout", "-q", "other")
    repo.commit({"o.txt": "o\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-commit", "-s", "ours", "other")


def begin_a_rebase(repo: Repo) -> None:
    environ = {**repo.environ, "GIT_SEQUENCE_EDITOR": "sed -i s/pick/edit/"}
    repo.commit({"r.txt": "r\n"})
    command = ["git", "rebase", "-q", "-i", "HEAD^"]
    subprocess.run(command, cwd=repo.root, env=environ, check=True, capture_output=True)


def hold_the_index(repo: Repo) -> None:
    (repo.root / ".git/index.lock").write_text("")


@pytest.mark.parametrize(
    "disturb",
    [
        make_dirty,
        stage_something,
        leave_untracked_in_the_way,
        leave_ignored_in_the_way,
        leave_a_folder_in_the_way,
        leave_a_file_for_a_folder,
        begin_a_merge,
        begin_a_merge_that_changes_nothing,
        begin_a_rebase,
        hold_the_index,
    ],
)
def test_a_checkout_in_use_is_not_touched(
    repo: Repo, disturb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.team.landing.places.LOCK_SECONDS", 0.2)
    task = submitted(repo, {"b.txt": "b\n", "dir/c.txt": "c\n"})
    disturb(repo)
    os.utime(repo.root / "tests/test_a.py")  # looks changed to a git that may not refresh the index
    lock = repo.root / ".git/index.lock"
    before = repo.tip(), repo.tip("HEAD"), everything(repo.root)
    outcome = landed(repo.project(target="main"), task)
    assert outcome.target == "axon/main" and str(repo.root) in outcome.beside
    assert before == (repo.tip(), repo.tip("HEAD"), everything(repo.root))
    assert repo.tip("axon/main") == outcome.commit
    assert lock.exists() == (disturb is hold_the_index)


def everything(root: Path) -> dict[str, bytes]:
    """Each file of a checkout, and its index."""
    found = {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.relative_to(root).parts[0] not in (".git", ".axon")
    }
    return found | {"index": (root / ".git/index").read_bytes()}


def test_later_work_lands_on_top_beside_and_comes_over_when_the_checkout_is_clean(
    repo: Repo,
) -> None:
    make_dirty(repo)
    project = repo.project(gate="true")
    first = landed(project, submitted(repo, {"one": "1"}, "ENG-1"))
    second = landed(project, submitted(repo, {"two": "2"}, "ENG-2"))
    assert [first.target, second.target] == ["axon/main", "axon/main"]
    assert repo.tip("axon/main^1") == first.commit
    assert {"one", "two"} <= set(repo.files("axon/main"))
    repo.git("checkout", "-q", "--", "a.txt")
    third = landed(project, submitted(repo, {"three": "3"}, "ENG-3"))
    assert third.target == "main"
    assert {"one", "two", "three"} <= set(repo.files())
    assert not repo.has_ref("refs/heads/axon/main")
    assert repo.status() == "" and (repo.root / "two").exists()


def test_what_a_person_commits_meanwhile_is_in_what_lands_beside(repo: Repo) -> None:
    make_dirty(repo)
    project = repo.project()
    landed(project, submitted(repo, {"one": "1"}, "ENG-1"))
    repo.git("commit", "-q", "-a", "-m", "person's")
    make_dirty(repo)
    repo.write({"a.txt": "more\n"})
    outcome = landed(project, submitted(repo, {"two": "2"}, "ENG-2"))
    assert outcome.target == "axon/main"
    assert repo.show("a.txt", "axon/main") == "person's"
    assert {"one", "two"} <= set(repo.files("axon/main"))
    repo.git("checkout", "-q", "--", "a.txt")
    brought = bring_over(project)
    assert brought.commit == repo.tip() and not brought.why
    assert repo.status() == ""


def land_beside_then_diverge(repo: Repo, files: Files) -> None:
    make_dirty(repo)
    landed(repo.project(), submitted(repo, {"one": "1\n"}, "ENG-1"))
    repo.git("checkout", "-q", "--", "a.txt")
    repo.commit(files)


def test_both_having_gone_on_they_are_merged_and_judged(repo: Repo) -> None:
    land_beside_then_diverge(repo, {"person.txt": "p\n"})
    project = repo.project(gate="test -f one && test -f person.txt")
    brought = bring_over(project)
    assert (brought.commit, brought.waiting) == (repo.tip(), 1)
    assert (repo.root / "one").exists() and repo.status() == ""


def test_what_cannot_be_merged_stays_beside_and_is_not_tried_over_and_over(repo: Repo) -> None:
    land_beside_then_diverge(repo, {"person.txt": "p\n"})
    before = repo.tip()
    count = repo.root.parent / "count"
    project = repo.project(gate=f"echo x >> '{count}'; exit 1")
    for _ in range(2):
        assert "gate on the merge" in bring_over(project).why
    assert count.read_text() == "x\n"
    assert "gate on the merge" in bring_over(project, again=True).why
    assert count.read_text() == "x\nx\n"
    assert repo.tip() == before


def test_a_conflict_between_both_stays_beside(repo: Repo) -> None:
    land_beside_then_diverge(repo, {"one": "person's\n"})
    assert "conflict in one" in bring_over(repo.project()).why


def test_both_in_use_is_put_off(repo: Repo, tmp_path: Path) -> None:
    make_dirty(repo)
    project = repo.project()
    landed(project, submitted(repo, {"one": "1"}, "ENG-1"))
    side = tmp_path / "side"
    repo.git("worktree", "add", "-q", str(side), "axon/main")
    (side / "a.txt").write_text("dirty too\n")
    outcome = land(project, submitted(repo, {"two": "2"}, "ENG-2"))
    assert isinstance(outcome, Deferred) and str(side) in outcome.why


# ── killed in between ──

POINTS = (
    "landing.kept",
    "landing.sealed",
    "landing.intention",
    "landing.files",
    "landing.index",
    "landing.moved",
    "landing.placed",
)


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_it_lands_exactly_once(repo: Repo, point: str) -> None:
    task = submitted(repo, {"b.txt": "b\n", "a.txt": "changed\n", "tests/test_a.py": None})
    counter = repo.root.parent / "gates"
    settings = {"gate": f"echo x >> '{counter}'"}
    failing = repo.config(environ={"AXON_FAILPOINT": point}, **settings)
    assert die(land_only, failing, task) == -signal.SIGKILL
    outcome = landed(repo.project(**settings), task)
    assert outcome.commit == repo.tip() and outcome.verified
    assert repo.git("rev-list", "--count", "--merges", "main") == "1"
    assert repo.files() == ["a.txt", "b.txt"]
    assert repo.status() == ""
    assert counter.read_text() == "x\n"  # after the gate only the landing is repeated
    assert not list((repo.root / ".git").glob("*axon*"))
    assert not (repo.root / ".git/index.lock").exists()
    assert not (repo.root / ".axon/moving.json").exists()
    repo.git("fsck", "--strict")


@pytest.mark.parametrize("point", ["landing.intention", "landing.files"])
def test_a_persons_edit_after_the_crash_survives_the_repair(repo: Repo, point: str) -> None:
    task = submitted(repo, {"a.txt": "agent's\n", "b.txt": "b\n", "new/c.txt": "c\n"})
    failing = repo.config(environ={"AXON_FAILPOINT": point})
    assert die(land_only, failing, task) == -signal.SIGKILL
    repo.write({"a.txt": "person's\n"})
    outcome = landed(repo.project(), task)
    assert outcome.target == "axon/main"
    assert (repo.root / "a.txt").read_text() == "person's\n"
    assert not (repo.root / "b.txt").exists() and not (repo.root / "new").exists()
    assert repo.status() == " M a.txt"


def test_a_half_written_file_is_put_back(repo: Repo) -> None:
    task = submitted(repo, {"a.txt": "x" * 1000 + "\n", "b.txt": "y" * 1000 + "\n"})
    failing = repo.config(environ={"AXON_FAILPOINT": "landing.files"})
    assert die(land_only, failing, task) == -signal.SIGKILL
    repo.write({"a.txt": "x" * 500, "b.txt": ""})  # as if git had been killed while it wrote
    project = repo.project()
    recover(project)
    assert repo.status() == "" and (repo.root / "a.txt").read_text() == "one\n"
    landed(project, task)
    assert repo.status() == "" and (repo.root / "b.txt").read_text() == "y" * 1000 + "\n"


def test_a_person_who_moved_on_after_the_crash_keeps_that(repo: Repo) -> None:
    task = submitted(repo, {"b.txt": "b\n"})
    failing = repo.config(environ={"AXON_FAILPOINT": "landing.index"})
    assert die(land_only, failing, task) == -signal.SIGKILL
    (repo.root / ".git/index.lock").unlink()  # as git told them to
    repo.git("commit", "-q", "-m", "what is this?")
    mine = repo.tip()
    outcome = landed(repo.project(), task)
    assert repo.git("merge-base", "--is-ancestor", mine, "main") == ""
    assert outcome.commit == repo.tip() and repo.status() == ""


def test_a_lock_of_the_dead_does_not_keep_a_person_from_their_checkout(repo: Repo) -> None:
    task = submitted(repo, {"b.txt": "b\n"})
    failing = repo.config(environ={"AXON_FAILPOINT": "landing.sealed"})
    assert die(land_only, failing, task) == -signal.SIGKILL
    make_dirty(repo)
    with pytest.raises(AssertionError, match="index.lock"):
        repo.git("checkout", "-q", "--", "a.txt")
    assert landed(repo.project(), task).target == "axon/main"
    repo.git("checkout", "-q", "--", "a.txt")
    assert bring_over(repo.project()).commit == repo.tip()


def test_a_lock_of_ours_is_taken_over_only_from_the_dead(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.team.landing.places.LOCK_SECONDS", 0.2)
    lock = repo.root / ".git/index.lock"
    lock.write_text(f"{SEAL} {os.getpid()} another time\n")
    assert landed(repo.project(), submitted(repo, {"one": "1"}, "ENG-1")).target == "main"
    lock.write_text(f"{SEAL} {os.getpid()} {start_time(os.getpid())}\n")
    assert landed(repo.project(), submitted(repo, {"two": "2"}, "ENG-2")).target == "axon/main"
    assert lock.exists()


def test_persons_hooks_never_run(repo: Repo) -> None:
    mark = repo.root.parent / "hooked"
    for name in (
        "post-checkout",
        "post-merge",
        "pre-commit",
        "reference-transaction",
        "post-commit",
    ):
        hook = repo.root / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\necho {name} >> '{mark}'\n")
        hook.chmod(0o755)
    landed(repo.project(), submitted(repo, {"b.txt": "b\n"}))
    assert not mark.exists()


def test_the_persons_stash_and_configuration_stay(repo: Repo) -> None:
    make_dirty(repo)
    repo.git("stash", "-q")
    before = repo.git("stash", "list", "-p"), (repo.root / ".git/config").read_bytes()
    landed(repo.project(), submitted(repo, {"b.txt": "b\n"}))
    assert before == (repo.git("stash", "list", "-p"), (repo.root / ".git/config").read_bytes())


def test_locks_of_a_killed_git_do_not_stop_it_for_ever(repo: Repo) -> None:
    task = submitted(repo, {"b.txt": "b\n"})
    landed(repo.project(), submitted(repo, {"c.txt": "c\n"}, "ENG-2"))
    old = time.time() - 100
    for name in ("axon/merge", "axon/land/ENG-1", "heads/main", "axon/base/ENG-1"):
        lock = repo.root / ".git/refs" / f"{name}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text("")
        os.utime(lock, (old, old))
    assert landed(repo.project(), task).target == "main"
    repo.project().git.run("update-ref", "refs/heads/main", repo.tip("main^"))
    prepare(repo.project(), a_task(created_at=9.0))
    assert repo.tip("refs/axon/base/ENG-1") == repo.tip()


# ── the process ──


@dataclass
class Team:
    """A ledger with one run, and landers on it."""

    repo: Repo
    config: Config
    ledger: Ledger
    processes: list[Any]
    leashes: list[Connection]

    def submit(self, files: Files, title: str = "Do it", **facts: Any) -> str:
        (task,) = self.ledger.add([Draft(title=title, **facts)])
        claimed = self.ledger.claim(worker="w", run="run", lease_seconds=60)
        assert claimed is not None and claimed.identifier == task.identifier
        claim = Claim(identifier=task.identifier, token=claimed.token, worker="w", run="run")
        project = open_project(self.config)
        workspace = prepare(project, claimed)
        self.repo.write(files, workspace.path)
        commit = commit_all(project, workspace, title)
        publish(project, workspace)
        self.ledger.note(claim, branch=workspace.branch, target=workspace.target)
        self.ledger.submit(claim, commit=commit, verified=False)
        return task.identifier

    def lander(self, run: str = "run", **changes: Any) -> tuple[Any, Connection]:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        crew = Crew(run=run, config=replace(self.config, **changes), target="main")
        process = context.Process(target=serve, args=(crew, theirs))
        process.start()
        theirs.close()
        self.processes.append(process)
        self.leashes.append(ours)  # closed, it would end the lander
        return process, ours

    def state(self, identifier: str) -> State:
        return self.ledger.task(identifier).state

    def actions(self, identifier: str = "") -> list[str]:
        return [event.action for event in self.ledger.events(identifier=identifier)]


@pytest.fixture
def team(repo: Repo) -> Iterator[Team]:
    config = repo.config(gate="test ! -f bad || { echo it is bad; exit 1; }", backoff_seconds=0.1)
    open_project(config)
    ledger = open_ledger(config.ledger_url, create=True)
    for run in ("run", "other"):
        ledger.start_run(
            Run(id=run, pid=os.getpid(), host="h", target="main", engine="command", workers=1), 60
        )
    found = Team(repo, config, ledger, [], [])
    yield found
    for process in found.processes:
        process.kill()
        process.join()
    ledger.close()


def test_the_lander_lands_what_is_in_review_and_removes_its_workspace(team: Team) -> None:
    good = team.submit({"one": "1"})
    bad = team.submit({"bad": "x"})
    process, leash = team.lander()
    wait_for(lambda: team.state(good) is State.DONE and team.state(bad) is State.TODO)
    task = team.ledger.task(good)
    assert (task.landed_commit, task.target, task.verified) == (team.repo.tip(), "main", True)
    wait_for(lambda: not (team.repo.root / ".axon/work" / good).exists())
    assert (team.repo.root / ".axon/work" / bad).exists()
    sent_back = team.ledger.task(bad)
    assert sent_back.feedback == "it is bad\n" and "exit 1: it is bad" in sent_back.error
    gates = [e for e in team.ledger.events(identifier=good) if e.action == "gate"]
    assert [e.data["where"] for e in gates] == ["landing"]
    assert (team.repo.root / ".axon" / gates[0].data["log"]).exists()
    leash.send("stop")
    process.join(20)
    assert process.exitcode == 0
    assert team.ledger.lease("landing", "somebody else", 1) is not None  # it has left the duty


def test_of_two_landers_each_task_is_landed_by_one(team: Team) -> None:
    names = [team.submit({f"f{n}": str(n)}, f"Task {n}") for n in range(4)]
    for run in ("run", "other"):
        team.lander(run)
    wait_for(lambda: all(team.state(name) is State.DONE for name in names), 60)
    assert team.repo.git("rev-list", "--count", "--merges", "main") == "4"
    for name in names:
        assert team.actions(name).count("land") == 1
    assert team.repo.status() == ""


def test_a_lander_waits_while_another_has_the_duty(team: Team) -> None:
    name = team.submit({"one": "1"})
    project = open_project(team.config)
    lander = Lander(
        crew=Crew(run="run", config=team.config, target="main"),
        project=project,
        ledger=team.ledger,
        stopping=threading.Event(),
    )
    lease = team.ledger.lease("landing", "another run", 60)
    assert lease is not None
    assert lander.turn() is False and team.state(name) is State.REVIEW
    team.ledger.drop_lease(lease)
    with hold(project, "landing"):  # a person's axon land
        assert lander.turn() is False and team.state(name) is State.REVIEW
    assert "landing_deferred" not in team.actions(name)
    assert lander.turn() is True and team.state(name) is State.DONE


def test_trouble_that_does_not_go_away_halts_the_run_and_blames_no_task(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.team.landing.lander.PAUSE_SECONDS", 0.0)
    name = team.submit({"one": "1"})
    make_dirty(team.repo)
    team.repo.git("branch", "axon")  # so that axon/main cannot be made
    lander = Lander(
        crew=Crew(run="run", config=team.config, target="main"),
        project=open_project(team.config),
        ledger=team.ledger,
        stopping=threading.Event(),
    )
    for _ in range(7):
        lander.turn()
    run = team.ledger.run("run")
    assert run.halt == "landing" and name in run.halt_reason and "axon/main" in run.halt_reason
    assert team.state(name) is State.REVIEW
    assert team.actions(name).count("landing_deferred") == 5


def test_a_lander_killed_before_it_told_the_ledger_is_made_good(team: Team) -> None:
    name = team.submit({"one": "1"})
    environ = {**team.config.environ, "AXON_FAILPOINT": "landing.placed"}
    process, _ = team.lander(environ=environ)
    process.join(30)
    assert process.exitcode == -signal.SIGKILL and team.state(name) is State.REVIEW
    team.lander()
    wait_for(lambda: team.state(name) is State.DONE)
    assert team.ledger.task(name).landed_commit == team.repo.tip()
    assert team.repo.git("rev-list", "--count", "--merges", "main") == "1"


def test_a_lander_killed_after_it_told_the_ledger_leaves_no_workspace(team: Team) -> None:
    name = team.submit({"one": "1"})
    process, _ = team.lander(environ={**team.config.environ, "AXON_FAILPOINT": "landing.told"})
    process.join(30)
    assert team.state(name) is State.DONE
    assert (team.repo.root / ".axon/work" / name).exists()
    team.lander()
    wait_for(lambda: not (team.repo.root / ".axon/work" / name).exists())


def test_when_the_coordinator_goes_the_lander_and_its_gate_go_too(team: Team) -> None:
    note = team.repo.root.parent / "pid"
    team.submit({"one": "1"}, check=f"echo $$ > '{note}'; setsid sleep 60 & sleep 61")
    process, leash = team.lander()
    gate = int(wait_for(lambda: note.read_text().strip() if note.exists() else ""))
    leash.close()
    process.join(10)
    assert process.exitcode in (0, -signal.SIGKILL)  # it may be quicker than its own end
    wait_for(lambda: not is_running(gate), 10)


def test_stop_ends_the_gate_and_leaves_the_task_in_review(team: Team) -> None:
    note = team.repo.root.parent / "pid"
    name = team.submit({"one": "1"}, check=f"echo $$ > '{note}'; sleep 60")
    process, leash = team.lander()
    wait_for(note.exists)
    leash.send("stop")
    process.join(20)
    assert process.exitcode == 0 and team.state(name) is State.REVIEW
    assert team.ledger.lease("landing", "somebody else", 1) is not None


@pytest.mark.parametrize("batch", [1, 5])
def test_a_task_canceled_while_it_lands_does_not_land(team: Team, batch: int) -> None:
    note = team.repo.root.parent / "up"
    name = team.submit({"one": "1"}, check=f"touch '{note}'; sleep 60")
    other = team.submit({"two": "2"})
    team.lander(land_batch=batch)
    wait_for(note.exists)
    team.ledger.change(name, "cancel")
    wait_for(lambda: team.state(other) is State.DONE)
    assert team.state(name) is State.CANCELED
    assert "two" in team.repo.files() and "one" not in team.repo.files()
    assert not {"landing_late", "landing_deferred"} & {*team.actions(name), *team.actions(other)}


def test_canceled_just_before_the_branch_is_moved_it_does_not_land_either(team: Team) -> None:
    name = team.submit({"one": "1"})
    config = replace(team.config, gate="")
    lander = Lander(
        crew=Crew(run="run", config=config, target="main"),
        project=open_project(config),
        ledger=team.ledger,
        stopping=threading.Event(),
    )
    (stale,) = to_land(team.ledger)
    team.ledger.change(name, "cancel")
    with pytest.raises(Forbidden, match=f"{name} is Canceled now"):
        lander.land_now(stale)
    assert "one" not in team.repo.files()


def test_work_beside_is_said_and_brought_over_by_the_next_landing(team: Team) -> None:
    make_dirty(team.repo)
    name = team.submit({"one": "1"})
    team.lander()
    wait_for(lambda: "landed_beside" in team.actions(name))
    assert team.ledger.task(name).target == "axon/main"
    (told,) = [e.why for e in team.ledger.events(identifier=name) if e.action == "landed_beside"]
    assert "uncommitted changes (a.txt)" in told and "axon land" in told
    team.repo.git("checkout", "-q", "--", "a.txt")
    team.submit({"two": "2"})
    wait_for(lambda: {"one", "two"} <= set(team.repo.files()))


# ── commands ──


def command(module: Any, config: Config, capsys: pytest.CaptureFixture[str], **flags: Any) -> Any:
    code = module.run(
        Namespace(**{"json": True, "dry_run": False, "tasks": [], "all": False, **flags}), config
    )
    return code, json.loads(capsys.readouterr().out)


def test_axon_land(repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    config = repo.config()
    assert land_command.run(Namespace(json=False, tasks=[], all=False), config) == 0
    assert capsys.readouterr().out == "nothing waits beside main\n"
    make_dirty(repo)
    outcome = landed(repo.project(), submitted(repo, {"one": "1"}))
    with pytest.raises(Forbidden, match=r"uncommitted changes \(a.txt\); 1 commit .*axon land"):
        land_command.run(Namespace(json=False, tasks=[], all=False), config)
    code, found = command(land_command, config, capsys)
    assert (code, found["waiting"], found["commits"], found["commit"]) == (4, True, 1, None)
    repo.git("checkout", "-q", "--", "a.txt")
    code, found = command(land_command, config, capsys)
    assert (code, found["commit"], found["commits"]) == (0, outcome.commit, 1)
    assert repo.tip() == outcome.commit and repo.status() == ""


def test_axon_land_waits_for_a_landing_and_then_says_who_has_it(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(land_command, "WAIT_SECONDS", 0.1)
    with hold(repo.project(), "landing"), pytest.raises(Forbidden, match=str(os.getpid())):
        land_command.run(Namespace(json=False, tasks=[], all=False), repo.config())


def test_axon_gc(team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    repo, project = team.repo, open_project(team.config)
    done = team.submit({"one": "1"})
    workspace = prepare(project, team.ledger.task(done))
    going_on = team.submit({"two": "2"}, check="false")
    canceled = team.submit({"three": "3"})
    (repo.root / ".axon/work" / canceled / "loose.txt").write_text("loose\n")
    team.lander()
    wait_for(lambda: team.state(done) is State.DONE and team.state(going_on) is State.TODO)
    wait_for(lambda: team.state(canceled) is State.DONE)
    wait_for(lambda: not workspace.path.exists())
    for process in team.processes:
        process.kill()
        process.join()
    prepare(project, team.ledger.task(canceled))
    code, found = command(gc_command, team.config, capsys, dry_run=True)
    names = {row["name"] for row in found["removed"]}
    expected = {
        f".axon/home/{done}", f"refs/heads/agent/{done.lower()}", ".axon/landing",
        f".axon/work/{canceled}",
    }  # fmt: skip
    assert code == 0 and expected <= names
    assert not any(going_on in name.upper() for name in names)
    assert (repo.root / ".axon/landing").exists()
    with hold(project, canceled):
        _, found = command(gc_command, team.config, capsys)
    assert {row["name"] for row in found["in_use"]} >= {f".axon/work/{canceled}"}
    command(gc_command, team.config, capsys)
    assert not (repo.root / ".axon/landing").exists()
    assert not (repo.root / ".axon/work" / canceled).exists()
    assert not repo.has_ref(f"refs/heads/agent/{done.lower()}")
    assert repo.has_ref(f"refs/heads/agent/{going_on.lower()}")
    assert (repo.root / ".axon/work" / going_on / "two").exists()
    kept = repo.git("for-each-ref", "--format=%(refname)", "refs/axon/wip").split()
    assert [repo.show("loose.txt", ref) for ref in kept] == ["loose"]  # not old enough to go
    _, found = command(gc_command, team.config, capsys)
    assert found["removed"] == []
