"""A task's private clone: made whole or not at all, and nothing in it is ever lost."""

import dataclasses
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from axon.config import Config
from axon.errors import AxonError, Forbidden, UsageError
from axon.security.secrets import Redactor
from axon.tasks import Task
from axon.team.changes import Changes, changes, is_test, matches
from axon.team.project import Project, hold, open_project, target_of
from axon.team.recipe import SetupFailed, set_up
from axon.team.workspace import (
    Broken,
    NoRoom,
    Unfinished,
    Workspace,
    commit_all,
    keep_wip,
    prepare,
    publish,
    remove,
    tip,
    update,
)
from tests.repository import Repo, a_task, die, new_repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return new_repo(tmp_path)


def opened(repo: Repo, **settings: Any) -> tuple[Project, Workspace]:
    project = repo.project(**settings)
    return project, prepare(project, a_task())


def wips(repo: Repo) -> list[str]:
    return repo.git("for-each-ref", "--format=%(refname)", "refs/axon/wip").split()


# ── the project ──


def test_what_is_no_repository_is_refused_with_the_way_to_make_it_one(tmp_path: Path) -> None:
    config = Config(root=tmp_path, environ={"PATH": os.environ["PATH"]}, origins={})
    with pytest.raises(UsageError, match="is not a git repository; run git init") as caught:
        open_project(config)
    assert caught.value.exit_code == 2
    assert not (tmp_path / ".axon").exists()


def test_a_repository_without_commits_is_refused(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "new")
    repo.root.mkdir()
    repo.git("init", "-q", "-b", "main")
    with pytest.raises(UsageError, match="has no commits; make a first commit"):
        repo.project()


def test_a_folder_with_a_line_break_in_its_name_is_refused(tmp_path: Path) -> None:
    repo = new_repo(tmp_path, "pro\nject")
    with pytest.raises(UsageError, match="has a line break; rename the folder"):
        open_project(repo.config())


def test_a_bare_repository_is_refused(repo: Repo, tmp_path: Path) -> None:
    repo.git("clone", "-q", "--bare", str(repo.root), str(tmp_path / "bare"))
    with pytest.raises(UsageError, match="bare"):
        Repo(tmp_path / "bare").project()


def test_an_unknown_target_is_refused_and_the_known_ones_named(repo: Repo) -> None:
    repo.git("branch", "release")
    with pytest.raises(UsageError, match="no branch 'relaese'.*main, release"):
        repo.project(target="relaese")


def test_a_detached_head_needs_a_target(repo: Repo) -> None:
    assert target_of(repo.config()) == "main"
    repo.git("checkout", "-q", "--detach")
    with pytest.raises(UsageError, match="detached"):
        repo.project()
    assert repo.project(target="main").target == "main"


