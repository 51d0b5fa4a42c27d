"""What the page's server promises to a page and to programs, against the built file."""

import gzip
import json
import os
import re
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from axon.dashboard.api.issues import bounded
from axon.dashboard.openapi import document
from axon.dashboard.port import listen
from axon.dashboard.routes import ROUTES
from axon.errors import UsageError
from axon.tasks import Task
from tests.drive import Axon, wait_for
from tests.visitor import Visitor, prepare, start


@pytest.fixture(scope="module")
def project(
    pyz: Path, engine_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Axon]:
    axon = Axon(pyz=pyz, root=tmp_path_factory.mktemp("page") / "project", cache=engine_cache)
    axon.variables["ANTHROPIC_API_KEY"] = SECRET
    prepare(axon)
    yield axon
    axon.end()


@pytest.fixture(scope="module")
def server(project: Axon) -> Visitor:
    return start(project)


SECRET = "sk-test-0123456789abcdefghij"


def add(server: Visitor, title: str, **facts: Any) -> str:
    return str(server.post("/api/issues", {"title": title, **facts}, 201)["identifier"])


# ── the document ──


def test_every_route_is_described_and_every_description_is_true(server: Visitor) -> None:
    told = server.get("/api/openapi.json")
    assert told == json.loads(json.dumps(document(ROUTES, told["info"]["version"])))
    described = {(method.upper(), path) for path, ways in told["paths"].items() for method in ways}
    assert described == {(route.method, route.path) for route in ROUTES}
    for method, path in described:
        place = re.sub(r"\{\w+\}", "NONE-1", path)
        if path == "/api/events":  # it would not end
            continue
        heard = server.ask(method, place, {"unheard of": 1} if method != "GET" else None)
        assert heard.status not in (405, 500), (method, path, heard)
        # a 404 is about what is in the path, never about the path
        assert heard.status != 404 or "NONE-1" in heard.json()["error"]["message"], heard


def test_parameters_are_those_of_the_path(server: Visitor) -> None:
    for path, ways in server.get("/api/openapi.json")["paths"].items():
        for operation in ways.values():
            named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))
            assert operation["summary"]


# ── who comes in ──


def test_the_token_is_kept_private_and_stays_the_same(project: Axon, server: Visitor) -> None:
    path = project.root / ".axon" / "dashboard.token"
    assert path.read_text().strip() == server.token and len(server.token) >= 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = start(project)
    assert again.token == server.token and again.port != server.port


def test_logging_in_gives_a_cookie_that_opens(server: Visitor) -> None:
    heard = server.ask("POST", "/api/login", {"token": f" {server.token} "}, bare=True)
    assert heard.status == 204 and not heard.body
    cookie = heard.headers["set-cookie"].partition(";")[0]
    me = server.ask("GET", "/api/me", bare=True, Cookie=f"other=1; {cookie}")
    assert me.status == 200 and me.json()["auth"] is True
    gone = server.ask("POST", "/api/logout", {}, bare=True, Cookie=cookie, X_Axon="1")
    assert gone.status == 204 and "Max-Age=0" in gone.headers["set-cookie"]


def test_without_a_token_only_for_this_host(project: Axon) -> None:
    free = start(project, "--no-auth")
    assert not free.token
    assert free.ask("GET", "/api/me", bare=True).json()["auth"] is False
    assert free.ask("POST", "/api/team/resume", {}, bare=True).status == 403  # no page of ours
    assert free.ask("POST", "/api/team/resume", {}, bare=True, X_Axon="1").status == 200
    for words, said in (
        (("--host", "0.0.0.0"), "--allow-remote"),
        (("--host", "0.0.0.0", "--allow-remote", "--no-auth"), "--no-auth is for this host"),
        (("--port", "70000"), "0 to 65535"),
        (("--token", "short"), "at least 16"),
    ):
        refused = project("dashboard", *words)
        assert refused.returncode == 2 and said in refused.stderr, refused.stderr
        assert refused.stderr.count("\n") == 1


