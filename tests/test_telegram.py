"""Telegram, against a server that speaks the Bot API: what is sent, what is obeyed, what fails."""

import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from axon.commands import demo
from axon.config import Config, load_config
from axon.errors import UsageError
from axon.integrations.errand import Office, Outage
from axon.integrations.exchange import Call, NoReply, exchange
from axon.integrations.notify import Notice
from axon.integrations.notify import delivery as delivering
from axon.integrations.notify.chosen import chats_of
from axon.integrations.notify.delivery import deliver
from axon.integrations.telegram import bot as bots
from axon.integrations.telegram import check
from axon.integrations.telegram.bot import Bot, Trouble
from axon.integrations.telegram.text import CUT, LIMIT, parts, rendered, units
from axon.integrations.telegram.updates import Allowed, incoming
from axon.ledger import Fate, Ledger, Note
from axon.tasks import State
from axon.team.courier import listening
from axon.team.courier.listening import Listening
from axon.team.courier.makers import tells
from axon.team.courier.rounds import Rounds
from axon.team.courier.telling import Telling
from axon.team.reports.digest import digest_of, digest_text, due, key_of
from axon.team.status import strangers
from tests.telegram_server import CHAT, PERSON, TOKEN, Fault, TelegramServer, parsed
from tests.world import World, add, claim, finish, started


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    server = TelegramServer()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "POLL_SECONDS", 0)