def test_an_old_git_and_none_are_named(repo: Repo, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="git is not on PATH"):
        repo.project(environ={"PATH": str(tmp_path)})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("#!/bin/sh\necho git version 2.17.1\n")
    (tmp_path / "bin/git").chmod(0o755)
    with pytest.raises(UsageError, match=r"2\.17\.1; axon needs git 2\.29"):
        repo.project(environ={"PATH": str(tmp_path / "bin")})


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_someone_elses_repository_is_refused_with_the_remedy(repo: Repo) -> None:
    for path in (repo.root, repo.root / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(UsageError, match="git config --global --add safe.directory"):
        repo.project()


def test_the_persons_identity_is_used_or_axons_own(repo: Repo) -> None:
    project = repo.project()
    assert (project.name, project.email) == ("Person", "person@example.org")
    repo.git("config", "--unset", "user.name")
    repo.git("config", "--unset", "user.email")
    project = repo.project()
    assert (project.name, project.email) == ("axon", "axon@localhost")
    workspace = prepare(project, a_task())
    (workspace.path / "b").write_text("b")
    commit_all(project, workspace, "x")
    assert repo.git("log", "-1", "--format=%an %ce", cwd=workspace.path) == "axon axon@localhost"


def test_submodules_are_said_to_stay_empty(repo: Repo) -> None:
    assert repo.project().notice == ""
    repo.commit({".gitmodules": ""})
    assert "submodules" in repo.project().notice


# ── making ──


def test_a_workspace_is_a_clone_of_the_target_on_a_branch_of_its_own(repo: Repo) -> None:
    project, workspace = opened(repo)
    assert workspace.fresh
    assert workspace.path == repo.root / ".axon/work/ENG-1"
    assert (workspace.path / "a.txt").read_text() == "one\n"
    assert repo.git("symbolic-ref", "HEAD", cwd=workspace.path) == "refs/heads/agent/eng-1"
    assert workspace.base == repo.tip() == repo.tip("refs/axon/base/ENG-1")
    assert tip(project, workspace) == repo.tip()
    assert repo.status() == ""  # .axon ignores itself
    assert repo.git("remote", cwd=workspace.path) == ""
    assert workspace.home.is_dir() and workspace.temporary.is_dir()
    assert workspace.temporary.stat().st_mode & 0o777 == 0o700


def test_borrowed_objects_survive_a_rewritten_target_and_its_gc(repo: Repo) -> None:
    project, workspace = opened(repo)
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit({"a.txt": "else\n"})
    repo.git("branch", "-f", "main", "other")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    (workspace.path / "b.txt").write_text("b\n")
    commit_all(project, workspace, "work")
    repo.git("fsck", "--strict", cwd=workspace.path)


def test_it_is_taken_up_again_as_it_was(repo: Repo) -> None:
    project, workspace = opened(repo)
    (workspace.path / "b.txt").write_text("not committed\n")
    again = prepare(repo.project(), a_task())
    assert not again.fresh
    assert dataclasses.replace(again, fresh=True) == workspace
    assert (again.path / "b.txt").read_text() == "not committed\n"


def test_the_project_cannot_be_reached_from_it(repo: Repo) -> None:
    _, workspace = opened(repo)
    (repo.root / ".git/hooks/post-checkout").write_text("#!/bin/sh\ntouch hooked\n")
    (repo.root / ".git/hooks/post-checkout").chmod(0o755)
    with pytest.raises(AssertionError):
        repo.git("push", "-q", cwd=workspace.path)
    with pytest.raises(AssertionError):
        repo.git("push", "-q", "origin", "HEAD", cwd=workspace.path)
    shutil.rmtree(workspace.path / ".git")
    environ = {**repo.environ, **workspace.variables}
    assert os.spawnvpe(os.P_WAIT, "git", ["git", "-C", str(workspace.path), "log"], environ) == 128


POINTS = ("workspace.pinned", "workspace.cloned", "workspace.remembered")


def prepare_only(config: Config, task: Task) -> None:
    prepare(open_project(config), task)


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_it_is_made_the_next_one_makes_it_whole(repo: Repo, point: str) -> None:
    config = repo.config(environ={"AXON_FAILPOINT": point})
    assert die(prepare_only, config, a_task()) == -signal.SIGKILL
    project, workspace = opened(repo)
    assert workspace.fresh
    (workspace.path / "b.txt").write_text("b\n")
    commit_all(project, workspace, "work")
    publish(project, workspace)
    assert [p.name for p in workspace.path.parent.iterdir()] == ["ENG-1"]
    repo.git("fsck", "--strict")


def test_a_target_with_an_odd_name_and_a_path_with_spaces(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "feature/ümlaut-1")
    project, workspace = opened(repo)
    assert workspace.target == "feature/ümlaut-1"
    assert update(project, workspace) == []


def test_a_shallow_project_works(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"a.txt": "two\n"})
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.root}", str(tmp_path / "shallow"))
    shallow = Repo(tmp_path / "shallow")
    shallow.git("config", "user.name", "P")
    shallow.git("config", "user.email", "p@example.org")
    project, workspace = opened(shallow)
    (workspace.path / "b.txt").write_text("b\n")
    commit = commit_all(project, workspace, "work")
    newest = shallow.commit({"c.txt": "c\n"})
    assert update(project, workspace) == []
    assert publish(project, workspace) == "refs/heads/agent/eng-1"
    for each in (commit, newest):
        shallow.git("merge-base", "--is-ancestor", each, "agent/eng-1")


def test_a_sparse_workspace_has_a_part_and_loses_nothing(repo: Repo) -> None:
    repo.commit({name: f"{name}\n" for name in (
        "top.txt", "docs/a.txt", "lib/mid.txt", "lib/core/b.txt", "lib/core/deep/c.txt",
        "lib/other/d.txt", "huge/e.bin", "huge/f.bin",
    )})  # fmt: skip
    project, workspace = opened(repo, sparse=("docs", "lib/core/"))
    there = sorted(
        str(path.relative_to(workspace.path))
        for path in workspace.path.rglob("*.*")
        if ".git" not in path.parts
    )
    assert there == [
        "a.txt", "docs/a.txt", "lib/core/b.txt", "lib/core/deep/c.txt", "lib/mid.txt", "top.txt"
    ]  # fmt: skip

    repo.write({"lib/core/b.txt": "new\n", "docs/a.txt": None, "huge/mine.txt": "made\n"},
               workspace.path)  # fmt: skip
    ref = keep_wip(project, workspace, "as it is")
    assert ref is not None
    changed = ["A\thuge/mine.txt", "D\tdocs/a.txt", "M\tlib/core/b.txt"]
    assert sorted(repo.git("diff", "--name-status", f"{ref}^", ref).splitlines()) == changed

    (workspace.path / ".git/info/sparse-checkout").write_text("/*\n")  # the agent sees to it
    repo.commit({"huge/e.bin": "theirs\n", "lib/mid.txt": "theirs\n"})
    assert update(project, workspace) == []
    (workspace.path / ".git/index").write_bytes(b"broken")
    (workspace.path / "top.txt").write_text("mine\n")
    commit = commit_all(project, workspace, "work")
    publish(project, workspace)
    assert sorted(repo.git("diff", "--name-status", "main", commit).splitlines()) == [
        changed[0], "D\tdocs/a.txt", "M\tlib/core/b.txt", "M\ttop.txt"
    ]  # fmt: skip