def test_a_taken_port_names_who_has_it(project: Axon, server: Visitor) -> None:
    refused = project("dashboard", "--port", str(server.port))
    assert refused.returncode == 2
    assert server.process is not None
    assert f"(pid {server.process.pid})" in refused.stderr and "dashboard" in refused.stderr
    other, holder = socket.create_server(("127.0.0.1", 0)), rf"held by .*\(pid {os.getpid()}\)"
    with other, pytest.raises(UsageError, match=holder):
        listen("127.0.0.1", other.getsockname()[1])


def test_names_of_ones_own_can_be_allowed(project: Axon) -> None:
    config = project.root / "axon.toml"
    before = config.read_text()
    names = '[dashboard]\nnames = ["Axon.example", "tunnel.example:9000"]'
    config.write_text(before.replace("[dashboard]", names))
    heedless = start(project)
    assert heedless.ask("GET", "/api/me", Host="axon.example").status == 421, "nobody allowed it"
    project.ok("trust", "--yes")
    named = start(project)
    config.write_text(before)
    assert named.ask("GET", "/api/me", Host="axon.example").status == 200
    assert named.ask("GET", "/api/me", Host="axon.example:443").status == 200
    assert named.ask("GET", "/api/me", Host="tunnel.example:9000").status == 200
    assert named.ask("GET", "/api/me", Host="tunnel.example").status == 421
    origin = "https://axon.example"
    assert named.ask("GET", "/api/me", Host="axon.example", Origin=origin).status == 200


# ── issues ──


def test_an_issue_from_its_making_to_its_end(server: Visitor) -> None:
    first = add(server, "Lay the ground", labels=["a", "b"], priority="high")
    heard = server.ask(
        "POST", "/api/issues", {"title": "Build on it", "depends": [first], "max_usd": 2}
    )
    assert heard.status == 201
    second = heard.json()["identifier"]
    assert heard.headers["location"] == f"/api/issues/{second}"
    detail = server.get(f"/api/issues/{second.lower()}")
    assert detail["dependencies"] == [
        {"identifier": first, "title": "Lay the ground", "state": "todo"}
    ]
    assert detail["waiting"][0]["on"] == first and detail["max_usd"] == 2
    assert [one["identifier"] for one in server.get(f"/api/issues/{first}")["dependents"]] == [
        second
    ]
    part = add(server, "A part", parent=first)
    assert [one["identifier"] for one in server.get(f"/api/issues/{first}")["children"]] == [part]
    said = server.post(f"/api/issues/{first}/comments", {"body": "Look <b>here</b>"}, 201)
    assert said["comments"][-1]["body"] == "Look <b>here</b>"
    assert server.post(f"/api/issues/{first}/tell", {"text": "be brief"}, 202) == {}
    canceled = server.post(f"/api/issues/{part}/cancel", {"why": "not needed"})
    assert canceled["state"] == "canceled" and "reopen" in canceled["actions"]
    assert server.post(f"/api/issues/{part}/reopen")["state"] == "todo"
    assert server.ask("POST", f"/api/issues/{part}/retry", {}).status == 409
    assert server.ask("POST", f"/api/issues/{part}/answer", {"text": "yes"}).status == 409
    events = server.get(f"/api/issues/{part}/events")["events"]
    assert [event["action"] for event in events] == ["add", "cancel", "reopen"]
    assert events[1]["why"] == "not needed" and events[1]["after"] == "canceled"
    deleted = server.ask("DELETE", f"/api/issues/{part}", {"why": "gone"})
    assert deleted.json() == {"deleted": part}
    assert server.ask("GET", f"/api/issues/{part}").status == 404


