"""A GitHub of our own on loopback: the REST API as documented, and git's own smart HTTP."""

import base64
import hashlib
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "ghp_" + "Tt0kEn" * 6
OWNER, NAME = "octo", "hello"
BOT = {"id": 7001, "login": "axon-owner", "type": "User"}
ALICE = {"id": 7002, "login": "alice", "type": "User"}
MALLORY = {"id": 6666, "login": "mallory", "type": "User"}
GIT = ("git", "-c", "user.name=GitHub", "-c", "user.email=noreply@github.invalid")
Json = dict[str, Any]


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    status: int = 0
    whole: bool = False  # the address was: a proxy is asked so


@dataclass
class Fault:
    """What happens to the next requests that fit, instead of an answer or after one."""

    method: str
    path: str  # searched for
    kind: str
    times: int = 1
    facts: Json = field(default_factory=dict)


class Refused(Exception):
    def __init__(self, status: int, message: str, errors: list[Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.errors = errors or []


class GitHubServer:
    """One repository, octo/hello. `with` starts and ends it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = folder / OWNER / f"{NAME}.git"
        self.asked: list[Asked] = []
        self.git_asked: list[str] = []
        self.faults: list[Fault] = []
        self.issues: dict[int, Json] = {}
        self.pulls: dict[int, Json] = {}
        self.comments: dict[int, list[Json]] = {}
        self.events: dict[int, list[Json]] = {}
        self.reviews: dict[int, list[Json]] = {}
        self.remarks: dict[int, list[Json]] = {}
        self.statuses: dict[str, list[Json]] = {}
        self.requested: dict[int, Json] = {}
        self.users = {u["login"]: u for u in (BOT, ALICE, MALLORY)}
        self.owner_of_token: Json | None = BOT
        self.permissions: Json = {"pull": True, "push": True, "admin": False}
        self.page_size = 100
        self.bare_304 = False  # "not changed" names no next page
        self.renamed_from = ""
        self.left = 4999
        self.git_faults = 0  # of the next requests of git
        self.lock = threading.RLock()
        self._ids = iter(range(1000, 10**9))
        self._clock = iter(range(10**6))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.repo.mkdir(parents=True)
        self.git("init", "-q", "--bare", "-b", "main")
        self.git("config", "http.receivepack", "true")

    # ── for tests ──

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def address(self) -> str:
        """For GITHUB_REPO."""
        return f"{self.url}/{OWNER}/{NAME}"

    def __enter__(self) -> "GitHubServer":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def git(self, *args: str, data: str = "") -> str:
        done = subprocess.run(
            [*GIT, *args], cwd=self.repo, input=data, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def tip(self, branch: str) -> str:
        done = subprocess.run(
            ["git", "rev-parse", "-q", "--verify", f"refs/heads/{branch}"],
            cwd=self.repo,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip()

    def fault(self, method: str, path: str, kind: str, times: int = 1, **facts: Any) -> None:
        self.faults.append(Fault(method, path, kind, times, facts))

    def did(self, method: str, path: str) -> list[Asked]:
        """Requests that changed something, or asked."""
        with self.lock:
            return [a for a in self.asked if a.method == method and re.search(path, a.path)]

    def add_issue(
        self, title: str, body: str = "", user: Json = BOT, labels: tuple[str, ...] = ("axon",)
    ) -> int:
        with self.lock:
            return int(self._new_issue(title, body, user, list(labels))["number"])

    def say(self, number: int, body: str, user: Json = BOT) -> Json:
        with self.lock:
            return self._comment(number, body, user)

    def turn(self, number: int, state: str, user: Json = BOT) -> None:
        """Close or reopen an issue as that user."""
        with self.lock:
            self._turn(number, state, user)

    def review(
        self, number: int, user: Json, state: str, body: str, lines: tuple[Json, ...] = ()
    ) -> int:
        with self.lock:
            review = {
                "id": next(self._ids),
                "user": user,
                "state": state,
                "body": body,
                "commit_id": self._pull(number)["head"]["sha"],
                "submitted_at": self._now(),
            }
            self.reviews.setdefault(number, []).append(review)
            self.remarks[review["id"]] = [
                {"id": next(self._ids), "user": user, **line} for line in lines
            ]
            return int(review["id"])

    def merge(self, number: int, *, squash: bool = False) -> str:
        """As the button does it; the commit on the base."""
        with self.lock:
            pull = self.pulls[number]
            base, head = self.tip(pull["base"]["ref"]), self.tip(pull["head"]["ref"])
            tree = self.git("merge-tree", "--write-tree", base, head)
            parents = ["-p", base] + ([] if squash else ["-p", head])
            commit = self.git("commit-tree", tree, *parents, "-m", f"Merge #{number}")
            self.git("update-ref", f"refs/heads/{pull['base']['ref']}", commit, base)
            pull |= {
                "state": "closed",
                "merged": True,
                "merged_at": self._now(),
                "merge_commit_sha": commit,
            }
            pull["head"]["sha"] = head
            return commit

    def close_pull(self, number: int) -> None:
        with self.lock:
            self.pulls[number]["state"] = "closed"

    def open_pulls(self) -> list[Json]:
        with self.lock:
            return [self._pull(n) for n, p in self.pulls.items() if p["state"] == "open"]

    # ── the API ──

    def answer(self, asked: Asked) -> Any:
        """The document for a request, or Refused."""
        if asked.path == "/user":
            if self.owner_of_token is None:
                raise Refused(403, "Resource not accessible by integration")
            return self.owner_of_token
        if found := re.fullmatch(r"/users/([\w-]+)", asked.path):
            if found[1] not in self.users:
                raise Refused(404, "Not Found")
            return self.users[found[1]]
        prefix = f"/repos/{OWNER}/{NAME}"
        if not asked.path.startswith(prefix):
            raise Refused(404, "Not Found")
        path = asked.path.removeprefix(prefix)
        for method, pattern, handle in self._routes():
            match = re.fullmatch(pattern, path)
            if match and method == asked.method:
                return handle(asked, *match.groups())
        raise Refused(404, "Not Found")

    def _routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        return [
            (
                "GET",
                "",
                lambda a: {"full_name": f"{OWNER}/{NAME}", "permissions": self.permissions},
            ),
            ("GET", "/pulls", self._list_pulls),
            ("POST", "/pulls", self._open_pull),
            ("GET", r"/pulls/(\d+)", lambda a, n: self._pull(int(n))),
            ("PATCH", r"/pulls/(\d+)", self._change_pull),
            ("POST", r"/pulls/(\d+)/requested_reviewers", self._request),
            ("GET", r"/pulls/(\d+)/reviews", lambda a, n: self.reviews.get(int(n), [])),
            (
                "GET",
                r"/pulls/(\d+)/reviews/(\d+)/comments",
                lambda a, n, r: self.remarks.get(int(r), []),
            ),
            ("GET", r"/commits/(\w+)/status", self._combined),
            ("POST", r"/statuses/(\w+)", self._status),
            ("GET", "/issues", self._list_issues),
            ("GET", r"/issues/(\d+)", lambda a, n: self._issue(int(n))),
            ("PATCH", r"/issues/(\d+)", self._change_issue),
            ("GET", r"/issues/(\d+)/comments", lambda a, n: self.comments.get(int(n), [])),
            ("POST", r"/issues/(\d+)/comments", self._say),
            ("GET", r"/issues/(\d+)/events", lambda a, n: self.events.get(int(n), [])),
            ("POST", r"/issues/(\d+)/labels", self._label),
            ("DELETE", r"/issues/(\d+)/labels/([^/]+)", self._unlabel),
        ]

    def _now(self) -> str:
        """Each moment is later than the one before."""
        second = next(self._clock)
        hour, minute = second // 3600, second // 60 % 60
        return f"2026-02-01T{hour:02}:{minute:02}:{second % 60:02}Z"

    def _me(self) -> Json:
        return self.owner_of_token or {"id": 9, "login": "app[bot]", "type": "Bot"}

    def _new_issue(self, title: str, body: str, user: Json, labels: list[str]) -> Json:
        number = len(self.issues) + 1
        issue = {
            "number": number,
            "html_url": f"{self.address}/issues/{number}",
            "title": title,
            "body": body,
            "user": user,
            "state": "open",
            "state_reason": None,
            "labels": [{"name": label} for label in labels],
            "created_at": self._now(),
        }
        self.issues[number] = issue
        return issue

    def _issue(self, number: int) -> Json:
        if number not in self.issues:
            raise Refused(404, "Not Found")
        said, issue = self.comments.get(number, []), self.issues[number]
        told = hashlib.sha256(
            json.dumps([issue, said, self.events.get(number)]).encode()
        ).hexdigest()
        return {**issue, "comments": len(said), "updated_at": told}

    def _list_issues(self, asked: Asked) -> list[Json]:
        state, label = asked.query.get("state", "open"), asked.query.get("labels", "")
        found = [self._issue(number) for number in self.issues]
        if label:
            found = [i for i in found if label in [one["name"] for one in i["labels"]]]
        return [i for i in found if state in ("all", i["state"])]

    def _change_issue(self, asked: Asked, number: str) -> Json:
        if "state" in asked.body:
            self._turn(int(number), asked.body["state"], self._me())
            self.issues[int(number)]["state_reason"] = asked.body.get("state_reason")
        return self._issue(int(number))

    def _turn(self, number: int, state: str, user: Json) -> None:
        if self.issues[number]["state"] != state:
            self.issues[number]["state"] = state
            event = "closed" if state == "closed" else "reopened"
            told = {"event": event, "actor": user, "created_at": self._now()}
            self.events.setdefault(number, []).append(told)

    def _say(self, asked: Asked, number: str) -> Json:
        if len(asked.body.get("body", "")) > 65536:
            raise Refused(422, "Validation Failed", [{"code": "too_long", "field": "body"}])
        return self._comment(int(number), asked.body["body"], self._me())

    def _comment(self, number: int, body: str, user: Json) -> Json:
        ident = next(self._ids)
        comment = {
            "id": ident,
            "html_url": f"{self.address}/issues/{number}#issuecomment-{ident}",
            "user": user,
            "body": body,
            "created_at": self._now(),
        }
        self.comments.setdefault(number, []).append(comment)
        return comment

    def _label(self, asked: Asked, number: str) -> list[Json]:
        labels = self.issues[int(number)]["labels"]
        for name in asked.body["labels"]:
            if name not in [one["name"] for one in labels]:
                labels.append({"name": name})
        return list(labels)

    def _unlabel(self, asked: Asked, number: str, name: str) -> list[Json]:
        labels = self.issues[int(number)]["labels"]
        kept = [one for one in labels if one["name"] != unquote(name)]
        if len(kept) == len(labels):
            raise Refused(404, "Label does not exist")
        self.issues[int(number)]["labels"] = kept
        return kept

    def _pull(self, number: int) -> Json:
        if number not in self.pulls:
            raise Refused(404, "Not Found")
        pull = self.pulls[number]
        if pull["state"] == "open":
            pull["head"]["sha"] = self.tip(pull["head"]["ref"])
        issue = self.issues[number]
        return {**pull, "title": issue["title"], "body": issue["body"], "labels": issue["labels"]}

    def _list_pulls(self, asked: Asked) -> list[Json]:
        found = [self._pull(number) for number in self.pulls]
        head, base = asked.query.get("head", ""), asked.query.get("base", "")
        state = asked.query.get("state", "open")
        return [
            p
            for p in found
            if state in ("all", p["state"])
            and head in ("", f"{OWNER}:{p['head']['ref']}")
            and base in ("", p["base"]["ref"])
        ]

    def _open_pull(self, asked: Asked) -> Json:
        head, base = asked.body["head"], asked.body["base"]
        if not self.tip(head) or not self.tip(base):
            field_ = "head" if not self.tip(head) else "base"
            raise Refused(422, "Validation Failed", [{"field": field_, "code": "invalid"}])
        for pull in self.pulls.values():
            if (pull["state"], pull["head"]["ref"], pull["base"]["ref"]) == ("open", head, base):
                said = f"A pull request already exists for {OWNER}:{head}."
                raise Refused(422, "Validation Failed", [{"message": said, "code": "custom"}])
        ahead = self.git("rev-list", "--count", f"refs/heads/{base}..refs/heads/{head}")
        if ahead == "0":
            said = f"No commits between {base} and {head}"
            raise Refused(422, "Validation Failed", [{"message": said, "code": "custom"}])
        issue = self._new_issue(asked.body["title"], asked.body.get("body", ""), self._me(), [])
        number = issue["number"]
        issue["pull_request"] = {"url": f"{self.url}/api/v3/pulls/{number}"}
        self.pulls[number] = {
            "number": number,
            "html_url": f"{self.address}/pull/{number}",
            "user": self._me(),
            "state": "open",
            "merged": False,
            "merged_at": None,
            "merge_commit_sha": None,
            "head": {"ref": head, "sha": self.tip(head)},
            "base": {"ref": base, "sha": self.tip(base)},
        }
        return self._pull(number)

    def _change_pull(self, asked: Asked, number: str) -> Json:
        issue = self.issues[int(number)]
        issue |= {k: v for k, v in asked.body.items() if k in ("title", "body")}
        return self._pull(int(number))

    def _request(self, asked: Asked, number: str) -> Json:
        for login in asked.body.get("reviewers", []):
            if login not in self.users:
                raise Refused(422, f"Reviews may only be requested from collaborators: {login}")
            if login == self.pulls[int(number)]["user"]["login"]:
                raise Refused(422, "Review cannot be requested from pull request author.")
        known = self.requested.setdefault(int(number), {"reviewers": [], "team_reviewers": []})
        for kind, names in known.items():
            names += [name for name in asked.body.get(kind, []) if name not in names]
        return self._pull(int(number))

    def _combined(self, asked: Asked, commit: str) -> Json:
        newest = {one["context"]: one for one in self.statuses.get(commit, [])}
        return {"sha": commit, "statuses": list(newest.values())}

    def _status(self, asked: Asked, commit: str) -> Json:
        if len(asked.body.get("description", "")) > 140:
            raise Refused(422, "Validation Failed", [{"field": "description", "code": "too_long"}])
        self.statuses.setdefault(commit, []).append(asked.body)
        return dict(asked.body)


def _handler(github: GitHubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._do()

        do_POST = do_PATCH = do_DELETE = do_PUT = do_GET

        def _do(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(length)
            if ".git/" in self.path:
                self._git(raw)
                return
            parts = urlsplit(self.path)
            asked = Asked(
                method=self.command,
                path=parts.path.removeprefix("/api/v3"),
                query={k: v[0] for k, v in parse_qs(parts.query).items()},
                headers={k.lower(): v for k, v in self.headers.items()},
                body=json.loads(raw) if raw else {},
                whole=self.path.startswith("http://"),
            )
            with github.lock:
                github.asked.append(asked)
                fault = self._fault(asked)
            if fault is not None and self._before(fault, asked):
                return
            self._respond(asked, fault)

        def _respond(self, asked: Asked, fault: Fault | None) -> None:
            with github.lock:
                try:
                    status, document = self._judged(asked)
                except Refused as error:
                    status = error.status
                    document = {"message": str(error), "errors": error.errors}
            asked.status = status
            headers: dict[str, str] = {}
            if isinstance(document, list) and asked.method == "GET":
                document, headers = self._page(asked, document)
            if fault is not None and fault.kind == "cut":
                self._cut(document)
            else:
                self._send(status, document, headers)

        def _judged(self, asked: Asked) -> tuple[int, Any]:
            if asked.headers.get("authorization") != f"Bearer {TOKEN}":
                raise Refused(401, "Bad credentials")
            if asked.headers.get("x-github-api-version") != "2022-11-28":
                raise Refused(400, "unknown version")
            if github.renamed_from and asked.path.startswith(f"/repos/{github.renamed_from}"):
                raise Refused(404, "Not Found")
            document = github.answer(asked)
            return (201 if asked.method == "POST" else 200), document

        def _page(self, asked: Asked, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
            size = min(int(asked.query.get("per_page", 30)), github.page_size)
            page = int(asked.query.get("page", 1))
            shown = items[(page - 1) * size : page * size]
            if page * size >= len(items):
                return shown, {}
            query = "&".join(f"{k}={v}" for k, v in {**asked.query, "page": page + 1}.items())
            link = f'<{github.url}/api/v3{asked.path}?{query}>; rel="next"'
            return shown, {"Link": f'{link}, <{github.url}/x>; rel="last"'}

        def _fault(self, asked: Asked) -> Fault | None:
            for fault in github.faults:
                fits = fault.method in ("*", asked.method) and re.search(fault.path, asked.path)
                if fault.times > 0 and fits:
                    fault.times -= 1
                    return fault
            return None

        def _before(self, fault: Fault, asked: Asked) -> bool:
            """Whether the fault was the whole answer."""
            kind, facts = fault.kind, fault.facts
            if kind == "html502":
                self._raw(502, b"<html><body>Unicorn! " + b"x" * 999 + b"</body></html>", {})
            elif kind == "html200":
                self._raw(200, b"<html>proxy login</html>", {})
            elif kind == "limit":
                self._send(
                    facts.get("status", 403),
                    {"message": facts.get("message", "API rate limit exceeded")},
                    facts.get("headers", {}),
                )
            elif kind == "redirect":
                self._raw(facts.get("status", 301), b"", {"Location": facts["to"]})
            elif kind == "drip":
                self.send_response(200)
                self.send_header("Content-Length", "100000")
                self.end_headers()
                for _ in range(facts.get("bytes", 100)):
                    try:
                        self.wfile.write(b" ")
                        self.wfile.flush()
                    except OSError:
                        break
                    time.sleep(0.05)
                self.close_connection = True
            elif kind == "huge":
                self.send_response(200)
                self.send_header("Content-Length", str(1 << 30))
                self.end_headers()
                try:
                    for _ in range(1 << 10):
                        self.wfile.write(b"[" * (1 << 20))
                except OSError:
                    pass
                self.close_connection = True
            elif kind == "answer":
                self._send(facts["status"], facts["document"], facts.get("headers", {}))
            else:
                return False
            return True

        def _cut(self, document: Any) -> None:
            """It was done, but the answer breaks off."""
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.close_connection = True

        def _send(self, status: int, document: Any, headers: dict[str, str]) -> None:
            body = json.dumps(document).encode()
            etag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
            if status == 200 and self.headers.get("if-none-match") == etag:
                self._raw(304, b"", {"ETag": etag} | ({} if github.bare_304 else headers))
                return
            told = {"ETag": etag} if status == 200 else {}
            self._raw(status, body, {"Content-Type": "application/json", **told, **headers})

        def _raw(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            with github.lock:
                github.left -= status != 304
            limits = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": str(github.left)}
            limits["X-RateLimit-Reset"] = str(int(time.time()) + 1800)
            self.send_response(status)
            for name, value in {**limits, **headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _git(self, raw: bytes) -> None:
            """git http-backend, for whoever shows the token."""
            parts = urlsplit(self.path)
            github.git_asked.append(f"{self.command} {self.path}")
            shown = self.headers.get("authorization", "").removeprefix("Basic ")
            _, _, password = (
                base64.b64decode(shown + "==").decode("utf-8", "replace").partition(":")
            )
            if github.git_faults > 0:
                github.git_faults -= 1
                self._raw(503, b"", {})
                return
            if password != TOKEN:
                self._raw(401, b"", {"WWW-Authenticate": 'Basic realm="GitHub"'})
                return
            environ = {
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(github.folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REMOTE_USER": "x",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": unquote(parts.path),
                "QUERY_STRING": parts.query,
                "CONTENT_TYPE": self.headers.get("content-type", ""),
                "CONTENT_LENGTH": str(len(raw)),
                "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
                "HTTP_GIT_PROTOCOL": self.headers.get("git-protocol", ""),
            }
            done = subprocess.run(
                ["git", "http-backend"], input=raw, capture_output=True, env=environ, check=False
            )
            head, _, body = done.stdout.partition(b"\r\n\r\n")
            lines = [line.partition(":") for line in head.decode().split("\r\n")]
            headers = {name: value.strip() for name, _, value in lines if name}
            status = int(headers.pop("Status", "200").split()[0])
            self._raw(status, body, headers)

    return Handler


@contextmanager
def github_server(folder: Path) -> Iterator[GitHubServer]:
    with GitHubServer(folder / "github") as server:
        yield server
