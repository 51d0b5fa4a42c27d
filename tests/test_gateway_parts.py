"""The gateway's decisions, without a socket: prices, figures, limits, verdicts, logins."""

import contextlib
import json
import selectors
import socket
import threading
import time
import zlib
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from axon.config import Config, load_config
from axon.errors import EngineError, UsageError
from axon.gateway.faults import judge
from axon.gateway.limits import backoff, reset_seconds
from axon.gateway.listener import Watcher
from axon.gateway.login import (
    base_url_of,
    credentials_of,
    login_environment,
    login_of,
    proxied,
    proxy_of,
)
from axon.gateway.meter import Meter
from axon.gateway.prices import Tokens, cost_usd, generation
from axon.gateway.settings import settings_from
from axon.gateway.wire import Answer, ChildGone, Hangup, Headers, passed_on
from tests.test_gateway import event

STREAM: Headers = (("Content-Type", "text/event-stream; charset=utf-8"),)


# ── prices ──


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("claude-sonnet-4-5-20250929", "sonnet-4-5"),
        ("claude-sonnet-4-20250514", "sonnet-4"),
        ("claude-sonnet-4-0", "sonnet-4"),
        ("claude-3-5-haiku-latest", "haiku-3-5"),
        ("claude-3-7-sonnet-20250219", "sonnet-3-7"),
        ("claude-opus-5[1m]", "opus-5"),
        ("claude-opus-5-5", "opus-5-5"),
        ("anthropic/claude-opus-4-1", "opus-4-1"),
        ("us.anthropic.claude-haiku-4-5@20251001", "haiku-4-5"),
        ("Claude-Sonnet-5", "sonnet-5"),
        ("qwen3-coder:30b", ""),
        ("", ""),
    ],
)
def test_a_model_is_known_by_any_of_its_names(model: str, name: str) -> None:
    assert generation(model) == name


def test_every_kind_of_token_has_its_price() -> None:
    tokens = Tokens(
        input=1_000_000,
        output=100_000,
        cache_read=2_000_000,
        cache_write=300_000,
        cache_write_1h=100_000,
        searches=3,
    )
    expected = 3 + 1.5 + 0.6 + 0.2 * 3.75 + 0.1 * 6 + 0.03
    assert cost_usd("claude-sonnet-4-5", tokens) == pytest.approx(expected)


def test_long_prompts_of_the_small_model_cost_more() -> None:
    short, long = Tokens(input=100_000), Tokens(input=60_000, cache_read=40_001)
    assert cost_usd("claude-haiku-5-5", short) == pytest.approx(0.01)
    assert cost_usd("claude-haiku-5-5", long) == pytest.approx((60_000 * 0.5 + 40_001 * 0.05) / 1e6)


@pytest.mark.parametrize("model", ["claude-opus-6", "claude-sonnet-4-7", "gpt-9", ""])
def test_what_is_not_listed_has_no_price(model: str) -> None:
    assert cost_usd(model, Tokens(input=1)) is None
    assert cost_usd("claude-opus-5", Tokens(input=1, fast=True)) is None


# ── figures ──