def test_two_editors_do_not_overwrite_each_other(server: Visitor) -> None:
    name = add(server, "Before")
    place = f"/api/issues/{name}"
    tag = server.ask("GET", place).headers["etag"]
    assert re.fullmatch(rf'"{name}\.\d+"', tag)
    changed = server.ask("PUT", place, {"title": "Mine", "labels": ["x"]}, If_Match=tag)
    assert changed.status == 200 and changed.headers["etag"] != tag
    late = server.ask("PUT", place, {"title": "Yours"}, If_Match=tag)
    assert late.status == 412 and late.code == "precondition_failed"
    assert late.json()["current"]["title"] == "Mine"
    assert server.ask("PUT", place, {"state": "canceled"}, If_Match=tag).status == 412
    assert server.ask("PUT", place, {"title": "Yours"}, If_Match='"ENG-999.1"').status == 412
    assert server.ask("PUT", place, {"title": "Any"}, If_Match="*").json()["title"] == "Any"
    now = server.ask("PUT", place, {"title": "Last", "labels": None, "state": "canceled"})
    assert now.status == 200
    assert (now.json()["title"], now.json()["labels"], now.json()["state"]) == (
        "Last",
        [],
        "canceled",
    )


def test_an_edit_that_is_refused_changes_nothing(server: Visitor) -> None:
    one, two = add(server, "One"), add(server, "Two")
    server.ask("PUT", f"/api/issues/{two}", {"depends": [one]})
    circle = server.ask("PUT", f"/api/issues/{one}", {"title": "Other", "depends": [two]})
    assert circle.status == 400
    long = server.ask("PUT", f"/api/issues/{one}", {"depends": [], "title": "x" * 300})
    assert long.status == 400
    assert server.get(f"/api/issues/{one}")["title"] == "One"
    cut = server.ask("PUT", f"/api/issues/{two}", {"depends": []})
    assert cut.json()["depends"] == []


def test_many_at_once_all_or_none_and_taken_back(server: Visitor) -> None:
    names = [add(server, f"Bulk {n}") for n in range(3)]
    moved = server.post(
        "/api/issues/bulk", {"identifiers": names, "action": "move", "state": "canceled"}
    )
    assert {task["state"] for task in moved["issues"]} == {"canceled"}
    undone = server.post("/api/issues/undo")
    assert {task["state"] for task in undone["issues"]} == {"todo"}
    fields = {"priority": "urgent", "labels": ["now"]}
    edited = server.post(
        "/api/issues/bulk", {"identifiers": names, "action": "edit", "fields": fields}
    )
    assert {task["priority"] for task in edited["issues"]} == {"urgent"}
    wrong = {"identifiers": [*names, "ENG-9999"], "action": "cancel"}
    assert server.ask("POST", "/api/issues/bulk", wrong).status == 404
    assert {server.get(f"/api/issues/{n}")["state"] for n in names} == {"todo"}
    server.post("/api/issues/bulk", {"identifiers": names, "action": "delete"})
    assert server.ask("GET", f"/api/issues/{names[0]}").status == 404
    assert len(server.post("/api/issues/undo")["issues"]) == 3


def test_lists_have_pages_filters_and_an_order(server: Visitor) -> None:
    names = [add(server, f"Paged {n}", labels=["paged"]) for n in range(5)]
    page = server.get("/api/issues?label=paged&limit=2&offset=1")
    assert [task["identifier"] for task in page["issues"]] == names[1:3]
    assert (page["total"], page["limit"], page["offset"]) == (5, 2, 1)
    everything = server.get("/api/issues?limit=0")
    assert everything["issues"] == [] and everything["total"] >= 8
    server.post(f"/api/issues/{names[0]}/cancel")
    found = server.get("/api/issues?label=paged&state=canceled&state=done")
    assert [task["identifier"] for task in found["issues"]] == names[:1]
    latest = server.get("/api/issues?sort=updated&limit=1&q=paged")["issues"]
    assert latest[0]["identifier"] == names[0]
    brief = server.get("/api/issues?brief=1&limit=1")["issues"][0]
    assert "description" not in brief and "title" in brief
    some = server.get("/api/events/list?limit=3")
    assert [event["seq"] for event in some["events"]] == list(
        range(some["last_seq"] - 2, some["last_seq"] + 1)
    )
    before = server.get(f"/api/events/list?limit=2&before={some['last_seq']}&action=add")
    assert all(event["action"] == "add" for event in before["events"])
    since = server.get(f"/api/events/list?after={some['last_seq'] - 1}")["events"]
    assert [event["seq"] for event in since] == [some["last_seq"]]