@pytest.mark.parametrize("folder", ["/etc", "../up", "", ".", "a/../b"])
def test_what_is_no_folder_of_the_repository_is_refused(repo: Repo, folder: str) -> None:
    with pytest.raises(UsageError, match="workspace.sparse names"):
        opened(repo, sparse=(folder,))


def test_a_linked_worktree_can_be_the_project(repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked")
    project, workspace = opened(linked)
    assert workspace.target == "side"
    (workspace.path / "b.txt").write_text("b\n")
    keep_wip(project, workspace, "x")
    commit_all(project, workspace, "work")
    publish(project, workspace)
    assert "b.txt" in repo.files("agent/eng-1")


def test_new_work_starts_from_what_has_landed_beside_the_target(repo: Repo) -> None:
    first = repo.tip()
    landed = repo.commit({"landed.txt": "x\n"})
    repo.git("branch", "axon/main")
    repo.git("reset", "-q", "--hard", first)
    _, workspace = opened(repo)
    assert (workspace.target, workspace.base) == ("axon/main", landed)
    repo.git("merge", "-q", "axon/main")
    assert prepare(repo.project(), a_task("ENG-2")).target == "main"


def test_little_room_stops_it_before_anything_is_made(repo: Repo) -> None:
    project = repo.project(disk_floor_mb=10**9)
    with pytest.raises(NoRoom, match="MB are free.*disk_floor_mb"):
        prepare(project, a_task())
    assert not (repo.root / ".axon/work").exists()


# ── what stands in its place ──


def test_work_of_an_earlier_ledger_is_kept_and_not_taken_for_its_own(repo: Repo) -> None:
    project, workspace = opened(repo)
    (workspace.path / "old.txt").write_text("committed\n")
    commit = commit_all(project, workspace, "old work")
    publish(project, workspace)
    (workspace.path / "loose.txt").write_text("loose\n")
    other = prepare(project, a_task(created_at=2.0))
    assert other.fresh and not (other.path / "old.txt").exists()
    assert repo.show("loose.txt", wips(repo)[0]) == "loose"
    publish(project, other)  # moves the branch of that name
    assert repo.tip("agent/eng-1") == repo.tip()
    assert commit in repo.git("for-each-ref", "--format=%(objectname)", "refs/axon/kept")


def test_a_lost_workspace_is_made_anew_from_what_was_published(repo: Repo) -> None:
    project, workspace = opened(repo)
    (workspace.path / "b.txt").write_text("b\n")
    commit = commit_all(project, workspace, "work")
    publish(project, workspace)
    shutil.rmtree(repo.root / ".axon")
    again = prepare(repo.project(), a_task(branch="agent/eng-1"))
    assert again.fresh and tip(repo.project(), again) == commit


def damage_git(path: Path) -> None:
    shutil.rmtree(path / ".git")


def damage_head(path: Path) -> None:
    (path / ".git/HEAD").write_text("garbage\n")


def damage_objects(path: Path) -> None:
    shutil.rmtree(path / ".git/objects")


def damage_branch(path: Path) -> None:
    (path / ".git/refs/heads/agent/eng-1").write_text("0" * 40 + "\n")


def damage_tree(path: Path) -> None:
    head = (path / ".git/refs/heads/agent/eng-1").read_text().strip()
    command = ["git", "-C", str(path), "rev-parse", f"{head}^{{tree}}"]
    tree = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    (path / ".git/objects" / tree[:2] / tree[2:]).unlink()


def replace_by_file(path: Path) -> None:
    shutil.rmtree(path / ".git")
    (path / ".git").write_text("gitdir: /nowhere\n")


@pytest.mark.parametrize(
    "damage", [damage_git, damage_head, damage_objects, damage_branch, damage_tree, replace_by_file]
)
def test_a_damaged_workspace_is_made_anew_and_its_files_are_kept(repo: Repo, damage: Any) -> None:
    project, workspace = opened(repo)
    repo.commit({"c.txt": "committed\n"}, folder=workspace.path)
    (workspace.path / "b.txt").write_text("precious\n")
    (workspace.path / "a.txt").write_text("changed\n")
    damage(workspace.path)
    again = prepare(project, a_task())
    assert again.fresh and not (again.path / "b.txt").exists()
    for name, text in (("b.txt", "precious"), ("c.txt", "committed")):
        kept = [
            *(repo.show(name, ref) for ref in wips(repo)),
            *(p.read_text().strip() for p in again.path.parent.glob(f".broken*/{name}")),
        ]
        assert set(kept) == {text}


def test_borrowed_objects_are_found_again(repo: Repo) -> None:
    project, workspace = opened(repo)
    (workspace.path / "b.txt").write_text("precious\n")
    damage_objects(workspace.path)
    again = prepare(project, a_task())
    assert not again.fresh and (again.path / "b.txt").exists()
    commit_all(project, again, "work")


def test_commit_all_without_a_repository_keeps_the_files_and_says_so(repo: Repo) -> None:
    project, workspace = opened(repo)
    (workspace.path / "b.txt").write_text("precious\n")
    damage_git(workspace.path)
    with pytest.raises(Broken, match="refs/axon/wip/ENG-1/1"):
        commit_all(project, workspace, "work")
    assert repo.show("b.txt", "refs/axon/wip/ENG-1/1") == "precious"
    assert repo.tip() == repo.tip("refs/axon/wip/ENG-1/1^")


# ── wip ──


def test_wip_keeps_all_that_is_uncommitted_and_touches_nothing(repo: Repo) -> None:
    repo.commit({".gitignore": "*.log\n"})
    project, workspace = opened(repo)
    path = workspace.path
    assert keep_wip(project, workspace, "nothing") is None
    repo.write({"a.txt": "changed\n", "ü mlaut\n.txt": "new\n", "x.log": "ignored\n"}, path)
    (path / "tests/test_a.py").unlink()
    repo.git("add", "a.txt", cwd=path)
    before = repo.git("status", "--porcelain", cwd=path), (path / ".git/index").read_bytes()
    ref = keep_wip(project, workspace, "the turn was cut off")
    assert ref == "refs/axon/wip/ENG-1/1"
    assert repo.files(ref) == [".gitignore", "a.txt", "ü mlaut\n.txt"]
    assert repo.show("a.txt", ref) == "changed"
    assert repo.git("log", "-1", "--format=%s", ref) == "ENG-1: the turn was cut off"
    after = repo.git("status", "--porcelain", cwd=path), (path / ".git/index").read_bytes()
    assert before == after


def test_wip_is_numbered_and_the_same_state_is_kept_once(repo: Repo) -> None:
    project, workspace = opened(repo)
    refs = []
    for text in ("1", "1", "2"):
        (workspace.path / "b.txt").write_text(text)
        refs.append(keep_wip(project, workspace, "x"))
    assert refs == [f"refs/axon/wip/ENG-1/{n}" for n in (1, 1, 2)]


def test_wip_stands_on_commits_that_were_never_published(repo: Repo) -> None:
    project, workspace = opened(repo)
    commit = repo.commit({"b.txt": "committed\n"}, folder=workspace.path)
    (workspace.path / "c.txt").write_text("loose\n")
    ref = keep_wip(project, workspace, "x")
    assert ref and repo.tip(f"{ref}^") == commit
    assert not repo.has_ref("refs/axon/passing")


def test_wip_goes_into_nested_repositories(repo: Repo) -> None:
    project, workspace = opened(repo)
    inner = workspace.path / "vendor/lib"
    inner.mkdir(parents=True)
    repo.git("init", "-q", cwd=inner)
    (inner / "deep.txt").write_text("deep\n")
    (workspace.path / "b.txt").write_text("b\n")
    ref = keep_wip(project, workspace, "x")
    assert ref and {"b.txt", "vendor/lib/deep.txt"} <= set(repo.files(ref))


# ── committing ──


def test_everything_uncommitted_becomes_a_commit_on_the_branch(repo: Repo) -> None:
    project, workspace = opened(repo)
    assert commit_all(project, workspace, "nothing") == workspace.base
    repo.write({"a.txt": None, "dir/new ö.txt": "x\n"}, workspace.path)
    commit = commit_all(project, workspace, 'ENG-1: say "hi"\n\n# not a comment\0')
    assert repo.git("log", "-1", "--format=%B", cwd=workspace.path).splitlines() == [
        'ENG-1: say "hi"',
        "",
        "# not a comment",
    ]
    assert publish(project, workspace) == "refs/heads/agent/eng-1"
    assert repo.tip("agent/eng-1") == commit
    assert repo.files("agent/eng-1") == ["dir/new ö.txt", "tests/test_a.py"]
    assert repo.tip() == workspace.base and repo.status() == ""


def test_hooks_signing_and_locks_left_by_the_agent_do_not_matter(repo: Repo) -> None:
    project, workspace = opened(repo)
    path, marks = workspace.path, repo.root.parent / "hooked"
    hooks = path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text(f"#!/bin/sh\ntouch '{marks}'\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    for key, value in {
        "core.hooksPath": str(hooks),
        "commit.gpgsign": "true",
        "core.fsmonitor": f"touch '{marks}'",
        "core.bare": "true",
    }.items():
        repo.git("config", key, value, cwd=path)
    (path / ".git/index.lock").write_text("")
    (path / ".git/refs/heads/agent/eng-1.lock").write_text("")
    commit_all(project, workspace, "work")
    assert not marks.exists()
    assert repo.git("config", "core.hooksPath", cwd=path) == "/dev/null"


def detach_and_commit(repo: Repo, path: Path) -> None:
    repo.git("checkout", "-q", "--detach", cwd=path)
    repo.commit({"b.txt": "b\n"}, folder=path)


def work_on_another_branch(repo: Repo, path: Path) -> None:
    repo.git("checkout", "-q", "-b", "mine", cwd=path)
    repo.commit({"b.txt": "b\n"}, folder=path)
    repo.write({"c.txt": "c\n"}, path)


def start_over_elsewhere(repo: Repo, path: Path) -> None:
    repo.commit({"first.txt": "first try\n"}, folder=path)
    repo.git("checkout", "-q", "-b", "again", "origin/main", cwd=path)
    repo.commit({"b.txt": "b\n"}, folder=path)


def look_at_an_old_commit(repo: Repo, path: Path) -> None:
    repo.commit({"b.txt": "b\n"}, folder=path)
    repo.git("checkout", "-q", "origin/main", cwd=path)


def delete_the_branch(repo: Repo, path: Path) -> None:
    repo.git("checkout", "-q", "--detach", cwd=path)
    repo.git("branch", "-q", "-D", "agent/eng-1", cwd=path)
    repo.commit({"b.txt": "b\n"}, folder=path)


def begin_an_orphan(repo: Repo, path: Path) -> None:
    repo.git("checkout", "-q", "--orphan", "fresh", cwd=path)
    repo.write({"b.txt": "b\n"}, path)


def stop_in_mid_rebase(repo: Repo, path: Path) -> None:
    repo.commit({"a.txt": "mine\n", "b.txt": "b\n"}, folder=path)
    repo.git("checkout", "-q", "-b", "theirs", "origin/main", cwd=path)
    repo.commit({"a.txt": "theirs\n"}, folder=path)
    repo.git("checkout", "-q", "agent/eng-1", cwd=path)
    with pytest.raises(AssertionError):
        repo.git("rebase", "theirs", cwd=path)


def stop_in_bisect(repo: Repo, path: Path) -> None:
    repo.commit({"b.txt": "b\n"}, folder=path)
    repo.git("bisect", "start", "HEAD", "origin/main", cwd=path)


@pytest.mark.parametrize(
    "leave",
    [
        detach_and_commit,
        work_on_another_branch,
        start_over_elsewhere,
        look_at_an_old_commit,
        delete_the_branch,
        begin_an_orphan,
        stop_in_mid_rebase,
        stop_in_bisect,
    ],
)
def test_wherever_the_agent_left_head_its_work_is_on_the_branch(repo: Repo, leave: Any) -> None:
    project, workspace = opened(repo)
    leave(repo, workspace.path)
    commit = commit_all(project, workspace, "work")
    publish(project, workspace)
    assert repo.tip("agent/eng-1") == commit
    assert "b.txt" in repo.files(commit)
    if leave is work_on_another_branch:
        assert "c.txt" in repo.files(commit)
    if leave is start_over_elsewhere:  # the other line is not lost
        kept = repo.git("for-each-ref", "--format=%(refname)", "refs/axon/kept").split()
        assert [repo.show("first.txt", ref) for ref in kept] == ["first try"]
    assert repo.git("symbolic-ref", "HEAD", cwd=workspace.path) == "refs/heads/agent/eng-1"
    assert repo.git("status", "--porcelain", cwd=workspace.path) == ""


def test_changes_on_an_old_commit_that_do_not_fit_are_the_agents_to_solve(repo: Repo) -> None:
    project, workspace = opened(repo)
    repo.commit({"a.txt": "newer\n"}, folder=workspace.path)
    repo.git("checkout", "-q", "origin/main", cwd=workspace.path)
    (workspace.path / "a.txt").write_text("other\n")
    with pytest.raises(Unfinished, match="older commit") as caught:
        commit_all(project, workspace, "work")
    assert "agent/eng-1" in caught.value.feedback
    assert (workspace.path / "a.txt").read_text() == "other\n"


def test_a_nested_repository_is_refused_and_named(repo: Repo) -> None:
    project, workspace = opened(repo)
    inner = workspace.path / "vendor/lib"
    inner.mkdir(parents=True)
    repo.git("init", "-q", cwd=inner)
    with pytest.raises(Unfinished, match="vendor/lib") as caught:
        commit_all(project, workspace, "work")
    assert ".gitignore" in caught.value.feedback
    shutil.rmtree(inner / ".git")
    (inner / "x").write_text("x")
    commit_all(project, workspace, "work")
    publish(project, workspace)
    assert "vendor/lib/x" in repo.files("agent/eng-1")


def test_a_ruined_index_is_made_anew(repo: Repo) -> None:
    project, workspace = opened(repo)
    (workspace.path / ".git/index").write_bytes(b"garbage")
    (workspace.path / "b.txt").write_text("b\n")
    commit_all(project, workspace, "work")
    publish(project, workspace)
    assert repo.files("agent/eng-1") == ["a.txt", "b.txt", "tests/test_a.py"]


# ── publishing ──


def test_a_branch_that_a_person_has_checked_out_is_left_alone(repo: Repo, tmp_path: Path) -> None:
    project, workspace = opened(repo)
    publish(project, workspace)
    repo.git("worktree", "add", "-q", str(tmp_path / "look"), "agent/eng-1")
    (workspace.path / "b.txt").write_text("b\n")
    commit = commit_all(project, workspace, "work")
    assert publish(project, workspace) == "refs/axon/heads/ENG-1"
    assert repo.tip("refs/axon/heads/ENG-1") == commit
    assert repo.tip("agent/eng-1") == workspace.base
    repo.git("worktree", "remove", str(tmp_path / "look"))
    assert publish(project, workspace) == "refs/heads/agent/eng-1"
    assert not repo.has_ref("refs/axon/heads/ENG-1")


def test_a_branch_name_that_is_taken_is_gone_around(repo: Repo) -> None:
    repo.git("branch", "agent")
    project, workspace = opened(repo)
    assert publish(project, workspace) == "refs/axon/heads/ENG-1"


def test_publishing_leaves_fetch_head_and_hooks_of_the_person_alone(repo: Repo) -> None:
    project, workspace = opened(repo)
    mark = repo.root.parent / "hooked"
    hook = repo.root / ".git/hooks/reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    hook.chmod(0o755)
    publish(project, workspace)
    assert not mark.exists() and not (repo.root / ".git/FETCH_HEAD").exists()


# ── updating ──


def test_the_newest_target_is_merged_into_the_branch(repo: Repo) -> None:
    project, workspace = opened(repo)
    (workspace.path / "loose.txt").write_text("mine\n")
    newest = repo.commit({"a.txt": "two\n"})
    assert update(project, workspace) == []
    assert (workspace.path / "a.txt").read_text() == "two\n"
    assert (workspace.path / "loose.txt").read_text() == "mine\n"
    assert repo.tip("refs/axon/base/ENG-1") == newest
    assert update(project, workspace) == []
    found = changes(project, workspace, a_task())
    assert found.files == ("loose.txt",)


def test_a_conflict_stays_in_the_tree_until_its_agent_has_resolved_it(repo: Repo) -> None:
    project, workspace = opened(repo)
    repo.commit({"a.txt": "mine\n", "ü.txt": "mine\n"}, folder=workspace.path)
    repo.commit({"a.txt": "theirs\n", "ü.txt": "theirs\n"})
    assert update(project, workspace) == ["a.txt", "ü.txt"]
    assert update(project, workspace) == ["a.txt", "ü.txt"]  # still open
    assert "<<<<<<<" in (workspace.path / "a.txt").read_text()
    with pytest.raises(Unfinished, match="conflict markers are left in a.txt, ü.txt") as caught:
        commit_all(project, workspace, "work")
    assert "- a.txt\n- ü.txt" in caught.value.feedback
    again = prepare(project, a_task())  # its worker was killed: the merge is still open
    assert not again.fresh and update(project, again) == ["a.txt", "ü.txt"]
    repo.write({"a.txt": "both\n", "ü.txt": "both\n"}, workspace.path)
    commit = commit_all(project, workspace, "Merge main")
    assert repo.git("rev-list", "--count", "--merges", "HEAD", cwd=workspace.path) == "1"
    publish(project, workspace)
    assert repo.show("a.txt", commit) == "both"
    assert update(project, workspace) == []


def test_what_only_the_agent_can_finish_does_not_keep_it_from_going_on(repo: Repo) -> None:
    project, workspace = opened(repo)
    inner = workspace.path / "nested"
    inner.mkdir()
    repo.git("init", "-q", cwd=inner)
    repo.commit({"a.txt": "two\n"})
    assert update(project, workspace) == []


# ── what changed ──


def test_changes_are_counted_and_looked_at(repo: Repo) -> None:
    repo.commit({"tests/test_b.py": "x\n" * 50, "tests/test_c.py": "y\n", "src/b.py": "b\n"})
    project, workspace = opened(repo)
    assert said(changes(project, workspace, a_task())) == ["nothing was changed"]
    path = workspace.path
    repo.git("mv", "tests/test_b.py", "tests/test_moved.py", cwd=path)
    repo.write({"tests/test_c.py": " \n", "tests/test_a.py": None, "src/b.py": "b\nc\n"}, path)
    repo.write({"docs/ü.md": "<<<<<<< a\n=======\n>>>>>>> b\n"}, path)
    commit_all(project, workspace, "work")
    found = changes(project, workspace, a_task(paths=("src/", "tests")))
    assert found.files == (
        "docs/ü.md", "src/b.py", "tests/test_a.py", "tests/test_c.py", "tests/test_moved.py",
    )  # fmt: skip
    assert (found.insertions, found.deletions) == (5, 2)
    assert said(found) == [
        "tests deleted: tests/test_a.py",
        "tests emptied: tests/test_c.py",
        "outside of src/, tests: docs/ü.md",
        "conflict markers left: docs/ü.md",
    ]


def test_secrets_and_large_files_are_findings(repo: Repo) -> None:
    key = "KEY=sk-ant-api03-" + "a" * 80 + "\n"
    repo.commit({"old.env": key})
    project, workspace = opened(repo, max_file_mb=0.5)
    repo.write({"src/ü.py": 'KEY = "my-live-value-42"\n', "big": "x" * 600_000}, workspace.path)
    repo.write({"old.env": key + "more\n"}, workspace.path)
    commit_all(project, workspace, "work")
    assert said(changes(project, workspace, a_task(), Redactor(["my-live-value-42"]))) == [
        "what looks like a secret added: src/ü.py",
        "files larger than 0.5 MB: big",
    ]


def said(found: Changes) -> list[str]:
    return [str(finding) for finding in found.findings]


def test_a_repository_the_agent_committed_is_a_finding(repo: Repo) -> None:
    project, workspace = opened(repo)
    inner = workspace.path / "lib"
    inner.mkdir()
    repo.git("init", "-q", cwd=inner)
    for key in ("name", "email"):
        repo.git("config", f"user.{key}", "x", cwd=inner)
    repo.git("commit", "-q", "--allow-empty", "-m", "x", cwd=inner)
    repo.git("add", "-A", cwd=workspace.path)
    repo.git("commit", "-q", "-m", "x", cwd=workspace.path)
    assert said(changes(project, workspace, a_task())) == [
        "repositories whose files do not come along: lib"
    ]


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("src/a.py", "src", True),
        ("src/a.py", "./src/", True),
        ("srcs/a.py", "src", False),
        ("src/a/b.py", "src/*.py", False),
        ("src/a/b.py", "src/**/*.py", True),
        ("src/b.py", "src/**/*.py", True),
        ("a/b/c", "a/*", True),  # a folder, with all that is in it
        ("x.py", "**", True),
        ("a.py", "{a,b}.py", True),
        ("c.py", "[!ab].py", True),
        ("b.py", "[!ab].py", False),
        ("a[b", "a[b", True),
        ("a.py", "a?py", True),
        ("axpy", "a.py", False),
    ],
)
def test_globs(path: str, pattern: str, fits: bool) -> None:
    assert matches(path, pattern) is fits


