"""Whoever else is told: a signed webhook, a command, the desktop; who chose them; what fails."""

import base64
import hashlib
import hmac
import json
import os
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from axon.config import Config, load_config
from axon.errors import UsageError
from axon.integrations.errand import Office, Outage
from axon.integrations.exchange import check_url, proxy_for
from axon.integrations.notify import Notice, Notifier
from axon.integrations.notify import program as programs
from axon.integrations.notify.chosen import names_of, notifiers_of
from axon.integrations.notify.program import desktop_command
from axon.integrations.notify.webhook import key_of, signed
from axon.ledger import Fate, Ledger
from axon.team.courier.telling import Telling
from tests.drive import Axon, wait_for
from tests.hook_server import HookServer
from tests.test_team import add, shell

SECRET = "whsec_" + base64.b64encode(b"sixteen bytes or more").decode()
EVIL = '\'; touch owned; echo "$(touch owned)" <b>&amp; \\ `touch owned`'


@pytest.fixture
def hook() -> Iterator[HookServer]:
    server = HookServer()
    yield server
    server.close()


def office_with(tmp_path: Path, notify: dict[str, Any], **facts: Any) -> Office:
    environ = {"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    config: Config = load_config(Namespace(), tmp_path, environ)
    config = replace(config, notify=notify, digest_hour=-1, **facts)
    return Office(config=config, run="run-1", environ={"DISPLAY": ":0"})


def told(office: Office, ledger: Ledger, *titles: str) -> Telling:
    (notifier,) = notifiers_of(office)
    telling = Telling(notifier, office)
    telling.post(ledger, [Notice(key=t, kind="failed", title=t, body=f"of {t}") for t in titles])
    return telling


def rounds(telling: Telling, ledger: Ledger, now: float | None = None) -> None:
    for _ in range(20):
        if telling.once(ledger, now or time.time()) > 0:
            return


def fates(ledger: Ledger) -> list[Fate]:
    return [letter.fate for letter in ledger.letters()]


# ── webhook ──


def test_a_webhook_is_signed_after_the_standard(
    tmp_path: Path, hook: HookServer, ledger: Ledger
) -> None:
    office = office_with(tmp_path, {"ops": {"url": hook.url}}, webhook_secret=SECRET)
    telling = told(office, ledger, EVIL, "second")
    rounds(telling, ledger)
    assert fates(ledger) == [Fate.SENT, Fate.SENT]
    path, headers, body = hook.got[0]
    assert path == "/hook?for=axon"
    document = json.loads(body)
    assert document["title"] == EVIL and document["kind"] == "failed"
    assert document["id"] == headers["webhook-id"] == headers["idempotency-key"]
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 300
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(b"sixteen bytes or more", content, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert hook.got[0][1]["webhook-id"] != hook.got[1][1]["webhook-id"]


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of the standard's own documents."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    headers = signed(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert key_of("whsec_no base64") == b"whsec_no base64"
    assert "webhook-signature" not in signed("", "m", 1, body)


def test_a_repeat_has_the_same_id(tmp_path: Path, hook: HookServer, ledger: Ledger) -> None:
    hook.answers.extend([(0, {}), (503, {"Retry-After": "\xb2"}), (429, {"Retry-After": "7"})])
    telling = told(office_with(tmp_path, {"ops": {"url": hook.url}}), ledger, "a")
    now = time.time()
    for seconds in (0, 3, 10, 18):
        telling.once(ledger, now + seconds)
    assert fates(ledger) == [Fate.SENT]
    assert len({headers["webhook-id"] for _, headers, _ in hook.got}) == 1
    assert len(hook.got) == 4


@pytest.mark.parametrize("status", [301, 302, 307, 401, 403, 404, 410])
def test_a_redirect_is_not_followed_and_a_wrong_address_is_told(
    tmp_path: Path, hook: HookServer, ledger: Ledger, status: int
) -> None:
    hook.answers.append((status, {"Location": hook.url}))
    telling = told(office_with(tmp_path, {"ops": {"url": hook.url}}), ledger, "a")
    with pytest.raises(Outage, match=str(status)):
        telling.once(ledger, time.time())
    assert len(hook.got) == 1
    assert fates(ledger) == [Fate.PENDING]


def test_what_a_receiver_refuses_is_given_up(
    tmp_path: Path, hook: HookServer, ledger: Ledger
) -> None:
    hook.answers.append((422, {}))
    telling = told(office_with(tmp_path, {"ops": {"url": hook.url}}), ledger, "a", "b")
    rounds(telling, ledger)
    assert fates(ledger) == [Fate.FAILED, Fate.SENT]


# ── command ──


def test_a_command_gets_json_and_nothing_in_it_is_run(tmp_path: Path, ledger: Ledger) -> None:
    command = 'cat > "got-$AXON_KIND-$AXON_DELIVERY.json"; env > env.txt'
    office = office_with(tmp_path, {"x": {"command": command}}, telegram_token="1:secret")
    office.config.notify["x"]["events"] = ["failed"]
    (notifier,) = [n for n in notifiers_of(replace_token(office)) if n.channel == "command x"]
    telling = Telling(notifier, office)
    telling.post(ledger, [Notice(key="k", kind="failed", title=EVIL, body="b\nc")])
    rounds(telling, ledger)
    assert fates(ledger) == [Fate.SENT]
    (found,) = tmp_path.glob("got-failed-*.json")
    document = json.loads(found.read_text())
    assert (document["title"], document["body"], document["again"]) == (EVIL, "b\nc", False)
    assert not (tmp_path / "owned").exists()
    assert "secret" not in (tmp_path / "env.txt").read_text()


def replace_token(office: Office) -> Office:
    return replace(office, config=replace(office.config, telegram_token=""))


def test_a_command_that_fails_is_tried_again_and_then_given_up(
    tmp_path: Path, ledger: Ledger
) -> None:
    command = "echo x >> tries; echo this went wrong >&2; exit 3"
    telling = told(office_with(tmp_path, {"x": {"command": command}}), ledger, "a")
    now = time.time()
    for _ in range(8):
        now += 400
        try:
            telling.once(ledger, now)
        except Outage as outage:
            assert "this went wrong" in str(outage)
    assert (tmp_path / "tries").read_text().count("x") == programs.MOST_ATTEMPTS
    assert fates(ledger) == [Fate.FAILED]


def test_a_command_that_hangs_is_ended_with_all_it_began(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "SECONDS", 0.5)
    command = "sleep 300 & echo $! > pid; wait"
    telling = told(office_with(tmp_path, {"x": {"command": command}}), ledger, "a")
    telling.once(ledger, time.time())
    letter = ledger.letters()[0]
    assert (letter.fate, letter.doubts) == (Fate.PENDING, 1)
    pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: not alive(pid))


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


# ── desktop ──


def test_the_desktop_is_told_by_arguments_that_are_no_script(
    tmp_path: Path, ledger: Ledger
) -> None:
    tool = tmp_path / "bin/notify-send"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" "$DISPLAY" > {tmp_path}/shown\n')
    tool.chmod(0o755)
    telling = told(office_with(tmp_path, {"d": {"desktop": True}}), ledger, EVIL)
    rounds(telling, ledger)
    shown = (tmp_path / "shown").read_text()
    assert fates(ledger) == [Fate.SENT]
    assert f"--\n{EVIL}\n" in shown and shown.endswith(":0\n")
    assert "&lt;b&gt;" in shown
    assert not (tmp_path / "owned").exists()


def test_a_mac_is_told_by_arguments_too() -> None:
    command = desktop_command(EVIL, "body", "darwin")
    assert command[0] == "osascript" and command[-3:] == ["--", EVIL, "body"]
    assert all(EVIL not in word for word in command[:-2])


def test_a_host_without_a_desktop_says_so_once(tmp_path: Path, ledger: Ledger) -> None:
    office = office_with(tmp_path, {"d": {"desktop": True}})
    office = replace(office, config=replace(office.config, environ={"PATH": "/nonexistent"}))
    with pytest.raises(Outage, match="no notify-send"):
        told(office, ledger, "a").once(ledger, time.time())


# ── who is chosen ──


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "needs one of"),
        ({"url": "http://x", "command": "x"}, "needs one of"),
        ({"url": "ftp://x/"}, "http://"),
        ({"url": "file:///etc/passwd"}, "http://"),
        ({"url": "http://u:p@x/"}, "password"),
        ({"url": "http://x/ y"}, "http://"),
        ({"url": "http://x:99999/"}, "http://"),
        ({"url": "http://x..y/"}, "http://"),
        ({"url": "http://x/\xfc"}, "http://"),
        ({"url": 3}, "must be a text"),
        ({"command": " "}, "shell"),
        ({"command": ["x"]}, "shell"),
        ({"desktop": False}, "must be true"),
        ({"desktop": True, "events": ["landed", "Failed"]}, "events must be"),
        ({"desktop": True, "events": "landed"}, "events must be"),
        ({"desktop": True, "colour": "red"}, "colour"),
    ],
)
def test_a_table_that_cannot_work_is_said(tmp_path: Path, table: Any, said: str) -> None:
    office = office_with(tmp_path, {"x": table})
    with pytest.raises(UsageError, match=said):
        notifiers_of(office)
    assert names_of(office) == ()


