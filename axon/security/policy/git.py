"""git: it may look, commit and branch; it may not rewrite history, force, or run other programs."""

import re
from typing import TYPE_CHECKING

from axon.security.lists import names
from axon.security.policy import files
from axon.security.policy.options import could_be, sure
from axon.security.policy.refusal import Refused
from axon.security.policy.tree import Redirect, Word
from axon.security.policy.values import ANY, Arg

if TYPE_CHECKING:
    from axon.security.policy.judging import Judge

LOOKING = names(
    "status diff log show blame annotate ls-files ls-tree rev-parse rev-list describe "
    "cat-file merge-base shortlog name-rev grep show-ref for-each-ref diff-tree diff-index "
    "diff-files check-ignore check-attr check-mailmap count-objects cherry whatchanged "
    "range-diff version help fsck verify-commit verify-tag merge-tree get-tar-commit-id "
    "hash-object interpret-trailers stripspace column var"
)
WORKING = names(
    "add commit stash checkout switch restore branch tag merge cherry-pick revert mv rm notes "
    "clean reset bisect init"
)
RUNNERS = names("push fetch pull clone ls-remote apply am format-patch archive bundle")
SHOWING = names("config remote reflog submodule worktree symbolic-ref")
_REWRITING = names(
    "rebase filter-branch filter-repo replace update-ref prune gc repack pack-refs "
    "fast-import commit-tree mktree mktag maintenance pack-objects unpack-objects "
    "prune-packed"
)
# every word of these must be sure
_SURE = names(
    "push fetch pull clone ls-remote archive config remote reflog submodule worktree "
    "symbolic-ref branch tag reset bisect bundle init notes help"
)
_REFUSED = (
    "--upload-pack", "--receive-pack", "--exec", "--output", "--ext-diff", "--textconv",
    "--open-files-in-pager", "--template", "--separate-git-dir", "--edit-description",
)  # fmt: skip
_HARMLESS = frozenset({"--exclude", "--exclude-standard", "--exclude-from", "--edit", "--ours"})
_FORCED: dict[str, tuple[str, tuple[str, ...], str]] = {
    "push": ("fdu", ("--force", "--force-with-lease", "--force-if-includes", "--mirror",
                     "--delete", "--prune", "--set-upstream"), "it overwrites or removes branches"),
    "fetch": ("fu", ("--force", "--update-head-ok"), "it overwrites branches"),
    "pull": ("rf", ("--rebase", "--force"), "it rewrites commits; merge instead"),
    "commit": ("", ("--amend",), "it rewrites a commit; make another one"),
    "branch": ("DfMCm", ("--force",), "it moves or removes a branch"),
    "tag": ("df", ("--delete", "--force"), "it moves or removes a tag"),
    "checkout": ("B", (), "it moves a branch"),
    "switch": ("C", ("--force-create",), "it moves a branch"),
    "merge": ("s", ("--strategy",), "it names another program"),
    "cherry-pick": ("", ("--strategy",), "it names another program"),
    "revert": ("", ("--strategy",), "it names another program"),
    "clone": ("uc", ("--config", "--mirror"), "it runs or sets what the command does not show"),
    "grep": ("O", (), "it opens another program"),
    "am": ("", ("--exec",), ""),
    "init": ("", ("--template",), ""),
}  # fmt: skip
_SETTINGS = re.compile(
    r"(?:user\.(?:name|email)|color\.\w+|core\.(?:quotepath|autocrlf|safecrlf|abbrev)|advice\.\w+"
    r"|commit\.gpgsign=(?:false|no|0)|tag\.gpgsign=(?:false|no|0)|core\.pager=(?:cat)?"
    r"|init\.defaultbranch|diff\.(?:renames|renamelimit|context|algorithm|nopprefix|noprefix)"
    r"|log\.\w+|pull\.ff|merge\.(?:ff|conflictstyle)|core\.editor=(?:true|:))(?:=[^\n]*)?",
    re.IGNORECASE,
)
_PLAIN = names(
    "-P -p --no-pager --paginate --no-optional-locks --literal-pathspecs --no-replace-objects "
    "--icase-pathspecs --glob-pathspecs --version -v --help -h"
)
_READ_CONFIG = names(
    "--get --get-all --list -l get list --get-regexp --show-origin -z --name-only --local "
    "--show-scope --null --type"
)
_VALUED = frozenset(
    {"-m", "--message", "-F", "--file", "--author", "--date", "-C", "-c", "-S", "-G"}
)