def test_tests_are_known_by_their_names() -> None:
    yes = "test_a.py a_test.go src/a.test.ts a.spec.js spec/a_spec.rb tests/helper.py FooTest.java"
    no = "src/a.py contest.py latest.py tests/data.csv testing.md attest.go"
    assert all(is_test(path) for path in yes.split())
    assert not any(is_test(path) for path in no.split())


# ── recipe ──


def test_the_recipe_copies_links_and_sets_up_once(repo: Repo) -> None:
    repo.write({".env": "secret\n", "node modules/x/y.js": "y\n", "big/data": "d\n"})
    (repo.root / "node modules/link").symlink_to("x")
    (repo.root / "node modules/x/y.js").chmod(0o755)
    project, workspace = opened(
        repo,
        copy=(".env", "node modules"),
        link=("big",),
        setup='echo "$AXON_PORT $EXTRA $HOME" >> set.up; test -f .env',
        variables={"EXTRA": "more"},
    )
    set_up(project, workspace)
    path = workspace.path
    assert (path / ".env").read_text() == "secret\n"
    assert os.access(path / "node modules/x/y.js", os.X_OK)
    assert os.readlink(path / "node modules/link") == "x"
    assert (path / "big").resolve() == repo.root / "big"
    assert not (path / "big").is_dir() or (path / "big").is_symlink()
    set_up(project, prepare(project, a_task()))
    port = workspace.variables["AXON_PORT"]
    assert (path / "set.up").read_text() == f"{port} more {workspace.home}\n"
    (path / "set.up").unlink()
    assert repo.git("status", "--porcelain", cwd=path) == ""  # what it brought is no change
    assert keep_wip(project, workspace, "x") is None