def answer_events() -> bytes:
    start = {
        "model": "claude-sonnet-4-5",
        "usage": {
            "input_tokens": 10,
            "output_tokens": 1,
            "cache_read_input_tokens": 20,
            "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        },
    }
    text = {"type": "text_delta", "text": 'say "usage" and {"type": "message_stop"}'}
    return b"".join(
        [
            event("message_start", message=start),
            event("ping"),
            event("content_block_delta", index=0, delta=text),
            event("message_delta", usage={"output_tokens": 40, "input_tokens": 0}),
            event("message_stop"),
        ]
    )


@pytest.mark.parametrize("size", [1, 2, 7, 100, 10_000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_figures_do_not_depend_on_where_the_stream_is_divided(size: int, end: bytes) -> None:
    stream = answer_events().replace(b"\n", end)
    meter = Meter(STREAM)
    for start in range(0, len(stream), size):
        meter.feed(stream[start : start + size])
    assert meter.ended and meter.seen
    assert meter.model == "claude-sonnet-4-5"
    assert meter.first_token_at is not None
    assert meter.tokens == Tokens(
        input=10, output=40, cache_read=20, cache_write=30, cache_write_1h=20
    )


@pytest.mark.parametrize("wbits", [15, 31])
def test_packed_answers_are_counted_too(wbits: int) -> None:
    packer = zlib.compressobj(wbits=wbits)
    packed = packer.compress(answer_events()) + packer.flush()
    meter = Meter((*STREAM, ("content-encoding", "gzip" if wbits > 15 else "deflate")))
    meter.feed(packed[:50])
    meter.feed(packed[50:])
    assert meter.tokens.output == 40


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1]", b'{"usage": 7}', b'{"usage": {"input_tokens": "many"}}', b"\xff" * 9],
)
def test_nonsense_counts_nothing(body: bytes) -> None:
    meter = Meter((("content-type", "application/json"),))
    meter.feed(body)
    meter.finish()
    assert meter.tokens == Tokens()


def test_endless_lines_take_no_memory() -> None:
    meter = Meter(STREAM)
    for _ in range(100):
        meter.feed(b"data: " + b"x" * (1 << 20))
    assert len(meter._buffer) <= 2 << 20
    meter.feed(b"\n\n" + answer_events())
    assert meter.tokens.output == 40


# ── limits ──

NOW = 1_800_000_000.0
DATE = ("date", "Fri, 15 Jan 2027 08:00:00 GMT")  # NOW


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("retry-after", "7")], 7),
        ([("Retry-After", "0.5")], 0.5),
        ([DATE, ("retry-after", "Fri, 15 Jan 2027 08:01:00 GMT")], 60),
        ([("retry-after", "soon")], None),
        ([("retry-after", "nan")], None),
        ([("retry-after", "-5")], None),
        ([], None),
        (
            [
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "2027-01-15T08:00:30Z"),
                ("anthropic-ratelimit-tokens-remaining", "10"),
                ("anthropic-ratelimit-tokens-reset", "2027-01-15T09:00:00Z"),
            ],
            30,
        ),
        ([("anthropic-ratelimit-unified-reset", "1800003600")], 3600),
        ([("anthropic-ratelimit-unified-reset", "1700000000")], 0),
    ],
)
def test_the_upstream_says_how_long(headers: list[tuple[str, str]], seconds: float | None) -> None:
    assert reset_seconds(tuple(headers), NOW) == seconds


def test_a_wrong_clock_here_does_not_matter() -> None:
    headers = (DATE, ("anthropic-ratelimit-unified-reset", str(int(NOW) + 90)))
    assert reset_seconds(headers, NOW - 86_400) == 90


def test_backoff_grows_and_is_bounded() -> None:
    assert 0.7 < backoff(0) < 1.3
    assert backoff(3) > backoff(0)
    assert backoff(10**6) <= 20


# ── verdicts ──