def judge(judge: "Judge", args: list[Arg], redirects: tuple[Redirect, ...]) -> list[Word]:
    before = judge.folders
    position = _globals(judge, args)
    words = [arg.word for arg in args]
    if position >= len(args):
        return words
    name = sure(args[position : position + 1], "git")[0]
    rest = args[position + 1 :]
    _check_name(judge, name)
    texts = sure(rest, f"git {name}") if name in _SURE else [a.text or ANY for a in rest]
    _check_options(name, texts)
    if name in _CHECKS:
        _CHECKS[name](texts)
    if name in ("push", "fetch", "pull", "clone", "ls-remote", "submodule"):
        _check_remote(texts)
    if name not in LOOKING and name not in ("add", "commit", "stash", "push", "pull", "fetch"):
        _check_paths(judge, rest)
    _check_secrets(judge, name, rest)
    judge.folders = before
    return words


def _globals(judge: "Judge", args: list[Arg]) -> int:
    """The options before the subcommand; where they end."""
    position = 1
    while position < len(args):
        text = sure(args[position : position + 1], "git")[0]
        if not text.startswith("-"):
            return position
        if text in _PLAIN:
            position += 1
        elif text in ("-C", "-c"):
            value = sure(args[position + 1 : position + 2], "git")
            if not value:
                raise Refused(f"git {text} without its value")
            _check_global(judge, text, value[0])
            position += 2
        else:
            raise Refused(
                f"git {text.partition('=')[0]} is refused; run git in the workspace itself"
            )
    return position


def _check_global(judge: "Judge", option: str, value: str) -> None:
    if option == "-c":
        if not _SETTINGS.fullmatch(value):
            raise Refused(
                f"git -c {value.partition('=')[0]} is refused: many settings run programs"
            )
        return
    files.check(judge, value, writes=judge.strict)
    if judge.folders:
        judge.folders = [judge.real(value, folder) for folder in judge.folders]


def _check_name(judge: "Judge", name: str) -> None:
    if name in _REWRITING:
        raise Refused(f"git {name} rewrites or removes history; make a new commit, or merge")
    if name in RUNNERS and judge.strict:
        raise Refused(f"strict: git {name} is the runner's; commit, and your work is brought over")
    if name not in LOOKING | WORKING | RUNNERS | SHOWING:
        raise Refused(f"git {name} is not on the list of git commands for agents")


def _check_options(name: str, texts: list[str]) -> None:
    letters, longs, why = _FORCED.get(name, ("", (), ""))
    skip = False
    for text in texts:
        if skip:
            skip = False
            continue
        if text == "--":
            return
        option = text.partition("=")[0]
        skip = (
            option in _VALUED
            and "=" not in text
            and name in ("commit", "log", "tag", "merge", "stash", "notes")
        )
        if option.startswith("--"):
            _check_long(name, option, longs, why)
        elif text.startswith("-") and letters:
            cluster = re.match(r"-[A-Za-z]+", text)
            if cluster and set(_cluster(name, cluster[0][1:])) & set(letters):
                raise Refused(f"git {name} {text} is refused: {why}")
        if text.startswith("-O") and name == "grep":
            raise Refused("git grep -O opens another program")


def _cluster(name: str, letters: str) -> str:
    """The letters that are options: after -m and its like stands a text."""
    return re.split(r"(?<=[moSGFC])", letters)[0] if name in ("commit", "tag", "merge") else letters


def _check_long(name: str, option: str, longs: tuple[str, ...], why: str) -> None:
    for refused in longs:
        if option == refused or could_be(option, refused):
            raise Refused(f"git {name} {option} is refused: {why}")
    if option in _HARMLESS or option.startswith("--output-indicator"):
        return
    if any(option == refused or could_be(option, refused) for refused in _REFUSED):
        raise Refused(f"git {name} {option} is refused: it runs a program, or writes elsewhere")