def test_a_failing_set_up_names_the_command_and_its_last_line(repo: Repo) -> None:
    project, workspace = opened(repo, setup="echo start; echo no such thing >&2; exit 7")
    for _ in range(2):  # not done is not remembered as done
        with pytest.raises(SetupFailed, match="'echo start.*exit 7: no such thing") as caught:
            set_up(project, workspace)
    assert caught.value.result.output == "start\nno such thing\n"


def test_a_hanging_set_up_hits_its_limit(repo: Repo) -> None:
    project, workspace = opened(repo, setup="sleep 60", setup_minutes=0.01)
    with pytest.raises(AxonError, match="sleep 60.*no end within"):
        set_up(project, workspace)


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", ".git/config", ".axon", ""])
def test_the_recipe_stays_inside_the_project(repo: Repo, name: str) -> None:
    project, workspace = opened(repo, copy=(name,))
    with pytest.raises(UsageError, match="must be a path inside"):
        set_up(project, workspace)


def test_the_recipe_does_not_follow_links_out(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/x").write_text("x")
    (repo.root / "out").symlink_to(tmp_path / "outside")
    project, workspace = opened(repo, link=("out/x",))
    with pytest.raises(UsageError, match="out of the project"):
        set_up(project, workspace)


def test_a_missing_source_is_named(repo: Repo) -> None:
    project, workspace = opened(repo, copy=("missing",))
    with pytest.raises(UsageError, match="'missing', which is not in"):
        set_up(project, workspace)


# ── ports, locks, removal ──


def test_each_workspace_has_ports_of_its_own_and_keeps_them(repo: Repo) -> None:
    project, first = opened(repo, ports=3)
    second = prepare(project, a_task("ENG-2"))
    starts = [int(w.variables["AXON_PORT"]) for w in (first, second)]
    assert abs(starts[0] - starts[1]) >= 3
    assert prepare(project, a_task()).variables == first.variables
    remove(project, "ENG-1")
    with socket.socket() as taken:  # somebody else has it now
        taken.bind(("127.0.0.1", starts[0] + 1))
        third = int(prepare(project, a_task("ENG-3")).variables["AXON_PORT"])
    assert not {starts[0] + 1} & set(range(third, third + 3))


def test_no_ports_when_none_are_wanted(repo: Repo) -> None:
    _, workspace = opened(repo, ports=0)
    assert "AXON_PORT" not in workspace.variables


def hold_and_prepare(config: Config) -> None:
    with hold(open_project(config), "ENG-1"):
        raise SystemExit(7)


def test_one_process_at_a_time_has_a_workspace(repo: Repo) -> None:
    project = repo.project()
    with hold(project, "ENG-1"):
        used = f"ENG-1 is in use by process {os.getpid()}"
        with pytest.raises(Forbidden, match=used), hold(project, "ENG-1"):
            pass
        assert die(hold_and_prepare, repo.config()) == 1
    assert die(hold_and_prepare, repo.config()) == 7


def test_removing_keeps_what_was_not_published(repo: Repo) -> None:
    project, workspace = opened(repo)
    commit = repo.commit({"b.txt": "b\n"}, folder=workspace.path)
    repo.git("checkout", "-q", "-b", "side", cwd=workspace.path)
    side = repo.commit({"side.txt": "s\n"}, folder=workspace.path)
    (workspace.path / "loose.txt").write_text("loose\n")
    (workspace.path / "sealed").mkdir()
    (workspace.path / "sealed/x").write_text("x")
    (workspace.path / "sealed").chmod(0o500)
    remove(project, "ENG-1")
    assert not workspace.path.exists() and not workspace.temporary.parent.exists()
    for each in (commit, side):
        assert repo.git("for-each-ref", f"--contains={each}")
    assert repo.show("loose.txt", "refs/axon/wip/ENG-1/1") == "loose"
    assert list(workspace.path.parent.iterdir()) == []
    remove(project, "ENG-1")  # again: nothing to do
    repo.git("fsck", "--strict")


def test_a_temporary_folder_of_someone_else_is_refused(repo: Repo, tmp_path: Path) -> None:
    project, workspace = opened(repo)
    root = workspace.temporary.parent
    shutil.rmtree(root)
    root.symlink_to(tmp_path)
    with pytest.raises(AxonError, match="belongs to someone else"):
        prepare(project, a_task())