def config_of(tmp_path: Path, **facts: Any) -> Config:
    config = load_config(Namespace(), tmp_path, {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
    return replace(config, **facts)


@pytest.fixture
def office(tmp_path: Path, server: TelegramServer) -> Office:
    config = config_of(
        tmp_path,
        telegram_token=TOKEN,
        telegram_chats=str(CHAT),
        telegram_url=server.url,
        digest_hour=-1,
    )
    return Office(config=config, run="run-1", secrets=(TOKEN,))


@pytest.fixture
def telling(office: Office) -> Telling:
    return Telling(chats_of(office)[0], office)


@pytest.fixture
def ear(office: Office) -> Listening:
    return Listening(bot=chats_of(office)[0].bot, office=office)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Its clock is the real one: Telegram has one too."""
    world = World(tmp_path / "ledger.db", wall=time.time())
    yield world
    world.close()


def settled(telling: Telling, ledger: Ledger, now: float = 0.0) -> None:
    """Rounds until nothing is due."""
    for _ in range(50):
        if telling.once(ledger, now or time.time()) > 0:
            return
    raise AssertionError("it never settles")


# ── texts ──


def test_a_long_text_is_cut_behind_lines_and_nothing_is_lost() -> None:
    lines = [f"line {n} of <b>many</b> & more" for n in range(400)]
    pieces = parts("\n".join(lines))
    assert all(units(piece) <= LIMIT for piece in pieces)
    assert "\n".join(pieces) == "\n".join(lines)


@pytest.mark.parametrize(
    "text", ["x" * 5000, "word " * 2000, "👩‍👩‍👧‍👦" * 800, "🇩🇪" * 3000, "é" * 9000]
)
def test_text_without_lines_is_cut_between_signs(text: str) -> None:
    pieces = parts(text)
    assert all(0 < units(piece) <= LIMIT for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
    assert not any(piece.startswith(("\u200d", "\ufe0f", "\u0301")) for piece in pieces)
    if "🇩" in text:
        assert all(piece.startswith("🇩") for piece in pieces)


def test_what_is_endless_is_cut_and_says_so() -> None:
    pieces = parts("\n".join("y" * 100 for _ in range(10_000)))
    assert len(pieces) == 8
    assert pieces[-1].endswith(CUT)
    assert units(pieces[-1]) <= LIMIT


@pytest.mark.parametrize(
    "title",
    [
        "<b>x</b>",
        "</b><a href='tg://user?id=1'>",
        "a & b &amp; c",
        "&lt;",
        "<",
        ">>><<<",
        '"quotes"',
    ],
)
def test_a_hostile_title_is_only_text(title: str) -> None:
    for body in ("", "<script>", "x" * 5000):
        texts = rendered(title, body)
        read = "".join(parsed(text) for text in texts)
        assert read.replace("\n", "") == title + body


# ── calls and their errors ──


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("status", 401, "Unauthorized"), "token"),
        (Fault("status", 404, "Not Found"), "token"),
        (Fault("status", 400, "Bad Request: chat not found"), "chat"),
        (Fault("status", 403, "Forbidden: bot was blocked by the user"), "chat"),
        (Fault("status", 400, "x", {"migrate_to_chat_id": -1001}), "chat"),
        (Fault("status", 409, "Conflict: terminated by other getUpdates request"), "conflict"),
        (Fault("status", 429, "Too Many Requests: retry after 7", {"retry_after": 7}), "wait"),
        (Fault("status", 400, "Bad Request: message is too long"), "bad"),
        (Fault("status", 500, "Internal Server Error"), "passing"),
        (Fault("html", 502), "passing"),
        (Fault("html", 200), "passing"),
        (Fault("redirect"), "token"),
        (Fault("huge"), "passing"),
        (Fault("cut"), "passing"),
        (Fault("garbage"), "passing"),
        (Fault("hangup"), "passing"),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Fault) else str(value),
)
def test_each_answer_that_is_no_success_means_something(
    server: TelegramServer, fault: Fault, kind: str
) -> None:
    server.fail("getMe", fault)
    bot = Bot(token=TOKEN, url=server.url)
    with pytest.raises(Trouble) as caught:
        bot.call("getMe")
    assert caught.value.kind == kind
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value) and "AAFake" not in repr(caught.value)
    if kind == "wait":
        assert caught.value.seconds == 7
    assert bot.call("getMe")["username"] == "axon_test_bot"


def test_an_answer_that_never_ends_is_given_up_in_time(server: TelegramServer) -> None:
    server.fail("getMe", Fault("slow", seconds=0.05))
    before = time.monotonic()
    with pytest.raises(Trouble, match="in time"):
        Bot(token=TOKEN, url=server.url).call("getMe", seconds=0.5)
    assert time.monotonic() - before < 20


def test_a_proxy_is_told_the_whole_address(server: TelegramServer) -> None:
    bot = Bot(token=TOKEN, url="http://telegram.invalid:81", proxy=server.url)
    assert bot.call("getMe")["username"] == "axon_test_bot"


def test_an_answer_that_ends_early_is_none(server: TelegramServer) -> None:
    server.fail("getMe", Fault("cut"))
    call = Call(method="POST", url=f"{server.url}/bot{TOKEN}/getMe", body=b"{}")
    with pytest.raises(NoReply, match="before it was whole|closed the connection") as caught:
        exchange(call, seconds=10)
    assert caught.value.sent and TOKEN not in str(caught.value)


def test_who_does_not_speak_tls_is_not_told_the_token(server: TelegramServer) -> None:
    bot = Bot(token=TOKEN, url=server.url.replace("http:", "https:"))
    with pytest.raises(Trouble) as caught:
        bot.call("getMe", seconds=5)
    assert not caught.value.sent and server.calls == []


def test_a_refused_connection_has_surely_sent_nothing() -> None:
    with pytest.raises(NoReply) as caught:
        exchange(Call(method="GET", url="http://127.0.0.1:1/"), seconds=5)
    assert not caught.value.sent


@pytest.mark.parametrize("token", ["", "abc", "12:a b", "1:", "../../x"])
def test_a_token_that_cannot_be_one_is_said_at_once(tmp_path: Path, token: str) -> None:
    config = config_of(tmp_path, telegram_token=token or " ", telegram_chats="1")
    with pytest.raises(UsageError, match="BotFather"):
        chats_of(Office(config=config, run=""))


# ── sending ──


def post(telling: Telling, ledger: Ledger, *titles: str) -> None:
    telling.post(ledger, [Notice(key=title, kind="landed", title=title) for title in titles])


def fates(ledger: Ledger) -> list[Fate]:
    return [letter.fate for letter in ledger.letters()]


def test_letters_go_out_in_order_and_once(
    telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    names = [f"n{number}" for number in range(45)]
    post(telling, ledger, *names)
    post(telling, ledger, *names)
    settled(telling, ledger)
    settled(telling, ledger)
    assert [one["parsed"] for one in server.sent] == names
    assert server.sent[0]["chat_id"] == CHAT
    assert ledger.letters()[0].receipt == "1"


def test_too_many_requests_wait_as_long_as_they_are_told(
    telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    server.fail("sendMessage", Fault("status", 429, "Too Many", {"retry_after": 33}))
    post(telling, ledger, "a", "b")
    now = time.time()
    assert telling.once(ledger, now) == pytest.approx(30)  # it looks at the rest meanwhile
    assert telling.once(ledger, now + 32) > 0
    assert server.sent == []
    telling.once(ledger, now + 33)
    assert server.texts() == ["<b>a</b>", "<b>b</b>"]
    assert [letter.attempts for letter in ledger.letters()] == [1, 1]  # to be told to wait is none


@pytest.mark.parametrize("fault", [Fault("html", 502), Fault("status", 500, "oops")])
def test_a_server_that_is_down_is_tried_later_and_later(
    telling: Telling, ledger: Ledger, server: TelegramServer, fault: Fault
) -> None:
    server.fail("sendMessage", *[fault] * 3)
    post(telling, ledger, "a", "b")
    now, waits = time.time(), []
    for _ in range(3):
        waits.append(telling.once(ledger, now))
        now += waits[-1] + 0.01
    telling.once(ledger, now)
    assert waits == pytest.approx([2, 4, 8])
    assert server.texts() == ["<b>a</b>", "<b>b</b>"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", 401, "Unauthorized"),
        Fault("status", 400, "Bad Request: chat not found"),
        Fault("status", 403, "Forbidden: bot was blocked by the user"),
    ],
    ids=["token", "chat", "blocked"],
)
def test_a_channel_that_takes_nothing_keeps_its_letters_and_is_told_once(
    telling: Telling, ledger: Ledger, server: TelegramServer, fault: Fault
) -> None:
    server.fail("sendMessage", fault)
    post(telling, ledger, "a", "b")
    with pytest.raises(Outage) as caught:
        telling.once(ledger, time.time())
    assert caught.value.seconds == delivering.OUTAGE_SECONDS
    assert fates(ledger) == [Fate.PENDING, Fate.PENDING]
    assert len(server.calls) == 0  # one call, which the fault took
    telling.once(ledger, time.time() + 700)
    assert server.texts() == ["<b>a</b>", "<b>b</b>"]


def test_what_does_not_work_is_told_once_and_works_again_only_when_it_does(
    telling: Telling, ledger: Ledger, world: World, server: TelegramServer
) -> None:
    server.fail("sendMessage", *[Fault("html", 502)] * 6)
    post(telling, ledger, "a")
    rounds, now = Rounds(telling, world.open, "run-1"), time.time()
    for _ in range(6):
        pause = rounds.turn(now)
        rounds.turn(now + pause / 2)  # as the last round does, which waits for nothing
        now += pause + 0.1
    told = [event.action for event in ledger.events()]
    assert told == ["errand_failed"]
    rounds.turn(now)
    assert server.texts() == ["<b>a</b>"]
    assert [event.action for event in ledger.events()] == ["errand_failed", "errand_mended"]


def test_a_lost_token_is_tried_again_by_the_last_round_too(
    telling: Telling, ledger: Ledger, world: World, server: TelegramServer
) -> None:
    server.fail("sendMessage", *[Fault("status", 401, "Unauthorized")] * 2)
    post(telling, ledger, "a")
    rounds, now = Rounds(telling, world.open, "run-1"), time.time()
    assert rounds.turn(now) == delivering.OUTAGE_SECONDS
    assert rounds.turn(now + 1) == delivering.OUTAGE_SECONDS
    assert [event.action for event in ledger.events()] == ["errand_failed"]
    rounds.turn(now + 2)
    assert server.texts() == ["<b>a</b>"]


def test_a_message_that_is_refused_is_given_up_and_the_next_one_goes(
    telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    server.fail("sendMessage", Fault("status", 400, "Bad Request: something else"))
    post(telling, ledger, "a", "b")
    settled(telling, ledger)
    assert fates(ledger) == [Fate.FAILED, Fate.SENT]
    assert [event.action for event in ledger.events()] == ["not_told"]


@pytest.mark.parametrize("kind", ["cut", "hangup", "garbage"])
def test_an_answer_that_was_lost_is_a_repeat_at_most_and_says_so(
    telling: Telling, ledger: Ledger, server: TelegramServer, kind: str
) -> None:
    server.fail("sendMessage", Fault(kind, then=True))
    post(telling, ledger, "a")
    now = time.time()
    telling.once(ledger, now)
    telling.once(ledger, now + 60)
    assert server.texts() == ["<b>a</b>", "<i>(this may be a repeat)</i>\n<b>a</b>"]


def test_a_repeat_of_the_longest_message_has_room_to_say_so(
    telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    server.fail("sendMessage", *[Fault("cut", then=True)])
    telling.post(ledger, [Notice(key="k", kind="failed", title="long", body="& " * 8000)])
    now = time.time()
    telling.once(ledger, now)
    telling.once(ledger, now + 60)
    assert str(server.sent[1]["parsed"]).startswith("(this may be a repeat)\nlong")
    assert fates(ledger) == [Fate.SENT] * len(ledger.letters())


def test_after_a_second_doubt_it_is_not_sent_once_more(
    telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    server.fail("sendMessage", *[Fault("cut", then=True)] * 2)
    post(telling, ledger, "a", "b")
    now = time.time()
    telling.once(ledger, now)
    telling.once(ledger, now + 60)
    assert fates(ledger) == [Fate.UNKNOWN, Fate.SENT]
    assert len(server.sent) == 3


def test_a_letter_found_half_sent_is_sent_once_more(
    telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    post(telling, ledger, "a", "b")
    (first, _) = ledger.open_letters(telling.name)
    ledger.begin_sending(first)  # and here its sender was killed
    settled(telling, ledger)
    assert server.texts() == ["<i>(this may be a repeat)</i>\n<b>a</b>", "<b>b</b>"]


def test_two_who_tell_one_channel_send_each_letter_once(
    office: Office, ledger: Ledger, world: World, server: TelegramServer
) -> None:
    chat = chats_of(office)[0]
    one, two = (Telling(chat, replace(office, run=run)) for run in ("run-1", "run-2"))
    other = world.open()
    (name,) = add(ledger, "task")
    started(ledger, "run-1")
    assert one.once(ledger, time.time()) > 0
    assert two.once(other, time.time()) == 3.0  # the other has it
    held = claim(ledger, run="run-1")
    finish(ledger, held)
    settled(one, ledger)
    settled(two, other)
    one.let_go(ledger)
    settled(two, other, time.time() + 100)
    assert [one["parsed"].split("\n")[0] for one in server.sent] == [
        f"▶ {name} started", f"✅ {name} landed",
    ]  # fmt: skip


# ── what is told ──


def test_events_become_messages_and_secrets_stay_here(
    telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    started(ledger)
    names = add(ledger, f"<b>one</b> {TOKEN}", "two", "three")
    first, second, third = (claim(ledger, worker=f"w{n}", run="run-1") for n in range(3))
    finish(ledger, first)
    ledger.fail(second, "gate is red & <bad>", final=True)
    ledger.ask(third, "which <colour>?\nred or blue?")
    ledger.end_run("run-1")
    settled(telling, ledger)
    said = [one["parsed"] for one in server.sent]
    heads = [text.split("\n")[0] for text in said]
    assert heads == [
        *(f"▶ {name} started" for name in names),
        f"✅ {names[0]} landed",
        f"❌ {names[1]} failed",
        f"❓ {names[2]} asks",
        f"🏁 {telling.office.config.root.name}: the run has ended",
    ]
    assert "<b>one</b> [redacted]" in said[0]
    assert "gate is red & <bad>" in said[4]
    assert "red or blue?" in said[5] and f"/answer {names[2]}" in said[5]
    assert TOKEN not in "".join(said)
    assert all(TOKEN not in str(letter.body) for letter in ledger.letters())
    assert [one["disable_notification"] for one in server.sent] == [True] * 4 + [False] * 3


def test_many_light_news_at_once_are_one_message(
    telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    started(ledger)
    add(ledger, *(f"task {n}" for n in range(9)))
    for n in range(9):
        claim(ledger, worker=f"w{n}", run="run-1")
    settled(telling, ledger)
    (one,) = server.sent
    assert one["parsed"].splitlines()[0] == "9 news"
    assert one["parsed"].count("started") == 9


def test_the_same_error_is_told_once_and_then_how_often_it_came(
    telling: Telling, ledger: Ledger, world: World, server: TelegramServer
) -> None:
    started(ledger)
    for pid in (100, 2000, 31):
        ledger.record("worker_died", actor="coordinator", run="run-1", why=f"w (pid {pid}) died")
    ledger.record("run_halted", actor="coordinator", run="run-1", why="no key")
    settled(telling, ledger, world.wall)
    heads = [one["parsed"].splitlines() for one in server.sent]
    assert [lines[0] for lines in heads] == ["⚠ a process of the run died", "⚠ the run must end"]
    world.sleep(3700)
    settled(telling, ledger, world.wall)
    (last,) = server.sent[2:]
    assert last["parsed"].splitlines()[1] == "w (pid 100) died"
    assert last["parsed"].splitlines()[2].startswith("2 times more since")
    world.sleep(3700)
    settled(telling, ledger, world.wall)
    settled(telling, ledger, world.wall)
    assert len(server.sent) == 3


def test_a_channel_is_not_told_that_it_could_not_be_told(
    telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    started(ledger)
    for name in (telling.name, "github"):
        ledger.record("errand_failed", actor="courier", run="run-1", why=f"{name}: gone")
    settled(telling, ledger)
    assert [one["parsed"] for one in server.sent] == ["⚠ a service cannot be reached\ngithub: gone"]


def test_a_digest_is_told_once_a_day_whatever_the_clock_does(
    office: Office, ledger: Ledger, world: World, server: TelegramServer
) -> None:
    office = replace(office, config=replace(office.config, digest_hour=0, weekly_day="never"))
    telling = Telling(chats_of(office)[0], office)
    started(ledger)
    settled(telling, ledger, world.wall)  # the first one comes when its hour comes next
    assert server.sent == []
    (name,) = add(ledger, "a <thing>")
    finish(ledger, claim(ledger, run="run-1"))
    world.sleep(86400)
    ledger.expire()
    for now in (world.wall, world.wall - 3000, world.wall + 60, world.wall):
        settled(Telling(telling.notifier, office), ledger, now)
    digests = [one["parsed"] for one in server.sent if "daily digest" in one["parsed"]]
    assert len(digests) == 1
    assert f"• {name} a <thing>" in digests[0]


# ── who is obeyed ──

ALLOWED = Allowed(chats=(CHAT,), bot="axon_test_bot")


def message(text: str, **more: Any) -> dict[str, Any]:
    about = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": CHAT},
        "from": {"id": PERSON, "is_bot": False},
        "text": text,
    }
    return {"update_id": 1, "message": {**about, **more}}


@pytest.mark.parametrize(
    "update",
    [
        message("/stop", chat={"id": 1}),
        message("/stop", chat={"id": -CHAT}),
        message("/stop", chat={"id": str(CHAT)}),
        message("/stop", chat={"id": float(CHAT)}),
        message("/stop", chat={"id": True}),
        message("/stop", chat=None),
        message("/stop", **{"from": {"id": 5, "is_bot": True}}),
        message("/stop", **{"from": None}),
        message("/stop", forward_origin={"type": "user"}),
        message("/stop", forward_date=1),
        message("/stop", via_bot={"id": 1}),
        message("/stop", sender_chat={"id": CHAT}),
        message("/stop@another_bot"),
        message("please /stop"),
        message("stop"),
        {"update_id": 1, "edited_message": message("/stop")["message"]},
        {"update_id": 1, "channel_post": message("/stop")["message"]},
        {"update_id": "1", "message": message("/stop")["message"]},
        {"update_id": 1, "callback_query": {"id": "1", "data": "yes 1", "from": {"id": PERSON}}},
        {"message": {}},
        [],
        "x",
        None,
    ],
)
def test_nothing_else_is_a_command(update: Any) -> None:
    assert incoming(update, ALLOWED) is None


def test_what_is_a_command() -> None:
    order = incoming(message("/Answer@axon_test_bot  ENG-1\nthe first\nof two"), ALLOWED)
    assert order is not None
    assert (order.name, order.rest) == ("answer", "ENG-1\nthe first\nof two")
    assert incoming(message("/stop"), replace(ALLOWED, senders=(5,))) is None
    assert incoming(message("/stop"), replace(ALLOWED, senders=(5, PERSON))) is not None


# ── commands ──


@dataclass
class Talk:
    """A chat with a team: what is said, and what is answered."""

    ear: Listening
    telling: Telling
    ledger: Ledger
    server: TelegramServer

    def __call__(self, text: str, **more: Any) -> str:
        self.server.says(text, **more)
        return obeyed(self.ear, self.telling, self.ledger, self.server)


@pytest.fixture
def talk(ear: Listening, telling: Telling, ledger: Ledger, server: TelegramServer) -> Talk:
    return Talk(ear, telling, ledger, server)


def obeyed(ear: Listening, telling: Telling, ledger: Ledger, server: TelegramServer) -> str:
    """What was said to what had come."""
    before = len(server.sent)
    ear.once(ledger, time.time())
    settled(telling, ledger)
    return "\n---\n".join(one["parsed"] for one in server.sent[before:])


def test_commands_act_and_are_answered(
    talk: Talk, telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    first, second = add(ledger, "a <first>", "second")
    held = claim(ledger)
    ledger.ask(held, "which one?")
    settled(telling, ledger)
    server.sent.clear()
    assert "asks: which one?" in talk("/status")
    assert f"{second} second" in talk("/next")
    assert "asked" in talk(f"/log {first}")
    assert "today:" in talk("/budget")
    assert "Paused until" in talk("/pause 30m")
    pause = ledger.paused()
    assert pause is not None and pause[0] == f"by telegram {PERSON}" and pause[1] is not None
    assert "Goes on" in talk("/resume")
    assert ledger.paused() is None
    said = talk(f"/answer {first.lower()} use\nthe <second> one")
    assert f"{first} goes on" in said
    task = ledger.task(first)
    assert task.state is State.TODO and "use\nthe <second> one" in task.answers
    ledger.fail(claim(ledger), "no", final=True)
    assert "tried again" in talk(f"/retry {first}")
    assert ledger.task(first).state is State.TODO
    assert "/answer ENG-1" in talk("/help")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/retry", "say which task"),
        ("/retry ENG-99", "ENG-99"),
        ("/answer ENG-1", "say which task and what"),
        ("/answer ENG-1 yes", "asks nothing"),
        ("/pause tomorrow", "cannot read the time"),
        ("/log ENG-99", "ENG-99"),
        ("/stop", "no team is running"),
        ("/stop yes", "nothing is to be confirmed"),
        ("/nonsense <b>", "There is no /nonsense"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    ear: Listening, telling: Telling, ledger: Ledger, server: TelegramServer, text: str, said: str
) -> None:
    add(ledger, "one")
    before = ledger.last_seq()
    server.says(text)
    assert said in obeyed(ear, telling, ledger, server)
    assert ledger.last_seq() == before
    assert obeyed(ear, telling, ledger, server) == ""  # and it is over


def test_strangers_are_counted_and_never_answered(
    ear: Listening, telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    for chat in (1, -CHAT, 10**15):
        server.says("/pause", chat=chat)
    server.says("hello")  # of somebody known: no command, and not counted
    assert obeyed(ear, telling, ledger, server) == ""
    assert ledger.paused() is None
    assert strangers(ledger) == 3
    assert [method for method, _ in server.calls if method == "sendMessage"] == []


def test_of_a_chat_only_the_named_people_are_obeyed(
    office: Office, telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    office = replace(office, config=replace(office.config, telegram_senders=f"5, {PERSON}"))
    ear = Listening(bot=chats_of(office)[0].bot, office=office)
    server.says("/pause", sender=6)
    server.says("/help", sender=5)
    assert obeyed(ear, telling, ledger, server).startswith("axon\n/status")
    assert ledger.paused() is None and strangers(ledger) == 1


def test_a_command_that_waited_a_night_is_not_carried_out(
    ear: Listening, telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    server.says("/pause", date=time.time() - 4000)
    assert "Too late" in obeyed(ear, telling, ledger, server)
    assert ledger.paused() is None


def test_to_stop_takes_a_second_word_from_the_same_person_soon(
    ear: Listening, telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    started(ledger)
    settled(telling, ledger)

    def button(word: str) -> str:
        return next(
            str(one["callback_data"])
            for one in server.sent[-1]["reply_markup"]["inline_keyboard"][0]
            if one["callback_data"].startswith(word)
        )

    server.says("/stop")
    assert "Stop the team?" in obeyed(ear, telling, ledger, server)
    yes, no = button("yes"), button("no")
    server.presses(yes, sender=5)  # somebody else of the chat
    assert "nothing is to be confirmed" in obeyed(ear, telling, ledger, server)
    server.presses("yes 0123456789abcdef")
    assert "nothing is to be confirmed" in obeyed(ear, telling, ledger, server)
    server.presses(yes, chat=1)
    assert obeyed(ear, telling, ledger, server) == ""
    assert not ledger.run("run-1").stop_requested
    server.presses(no)
    assert "Nothing was done" in obeyed(ear, telling, ledger, server)
    server.presses(yes)  # it was said no
    assert "nothing is to be confirmed" in obeyed(ear, telling, ledger, server)
    server.says("/stop")
    obeyed(ear, telling, ledger, server)
    server.presses(button("yes"))
    assert "The team ends" in obeyed(ear, telling, ledger, server)
    assert ledger.run("run-1").stop_requested
    methods = [method for method, _ in server.calls]
    assert "answerCallbackQuery" in methods and "editMessageReplyMarkup" in methods


def test_a_confirmation_does_not_last(
    ear: Listening, telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    started(ledger)
    server.says("/stop")
    obeyed(ear, telling, ledger, server)
    name = f"telegram confirm {CHAT}"
    kept = ledger.bookmark(name)
    nonce = kept.split('"')[1]
    ledger.set_bookmark(name, kept.replace(kept.rpartition(",")[2], f" {time.time() - 1}]"))
    server.presses(f"yes {nonce}")
    server.says("/stop yes")
    assert obeyed(ear, telling, ledger, server).count("nothing is to be confirmed") == 2
    assert not ledger.run("run-1").stop_requested


def test_a_poller_that_was_killed_repeats_and_loses_nothing(
    office: Office, telling: Telling, ledger: Ledger, world: World, server: TelegramServer
) -> None:
    """The update comes again, for nobody has confirmed it: its effect does not."""
    bot = chats_of(office)[0].bot
    (name,) = add(ledger, "one")
    held = claim(ledger)
    ledger.ask(held, "first?")
    server.says(f"/answer {name} one")
    Listening(bot=bot, office=office).once(ledger, time.time())  # and then it is killed
    again = claim(ledger)
    ledger.ask(again, "second?")
    assert len(server.updates) == 1  # Telegram still has it
    second = Listening(bot=bot, office=office)
    server.faults.clear()
    redelivered = list(server.updates)
    for update in redelivered:
        second._introduced()
        second._take(ledger, update, second._introduced())
    assert ledger.task(name).state is State.BLOCKED
    settled(telling, ledger)
    assert sum("goes on" in text for text in server.texts()) == 1
    second.once(ledger, time.time())
    assert server.updates == []  # confirmed by the next poll


def test_after_a_quiet_week_numbers_begin_anew(
    ear: Listening, telling: Telling, ledger: Ledger, server: TelegramServer
) -> None:
    ledger.set_bookmark("telegram offset 123456", f"99999 {time.time() - 7 * 86400:.0f}")
    server.says("/pause")
    assert "Paused" in obeyed(ear, telling, ledger, server)
    assert obeyed(ear, telling, ledger, server) == ""


def test_one_broken_poll_is_no_news_and_a_rival_is(
    ear: Listening, ledger: Ledger, server: TelegramServer
) -> None:
    server.fail("getUpdates", Fault("html", 502), Fault("cut"), Fault("hangup"))
    assert [ear.once(ledger, time.time()) for _ in range(2)] == [3.0, 3.0]
    with pytest.raises(Outage):
        ear.once(ledger, time.time())
    server.fail("getUpdates", Fault("status", 409, "Conflict: webhook is active"))
    with pytest.raises(Outage, match="another program"):
        ear.once(ledger, time.time())


def test_a_fault_of_ours_in_a_command_ends_with_it(
    ear: Listening,
    telling: Telling,
    ledger: Ledger,
    server: TelegramServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from axon.team.courier import orders

    def broken(ledger: Ledger, order: orders.Order) -> orders.Answer:
        ledger.pause("half", actor="x")
        raise ValueError("a bug")

    monkeypatch.setitem(orders.COMMANDS, "pause", broken)
    server.says("/pause")
    server.says("/help")
    said = obeyed(ear, telling, ledger, server)
    assert "axon has a fault there" in said and "/status" in said
    assert ledger.paused() is None


def test_delivery_is_of_one_channel_only(ledger: Ledger, office: Office) -> None:
    ledger.post("telegram 1", [Note(key="a", body={"text": "x"})])
    assert deliver(ledger, chats_of(office)[0], time.time()).sent == 0


assert bots.CALL_SECONDS < 60  # a call ends before the lease of its sender does


def test_nobody_is_told_of_a_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    monkeypatch.setenv("TELEGRAM_CHAT_ID", str(CHAT))
    config = demo._config(tmp_path, Namespace(workers=1, unsafe_no_sandbox=None))
    assert not tells(config)


# ── what the clock brings ──


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("now", "hour", "day", "spans"),
    [
        ("2026-11-23T08:59:59", 9, 0, []),
        ("2026-11-23T09:00:00", 9, 0, ["daily", "weekly"]),
        ("2026-11-23T23:59:59", 9, 0, ["daily", "weekly"]),
        ("2026-11-24T09:00:00", 9, 0, ["daily"]),
        ("2026-11-24T09:00:00", 9, None, ["daily"]),
        ("2026-11-24T00:00:00", 0, 1, ["daily", "weekly"]),
        ("2026-11-24T09:00:00", -1, 1, []),
    ],
)
def test_what_is_due(now: str, hour: int, day: int | None, spans: list[str]) -> None:
    assert due(at(now), hour, day) == spans


def test_each_day_and_each_week_has_one_name() -> None:
    assert key_of("daily", at("2026-11-24T09:00:00")) == "daily 2026-11-24"
    assert key_of("weekly", at("2026-12-31T09:00:00")) == "weekly 2026-W53"
    assert key_of("weekly", at("2027-01-01T09:00:00")) == "weekly 2026-W53"


def test_a_weekly_summary_counts_each_day(ledger: Ledger, world: World) -> None:
    started(ledger)
    for _ in range(3):
        add(ledger, "x")
        finish(ledger, claim(ledger, run="run-1"), verified=False)
        world.sleep(86400)
        ledger.expire()
    digest = digest_of(ledger, "weekly", world.wall, "here")
    assert len(digest.by_day) == 7
    assert sum(count for _, count in digest.by_day) == 3
    assert max(count for _, count in digest.by_day) == 1
    title, body = digest_text(digest)
    assert "weekly summary" in title
    assert "3 landed (3 unverified)" in body and "Landed by day:" in body


def test_a_digest_of_a_thousand_tasks_stays_short(ledger: Ledger) -> None:
    add(ledger, *(f"task {n} " + "x" * 150 for n in range(60)))
    for _ in range(60):
        ledger.fail(claim(ledger), "no " * 500, final=True)
    _, body = digest_text(digest_of(ledger, "daily", time.time(), "here"))
    assert "… and 45 more" in body
    assert len(body) < 10_000


# ── whether it can be used ──


def test_the_check_says_what_is_wrong(office: Office, server: TelegramServer) -> None:
    config = office.config
    assert check(config).ok and check(config).reason == "@axon_test_bot reports to 1 chat"
    assert not check(replace(config, telegram_token="")).used
    lost = check(replace(config, telegram_chats=f"{CHAT}, 99"))
    assert not lost.ok and "chat 99" in lost.reason and lost.fix
    wrong = check(replace(config, telegram_token="12:wrong"))
    assert not wrong.ok and "TELEGRAM_BOT_TOKEN" in wrong.fix
    assert not check(replace(config, telegram_chats="")).ok
    away = check(replace(config, telegram_url="http://127.0.0.1:1"))
    assert not away.ok and "HTTPS_PROXY" in away.fix
    for found in (lost, wrong, away):
        assert TOKEN not in found.reason + found.fix
    assert [method for method, _ in server.calls if method == "sendMessage"] == []