@pytest.mark.parametrize(
    ("status", "action", "fault"),
    [
        (400, "pass", None),
        (401, "stop", "auth"),
        (402, "stop", "quota"),
        (403, "stop", "auth"),
        (404, "pass", None),
        (413, "pass", None),
        (429, "hold", "rate_limit"),
        (500, "retry", "overloaded"),
        (502, "retry", "overloaded"),
        (503, "retry", "overloaded"),
        (504, "retry", "overloaded"),
        (529, "hold", "overloaded"),
        (301, "fail", "network"),
        (304, "pass", None),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error": "text"}', b"[" * 100_000])
def test_a_status_is_enough_for_a_verdict(
    status: int, action: str, fault: str | None, body: bytes
) -> None:
    verdict = judge(Answer(status=status, headers=(), body=body))
    assert (verdict.action, verdict.fault) == (action, fault)


def test_what_concerns_one_connection_is_not_passed_on() -> None:
    headers = (("Connection", "close, X-Mine"), ("x-mine", "1"), ("TE", "x"), ("x-yours", "2"))
    assert passed_on(headers) == (("x-yours", "2"),)


# ── logins ──


def configured(tmp_path: Path, environ: dict[str, str], **changes: Any) -> Config:
    config = load_config(Namespace(**changes), tmp_path)
    return replace(config, environ={"HOME": str(tmp_path)} | environ, root=tmp_path)


@pytest.mark.parametrize(
    ("environ", "login"),
    [
        ({}, "none"),
        ({"ANTHROPIC_API_KEY": " "}, "none"),
        ({"ANTHROPIC_API_KEY": "k"}, "gateway"),
        ({"ANTHROPIC_AUTH_TOKEN": "t"}, "gateway"),
        ({"ANTHROPIC_BASE_URL": "http://localhost:1234"}, "gateway"),
        ({"CLAUDE_CODE_OAUTH_TOKEN": "o"}, "bypass"),
        ({"CLAUDE_CODE_OAUTH_TOKEN": "o", "ANTHROPIC_API_KEY": "k"}, "gateway"),
        ({"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_API_KEY": "k"}, "bypass"),
        ({"CLAUDE_CODE_USE_BEDROCK": "0"}, "none"),
        ({"CLAUDE_CODE_USE_VERTEX": "true"}, "bypass"),
    ],
)
def test_the_login_is_found_as_the_cli_would(
    tmp_path: Path, environ: dict[str, str], login: str
) -> None:
    assert login_of(configured(tmp_path, environ)) == login


def test_a_script_needs_no_login(tmp_path: Path) -> None:
    config = configured(tmp_path, {"CLAUDE_CODE_USE_VERTEX": "1"}, model_upstream="script:x.json")
    assert login_of(config) == "gateway"


def test_a_login_of_the_cli_is_lent_while_it_lasts(tmp_path: Path) -> None:
    folder = tmp_path / ".claude"
    folder.mkdir()
    state = {"claudeAiOauth": {"accessToken": "oat-1", "expiresAt": (time.time() + 60) * 1000}}
    (folder / ".credentials.json").write_text(json.dumps(state))
    config = configured(tmp_path, {"HTTPS_PROXY": "http://proxy:1"})
    assert login_of(config) == "bypass"
    assert login_environment(config) == {
        "CLAUDE_CODE_OAUTH_TOKEN": "oat-1",
        "HTTPS_PROXY": "http://proxy:1",
    }

    state["claudeAiOauth"]["expiresAt"] = 1.0
    (folder / ".credentials.json").write_text(json.dumps(state))
    with pytest.raises(EngineError, match="claude setup-token"):
        login_environment(config)


def test_a_login_kept_in_a_keychain_is_seen_and_cannot_be_lent(tmp_path: Path) -> None:
    (tmp_path / ".claude.json").write_text('{"oauthAccount": {"uuid": "u"}}')
    config = configured(tmp_path, {})
    assert login_of(config) == "bypass"
    with pytest.raises(EngineError, match="claude setup-token"):
        login_environment(config)


def test_a_cloud_login_takes_its_variables_and_files_along(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("[default]")
    environ = {
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "AWS_REGION": "eu-west-1",
        "GITHUB_TOKEN": "no business of the CLI",
    }
    assert login_environment(configured(tmp_path, environ)) == {
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "AWS_REGION": "eu-west-1",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / ".aws" / "credentials"),
    }


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000",
        "ftp://host",
        "https://",
        "http://host:99999",
        "http://host:0",
        "http://ho..st",
        "http://ho st",
        "http://host/?q=1",
        "http://user:pass@host",
        "http://host\x00",
    ],
)
def test_an_address_that_cannot_work_is_refused_in_one_line(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="^ANTHROPIC_BASE_URL ") as refused:
        base_url_of(configured(tmp_path, {"ANTHROPIC_BASE_URL": url}))
    assert "pass@" not in str(refused.value)


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": "http://p:1/"}, "http://p:1"),
        ({"https_proxy": "p:1"}, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x, .anthropic.com"}, ""),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "*"}, ""),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "thropic.com"}, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}, ""),
        ({"HTTP_PROXY": "http://p:1", "ANTHROPIC_BASE_URL": "http://llm.lan"}, "http://p:1"),
    ],
)
def test_proxies_are_used_as_the_environment_says(
    tmp_path: Path, environ: dict[str, str], proxy: str
) -> None:
    config = configured(tmp_path, environ)
    assert proxy_of(config) == proxy
    assert proxied(config) == bool(proxy)