def test_events_choose_what_is_told(tmp_path: Path) -> None:
    notify = {"a": {"desktop": True, "events": ["failed"]}, "b": {"command": "true"}}
    office = office_with(tmp_path, notify)
    found: list[Notifier] = notifiers_of(office)
    assert [(n.channel, "landed" in n.kinds) for n in found] == [
        ("desktop a", False), ("command b", True),
    ]  # fmt: skip
    assert names_of(office) == ("command b",)


def test_addresses_and_proxies() -> None:
    check_url("https://example.com/x?y=1", "it")
    known = {"HTTPS_PROXY": "proxy:3128", "no_proxy": "localhost,.corp", "HTTP_PROXY": "socks5://x"}
    assert proxy_for("https://api.telegram.org/x", known) == "http://proxy:3128"
    assert proxy_for("https://hooks.corp/x", known) == ""
    assert proxy_for("http://x/", known) == ""
    for wrong in ("http://user:pa55/word@proxy:3128", "http://[", "http://a..b", "http://"):
        with pytest.raises(UsageError) as caught:
            proxy_for("https://x/", {"HTTPS_PROXY": wrong})
        assert "https_proxy is no address" in str(caught.value) and "pa55" not in str(caught.value)


# ── the whole ──


def test_tables_of_a_project_count_when_they_are_allowed(axon: Axon, hook: HookServer) -> None:
    axon.make_repository()
    sent = axon.root.parent / "sent.jsonl"
    notify = {
        "notify.hook": {"url": hook.url, "events": ["landed", "finished"]},
        "notify.file": {"command": f"cat >> {sent}; echo >> {sent}", "events": ["started"]},
    }
    axon.variables["AXON_WEBHOOK_SECRET"] = SECRET
    shell(axon, **notify)
    add(axon, "one", "env > env.txt; echo x > x")
    done = axon("team", "--workers", "1")
    assert done.returncode == 0
    assert "[notify] is not allowed and ignored" in done.stderr
    assert hook.got == [] and not sent.exists()

    add(axon, "two", "echo y > y")
    axon.ok("team", "--workers", "1", "--trust")
    bodies = [json.loads(body) for _, _, body in hook.got]
    assert [body["kind"] for body in bodies] == ["landed", "finished"]
    assert bodies[0]["identifier"] == "ENG-2" and bodies[0]["run"]
    (line,) = filter(None, sent.read_text().splitlines())
    assert json.loads(line)["title"] == "▶ ENG-2 started"
    assert "notify: by webhook hook" in axon.ok("logs", "ENG-2")
    assert SECRET.removeprefix("whsec_") not in axon.git("show", "main:env.txt")
    for path in axon.root.rglob("*"):
        if path.is_file():
            assert SECRET.removeprefix("whsec_").encode() not in path.read_bytes(), path
    assert os.path.exists(axon.root / "y")