def _check_remote(texts: list[str]) -> None:
    """Addresses that run a program; refspecs that force or remove."""
    for text in texts:
        if "::" in text or text.startswith(("ssh:", "-o")) or "ProxyCommand" in text:
            raise Refused(f"git with the address {text!r} is refused: it runs a program")
        if text.startswith("+") or (text.startswith(":") and len(text) > 1):
            raise Refused(f"git push {text!r} overwrites or removes a branch")


def _config(texts: list[str]) -> None:
    plain = [text for text in texts if not text.startswith("-")]
    reading = any(text in ("--get", "--get-all", "--list", "-l", "--get-regexp") for text in texts)
    known = all(t in _READ_CONFIG or t.startswith("--type") for t in texts if t.startswith("-"))
    reading = reading or plain[:1] in (["get"], ["list"]) or len(plain) == 1
    if not (known and reading and plain[:1] not in (["set"], ["unset"], ["edit"])):
        raise Refused("git config may only read; for one command, use git -c user.name=...")


def _remote(texts: list[str]) -> None:
    if not (not texts or texts == ["-v"] or texts[0] in ("show", "get-url")):
        raise Refused("git remote may only show; remotes are the person's")


def _reflog(texts: list[str]) -> None:
    if texts and texts[0] in ("expire", "delete", "drop", "write"):
        raise Refused("git reflog may only show")


def _submodule(texts: list[str]) -> None:
    if texts and texts[0] not in ("status", "summary"):
        raise Refused("git submodule may only tell the status")


def _worktree(texts: list[str]) -> None:
    if texts[:1] != ["list"]:
        raise Refused("git worktree is refused: each task has its own workspace")


def _symbolic(texts: list[str]) -> None:
    if len([t for t in texts if not t.startswith("-")]) > 1 or "-d" in texts or "--delete" in texts:
        raise Refused("git symbolic-ref may only read")


def _reset(texts: list[str]) -> None:
    """Unstage, or drop what is not committed; commits stay where they are."""
    before = texts[: texts.index("--")] if "--" in texts else texts
    commits = [t for t in before if not t.startswith("-")]
    if any(re.search(r"[~^@]|^[0-9a-f]{7,40}$|^origin/|^refs/", text) for text in commits) or (
        any(t in ("--hard", "--soft", "--mixed", "--keep", "--merge") for t in before)
        and commits not in ([], ["HEAD"])
    ):
        raise Refused("git reset to another commit rewrites the branch; use git revert or restore")


def _bisect(texts: list[str]) -> None:
    if texts[:1] in (["run"], ["view"], ["visualize"]):
        raise Refused("git bisect run is refused; run the test yourself at each step")


def _branch(texts: list[str]) -> None:
    if any(could_be(t, "--move") or could_be(t, "--copy") for t in texts):
        raise Refused("git branch may not rename; make a new branch")


_CHECKS = {
    "config": _config,
    "remote": _remote,
    "reflog": _reflog,
    "submodule": _submodule,
    "worktree": _worktree,
    "symbolic-ref": _symbolic,
    "reset": _reset,
    "bisect": _bisect,
    "branch": _branch,
}


def _check_paths(judge: "Judge", rest: list[Arg]) -> None:
    """What checks out, moves or removes files must not touch protected ones."""
    for arg in rest:
        for value in arg.values:
            if not value.startswith("-"):
                files.check_parts(value.partition(":")[2] or value, writes=True)


def _check_secrets(judge: "Judge", name: str, rest: list[Arg]) -> None:
    """A file outside the workspace that git reads: patches, messages, `diff --no-index`."""
    texts = [arg.text or "" for arg in rest]
    if name == "grep" or not texts:
        return
    for before, text in zip(["", *texts], texts, strict=False):
        if before in ("-m", "--message", "-S", "-G") or text.startswith(("-m", "--message")):
            continue
        piece = text.partition("=")[2] if text.startswith("--") else text
        if piece and ("/" in piece or before in ("-F", "--file") or "--no-index" in texts):
            files.check(judge, piece, writes=False)
        if text.startswith(("-F", "-o", "-t")) and len(text) > 2 and not text.startswith("--"):
            files.check(judge, text[2:], writes=text[1] == "o")