def test_a_page_of_long_texts_ends_early() -> None:
    text = "x" * 3_900_000  # the same for all: they take no room here
    tasks = [Task(identifier=f"ENG-{n}", title="Long", description=text) for n in range(1, 8)]
    first = bounded(tasks)
    assert first == tasks[: len(first)] and 2 <= len(first) <= 5
    assert bounded(tasks[:2]) == tasks[:2] and bounded([]) == []
    huge = [Task(identifier="ENG-1", title="Huge", result=text * 6), *tasks]
    assert bounded(huge) == huge[:1]  # one is always there, or there would be no end


# ── how it is sent ──


def test_what_has_not_changed_is_not_sent_again(server: Visitor) -> None:
    heard = server.ask("GET", "/api/issues?limit=5")
    same = server.ask("GET", "/api/issues?limit=5", If_None_Match=heard.headers["etag"])
    assert same.status == 304 and not same.body
    add(server, "Another")
    assert server.ask("GET", "/api/issues?limit=500").status == 200
    everything = server.ask("GET", "/api/issues?limit=2000")
    add(server, "And another")
    tag = everything.headers["etag"]
    assert server.ask("GET", "/api/issues?limit=2000", If_None_Match=tag).status == 200


def test_what_can_be_compressed_is(server: Visitor) -> None:
    plain = server.ask("GET", "/api/openapi.json")
    packed = server.ask("GET", "/api/openapi.json", Accept_Encoding="br, gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert len(packed.body) < len(plain.body) / 3
    assert gzip.decompress(packed.body) == plain.body
    no = server.ask("GET", "/api/openapi.json", Accept_Encoding="gzip;q=0")
    assert "content-encoding" not in no.headers


def test_answers_are_kept_nowhere_and_obey_no_sniffer(server: Visitor) -> None:
    for path in ("/api/me", "/api/issues", "/metrics"):
        heard = server.ask("GET", path)
        assert heard.headers["cache-control"] == "no-store"
        assert heard.headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self'" in heard.headers["content-security-policy"]
    assert "unsafe" not in heard.headers["content-security-policy"]


def test_the_page_is_there_with_hashed_files(server: Visitor) -> None:
    shell = server.ask("GET", "/", bare=True)
    assert shell.status == 200 and shell.headers["content-type"].startswith("text/html")
    assert shell.headers["cache-control"] == "no-cache" and shell.headers["etag"]
    same = server.ask("GET", "/", bare=True, If_None_Match=shell.headers["etag"])
    assert same.status == 304
    assert server.ask("GET", "/board/ENG-1", bare=True).body == shell.body
    assert server.ask("GET", "/v/0000/app.js", bare=True).status == 404
    for path in re.findall(rb'(?:src|href)="(/v/[^"]+)"', shell.body):
        file = server.ask("GET", path.decode(), bare=True)
        assert file.status == 200 and "immutable" in file.headers["cache-control"]


# ── secrets ──


def test_no_secret_leaves(server: Visitor, project: Axon) -> None:
    shaped = "ghp_" + "a1" * 20
    name = add(
        server, f"Key {SECRET}", description=f"first\n{shaped}\n{server.token}", labels=[SECRET]
    )
    project.ok("task", "comment", name, f"is it {SECRET}?")
    pages = [
        f"/api/issues/{name}", "/api/issues?limit=2000", "/api/events/list", "/api/config",
        *(f"/api/export?format={kind}" for kind in ("json", "jsonl", "csv", "markdown")),
        "/api/analytics/export?format=csv", "/api/team", "/metrics",
    ]  # fmt: skip
    for path in pages:
        heard = server.ask("GET", path)
        assert heard.status == 200
        for secret in (SECRET, shaped, server.token):
            assert secret.encode() not in heard.body, (path, secret)
    assert "[redacted]" in server.get(f"/api/issues/{name}")["description"]
    server.ask("DELETE", f"/api/issues/{name}", {})


# ── files ──


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv", "markdown"])
def test_what_goes_out_comes_in_again(server: Visitor, kind: str) -> None:
    heard = server.ask("GET", f"/api/export?format={kind}")
    assert heard.status == 200 and "attachment" in heard.headers["content-disposition"]
    suffix = {"markdown": "md"}.get(kind, kind)
    body = {"name": f"tasks.{suffix}", "content": heard.body.decode(), "dry_run": True}
    found = server.post("/api/import", body)
    assert found["dry_run"] is True and not found["added"]
    assert len(found["skipped"]) >= 3


def test_an_import_is_all_or_nothing(server: Visitor) -> None:
    total = server.get("/api/issues?limit=0")["total"]
    wrong = {"name": "x.csv", "content": "title,priority\nfine,high\nnot fine,soon\n"}
    refused = server.ask("POST", "/api/import", wrong)
    assert refused.status == 400 and "row 3" in refused.json()["error"]["message"]
    content = "- [ ] Imported one\n- [ ] Imported two\n"
    done = server.post("/api/import", {"name": "x.md", "content": content})
    assert [task["title"] for task in done["added"]] == ["Imported one", "Imported two"]
    assert server.get("/api/issues?limit=0")["total"] == total + 2


def test_files_of_other_tools_are_taken_in_and_told_about(server: Visitor) -> None:
    issue = {"number": 9, "title": "From afar", "state": "OPEN", "milestone": {"title": "1.0"}}
    issue["url"] = "https://github.com/acme/timekit/issues/9"
    body = {"name": "x.txt", "content": json.dumps([issue]), "from": "github"}
    done = server.post("/api/import", body)
    assert done["added"][0]["labels"] == ["github:acme/timekit#9"]
    assert done["notes"] == ["not taken over: milestone (1 task)"]
    again = server.post("/api/import", body | {"dry_run": True})
    assert not again["added"] and len(again["skipped"]) == 1
    assert server.ask("POST", "/api/import", body | {"from": "trello"}).status == 400


# ── the team ──


def test_terminal_page_and_metrics_say_the_same(server: Visitor, project: Axon) -> None:
    server.post("/api/team/pause", {"reason": "lunch"})
    shown, told = server.get("/api/team"), project.json("status")
    told.pop("metrics")  # the text format has those: see test_metrics
    for view in (shown, told):
        view.pop("at")
    assert shown == told and told["paused"]["reason"] == "lunch"
    text = server.ask("GET", "/metrics").body.decode()
    for state, count in told["counts"].items():
        assert f'axon_tasks{{state="{state}"}} {count}\n' in text
    assert "axon_paused 1\n" in text
    assert server.post("/api/team/resume")["paused"] is None
    assert server.ask("POST", "/api/team/stop", {}).status == 409
    past = server.ask("POST", "/api/team/pause", {"until": 5})
    assert past.status == 400
    assert server.post("/api/team/pause", {"until": "30m"})["paused"]["until"] > 0
    server.post("/api/team/resume")


def test_settings_are_shown_without_what_is_secret(server: Visitor) -> None:
    found = {entry["name"]: entry for entry in server.get("/api/config")["settings"]}
    assert found["ANTHROPIC_API_KEY"]["value"] == "set"
    assert found["team.lease_seconds"] | {"help": ""} == {
        "name": "team.lease_seconds",
        "value": 30.0,
        "origin": "default",
        "help": "",
    }
    health = server.get("/api/health")
    assert health["ok"] is True and {c["name"] for c in health["checks"]} >= {"ledger", "disk"}


COMMAND = "sleep 1.5; echo $AXON_TITLE > $AXON_TASK.txt; echo 'all <i>done</i>'"


def test_a_team_serves_its_page_and_starts_it_again(axon: Axon) -> None:
    axon.make_repository()
    axon.configure(engine={"name": "command", "command": COMMAND}, gate={"command": "true"})
    lines = [json.dumps({"title": f"Task {n}"}) for n in range(3)]
    axon.ok("task", "import", "-", text="\n".join(lines))
    run = axon.start("team", "--workers", "1", "--dashboard-port", "0", "--json")
    assert run.stderr is not None
    line = next(line for line in run.stderr if "dashboard" in line)
    found = re.search(r"http://127\.0\.0\.1:(\d+)/#token=(\S+)", line)
    assert found
    server = Visitor(port=int(found[1]), token=found[2])
    team = wait_for(lambda: (view := server.get("/api/team"))["workers"] and view)
    assert team["run"]["alive"] and team["progress"]["total"] == 3
    pids = [p for p in axon.processes() if _is_page(p, server.port)]
    assert len(pids) == 1
    os.kill(pids[0], signal.SIGKILL)
    # the socket outlives the process: who asks meanwhile waits, and is answered
    assert server.get("/api/me")["project"] == axon.root.name
    assert [p for p in axon.processes() if _is_page(p, server.port)] != pids
    _, rest = run.communicate(timeout=60)
    assert run.returncode == 0, rest
    assert not [p for p in axon.processes() if _is_page(p, server.port)]
    after = start(axon)
    task = after.get("/api/issues/ENG-1")
    assert task["state"] == "done" and task["sessions"]
    diff = after.get("/api/issues/ENG-1/diff")
    assert [(f["path"], f["status"], f["added"]) for f in diff["files"]] == [("ENG-1.txt", "A", 1)]
    assert "+Task 0" in diff["files"][0]["patch"] and not diff["truncated"]
    assert after.get(f"/api/sessions/{task['sessions'][0]['id']}/diff") == diff
    gates = after.get("/api/issues/ENG-1/gate")["runs"]
    assert {run["where"] for run in gates} == {"workspace", "merged"}
    assert all(run["passed"] for run in gates)
    _check_replay(after, task["sessions"][0]["id"])
    velocity = after.get("/api/analytics/velocity?days=7")
    assert velocity["total"] == 3 and velocity["days"][-1]["landed"] == 3
    assert after.get("/api/analytics/efficiency")["first_pass_rate"] == 1


def _check_replay(server: Visitor, session: str) -> None:
    shown = server.get(f"/api/sessions/{session}")
    assert shown["recorded"] and shown["events"] >= 2 and shown["markers"][0]["kind"] == "prompt"
    first = server.get(f"/api/sessions/{session}/events?limit=1")
    assert not first["last"] and first["next"] == first["events"][0]["seq"] == 1
    rest = server.get(f"/api/sessions/{session}/events?after={first['next']}")
    assert rest["last"] and len(rest["events"]) == shown["events"] - 1
    found = server.get(f"/api/sessions/{session}/events?q=all+%3Ci%3Edone")["events"]
    assert found
    assert server.get(f"/api/sessions/{session}/usage") == {"usage": []}
    assert server.ask("GET", f"/api/sessions/{session}/blobs/{'0' * 64}").status == 404
    listed = server.get("/api/sessions?limit=1")
    assert listed["total"] == 3 and len(listed["sessions"]) == 1


def _is_page(pid: int, port: int) -> bool:
    """Whether that process listens there, as /proc tells."""
    wanted = f":{port:04X}"
    inodes = {
        f"socket:[{row.split()[9]}]"
        for row in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if row.split()[1].endswith(wanted) and row.split()[3] == "0A"
    }
    try:
        links = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
        parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
        forked = b"forkserver" in Path(f"/proc/{parent}/cmdline").read_bytes()
    except OSError:
        return False
    return bool(links & inodes) and forked


def test_a_taken_port_keeps_a_team_from_starting(axon: Axon) -> None:
    axon.make_repository()
    axon.configure(engine={"name": "command", "command": "true"})
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = axon("team", "Do it", "--dashboard-port", str(port))
    assert refused.returncode == 2 and f"pid {os.getpid()}" in refused.stderr
    assert "--no-dashboard" in refused.stderr and refused.stderr.count("\n") == 1
    assert axon("task", "list").returncode == 6  # nothing was made


def test_no_ledger_is_one_line_and_a_signal_ends_the_server(axon: Axon) -> None:
    prepare(axon)
    server = start(axon)
    assert server.get("/api/issues")["total"] == 3
    missing = axon("dashboard", "--ledger", "file:none.db", "--port", "0")
    assert missing.returncode == 6 and missing.stderr.startswith("axon: no ledger at")
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) == 130
