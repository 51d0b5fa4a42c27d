"""Git with GitHub: the token goes through a pipe to git's own question for it, nowhere else."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from axon.errors import AxonError
from axon.integrations.github.client import GitHub
from axon.integrations.github.faults import GitHubError
from axon.team.git import Git, Outcome, shown
from axon.team.project import Project

SECONDS = 600.0
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
USER = "x-access-token"
PASSING = re.compile(
    r"Could not resolve|Failed to connect|Couldn't connect|[Tt]imed out|Operation too slow|"
    r"Connection reset|Empty reply|hung up|early EOF|unexpected disconnect|returned error: (429|5)"
)


class NotOurs(AxonError):
    """The branch on GitHub holds commits that axon has not pushed and that ours lack."""

    code = "not_ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """The repository on GitHub, as git reaches it."""

    project: Project
    github: GitHub

    @property
    def url(self) -> str:
        return self.github.place.url

    def tip(self, branch: str) -> str:
        """The commit of a branch there; nothing when there is no such branch."""
        ref = f"refs/heads/{branch}"
        out = self._run("ls-remote", "--refs", self.url, ref).out
        for line in out.splitlines():
            commit, _, name = line.partition("\t")
            if name == ref and COMMIT.fullmatch(commit):
                return commit
        return ""

    def push(self, branch: str, commit: str, before: str) -> None:
        """Put the branch at `commit`, if it still stands at `before` there ("": it is new)."""
        ref = f"refs/heads/{branch}"
        outcome = self._attempt(
            "push", "-q", "--no-verify", "--no-follow-tags", "--recurse-submodules=no",
            f"--force-with-lease={ref}:{before}", self.url, f"{commit}:{ref}",
        )  # fmt: skip
        if not outcome.ok and "stale info" in outcome.err:
            raise _foreign(branch)
        if not outcome.ok:
            raise self._failed(f"{branch} cannot be pushed to {self.url}", outcome)

    def fetch(self, branch: str) -> str:
        """Bring a branch of theirs here, under a ref of ours; its commit."""
        ref = f"refs/axon/github/{branch}"
        self._run(
            "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
            self.url, f"+refs/heads/{branch}:{ref}",
        )  # fmt: skip
        return self.project.git.line("rev-parse", ref)

    def _failed(self, what: str, outcome: Outcome) -> GitHubError:
        """May it pass? Git tells that in words only: a network that fails, a server in disorder."""
        said = self.github.redactor.text(_said(outcome))
        return GitHubError(f"{what}: {said}", passing=bool(PASSING.search(outcome.err)))

    def _run(self, *args: str) -> Outcome:
        outcome = self._attempt(*args)
        if not outcome.ok:
            raise self._failed(f"git {args[0]} with {self.url} failed", outcome)
        return outcome

    def _attempt(self, *args: str) -> Outcome:
        with _authorised(self.project.git, self.github) as git:
            return git.attempt(*args, seconds=SECONDS)


def next_before(remote: Remote, branch: str, commit: str, pushed: set[str]) -> str | None:
    """What to replace there by `commit`; None when it is there. NotOurs: commits would be lost.

    `pushed`: what axon has pushed to that branch before.
    """
    there = remote.tip(branch)
    if there == commit:
        return None
    known = there and remote.project.commit_of(there) is not None
    if not there or there in pushed or (known and remote.project.contains(commit, there)):
        return there
    raise _foreign(branch)


@contextlib.contextmanager
def _authorised(git: Git, github: GitHub) -> Iterator[Git]:
    """Git that answers that one host with the token: read from a pipe, once, by its own child.

    It stands in no argument, variable, file or address. Helpers of the person, which would store
    it, are not asked, and an address that the person's git rewrites is left as it is.
    """
    reading, writing = os.pipe()
    try:
        os.write(writing, f"username={USER}\npassword={github.token}\n".encode())
        os.close(writing)
        helper = f'!f() {{ test "$1" = get && cat >/dev/null && cat /dev/fd/{reading}; }}; f'
        settings = [
            ("credential.helper", ""),
            (f"credential.{github.place.site}.helper", ""),
            (f"credential.{github.place.site}.helper", helper),
            (f"url.{github.place.url}.insteadOf", github.place.url),
            (f"url.{github.place.url}.pushInsteadOf", github.place.url),
            ("http.followRedirects", "false"),
            ("http.sslVerify", "true"),
            ("http.extraHeader", ""),
            (f"http.{github.place.url}.extraHeader", ""),  # CI systems leave their token in one
            ("core.askPass", ""),
            ("push.gpgSign", "false"),
            ("push.default", "nothing"),
            ("protocol.allow", "never"),
            ("protocol.https.allow", "always"),
            ("protocol.http.allow", "always"),
            ("http.lowSpeedLimit", "1"),
            ("http.lowSpeedTime", "60"),
        ]
        if github.proxy:
            settings.append(("http.proxy", github.proxy))
        if authorities := git.environ.get("SSL_CERT_FILE"):
            settings.append(("http.sslCAInfo", authorities))
        variables = {"GIT_CONFIG_COUNT": str(len(settings))}
        for number, (key, value) in enumerate(settings):
            variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        yield replace(git.using(**variables), descriptors=(reading,))
    finally:
        os.close(reading)


def _foreign(branch: str) -> NotOurs:
    return NotOurs(
        f"{branch} on GitHub holds commits that are not axon's, and they are not overwritten; "
        f"merge or delete that branch there, then axon github push"
    )


def _said(outcome: Outcome) -> str:
    """The server's reason where there is one, else git's."""
    if missing := re.search(r"couldn't find remote ref refs/heads/(\S+)", outcome.err):
        return (
            f"there is no branch {shown(missing[1])}; push it there first, or set "
            "GITHUB_BASE_BRANCH to one that is there"
        )
    lines = [line.strip() for line in outcome.err.splitlines()]
    told = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    told = [line for line in told if line]
    rejected = [line for line in lines if "rejected]" in line]
    if "could not read Username" in outcome.err or "Authentication failed" in outcome.err:
        return "it does not take the token; make one that may write the contents of the repository"
    said = "; ".join([*told[:3], *(r.partition("(")[2].rstrip(")") for r in rejected[:1])])
    return shown(said[:400]) if said else outcome.said