@pytest.mark.parametrize("proxy", ["socks5://p:1", "https://p:1", "http://p:x", "http://"])
def test_proxies_of_other_kinds_are_refused(tmp_path: Path, proxy: str) -> None:
    with pytest.raises(UsageError, match="https_proxy is no http:// address"):
        proxy_of(configured(tmp_path, {"HTTPS_PROXY": proxy}))


def test_credentials_are_sent_as_the_cli_would(tmp_path: Path) -> None:
    environ = {
        "ANTHROPIC_API_KEY": "k-1",
        "ANTHROPIC_AUTH_TOKEN": "t-1",
        "ANTHROPIC_CUSTOM_HEADERS": "X-Team: blue\n\nnonsense\nX-More:  1",
    }
    assert credentials_of(configured(tmp_path, environ)) == (
        ("X-Team", "blue"),
        ("X-More", "1"),
        ("x-api-key", "k-1"),
        ("authorization", "Bearer t-1"),
    )


@pytest.mark.parametrize("key", ["k\ney", "schl\u00fcssel", "k\x00"])
def test_a_broken_key_is_refused_without_showing_it(tmp_path: Path, key: str) -> None:
    with pytest.raises(UsageError, match="cannot be sent") as refused:
        credentials_of(configured(tmp_path, {"ANTHROPIC_API_KEY": key}))
    assert key not in str(refused.value)


def test_settings_hide_the_key_and_check_what_they_name(tmp_path: Path) -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-live-key", "HTTPS_PROXY": "http://u:hidden@p:1"}
    settings = settings_from(configured(tmp_path, environ), run="run-1", port=9)
    assert settings.credentials and settings.port == 9
    assert "sk-live-key" not in repr(settings) and "hidden" not in repr(settings)
    assert {"sk-live-key", "http://u:hidden@p:1"} <= set(settings.secrets)

    with pytest.raises(UsageError, match="SSL_CERT_FILE names no file: /nowhere"):
        settings_from(configured(tmp_path, {"SSL_CERT_FILE": "/nowhere"}), run="run-1")
    with pytest.raises(UsageError, match="unknown model upstream 'tape:x'"):
        settings_from(configured(tmp_path, {}, model_upstream="tape:x"), run="run-1")
    with pytest.raises(UsageError, match=r"cannot read script .*x\.json: No such file"):
        settings_from(configured(tmp_path, {}, model_upstream="script:x.json"), run="run-1")


def test_with_a_script_no_key_reaches_the_gateway(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("{}")
    config = configured(
        tmp_path, {"ANTHROPIC_API_KEY": "sk-live-key"}, model_upstream="script:s.json"
    )
    assert settings_from(config, run="run-1").credentials == ()


class Stale(selectors.DefaultSelector):
    """Says of all sockets that something came: as of bytes that were read in the meantime."""

    looks = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.looks += 1
        time.sleep(0.001)
        return [(key, selectors.EVENT_READ) for key in list(self.get_map().values())]


def test_watching_one_child_never_waits_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    selector = Stale()
    monkeypatch.setattr(selectors, "DefaultSelector", lambda: selector)
    watcher, hangup = Watcher(), Hangup()
    threading.Thread(target=watcher.run, daemon=True).start()
    with contextlib.ExitStack() as stack:
        ours, child, others, other = (
            stack.enter_context(sock) for _ in range(2) for sock in socket.socketpair()
        )
        for sock in (ours, others):
            sock.settimeout(60)  # as while an answer is written
        with watcher.watching(ours, hangup):
            began = time.monotonic()
            while selector.looks < 20:
                with watcher.watching(others, Hangup()):
                    other.send(b"x")
                    others.recv(1)
            assert time.monotonic() - began < 30
            child.close()
            with pytest.raises(ChildGone):
                hangup.wait(30)
