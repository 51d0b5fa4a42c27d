"""No secret survives redaction, whatever its spelling; ordinary text does."""

import base64
import json
import time
from urllib.parse import quote, quote_plus

import pytest

from axon.security.secrets import REDACTED, Redactor, secrets_of

SECRET = 'hunter2/+ "tr0ub\u00e4dor"&3'


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
def test_base64_is_found_at_every_alignment(before: str, after: str) -> None:
    encoded = base64.b64encode((before + SECRET + after).encode()).decode()
    for text in (encoded, encoded.replace("+", "-").replace("/", "_")):
        redacted = Redactor([SECRET]).text(f"header {text} end")
        assert REDACTED in redacted
        assert len(redacted) < len("header  end") + len(REDACTED) + 16


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        quote(SECRET, safe="").lower(),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
    ],
)
def test_every_spelling_of_a_live_value_is_replaced(spelled: str) -> None:
    assert Redactor([SECRET]).text(f"<{spelled}>") == f"<{REDACTED}>"


@pytest.mark.parametrize(
    "text",
    [
        "sk-ant-api03-abcDEF_123-xyz",
        "sk-proj-abcdefghij0123456789",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "github_pat_11ABCDEFG0abcdefghij_0123456789",
        "AKIAIOSFODNN7EXAMPLE",
        "xoxb-123456789012-abcdefghijkl",
        "123456789:AAF-abcdefghijklmnopqrstuvwxyz01234",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVPmB92K27uhb",
        "Bearer abcdef0123456789abcdef",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpA+/=\nabc\n-----END RSA PRIVATE KEY-----",
        r"-----BEGIN PRIVATE KEY-----\nMIIEpA\n-----END PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk",  # cut off
    ],
)
def test_known_shapes_are_replaced_without_knowing_the_value(text: str) -> None:
    assert Redactor().text(f"<{text}>") == f"<{REDACTED}>"


def test_passwords_in_addresses_go_and_the_address_stays() -> None:
    redacted = Redactor().text("proxy http://user:pa55word@proxy.example:3128/ used")
    assert redacted == f"proxy http://{REDACTED}@proxy.example:3128/ used"


@pytest.mark.parametrize(
    "text",
    [
        "the bearer of this letter",
        "task-list.js and disk-usage.py",
        "https://example.com:8080/path@2",
        "def AKIA(): pass",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "sk-learn and skip",
        "",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert Redactor(["short"]).text(text) == text


def test_values_are_redacted_all_the_way_down() -> None:
    value = {"a": [SECRET, {SECRET: 1}], "b": (None, True, 1.5, f"x{SECRET}")}
    redacted = Redactor([SECRET]).value(value)
    assert redacted == {"a": [REDACTED, {REDACTED: 1}], "b": [None, True, 1.5, f"x{REDACTED}"]}


def test_secrets_of_an_environment() -> None:
    environ = {
        "ANTHROPIC_API_KEY": "sk-1234567",
        "my_password": "longenough",
        "DB_CREDENTIALS": "abcdefgh",
        "SHORT_TOKEN": "abc",
        "PATH": "/usr/bin:/bin",
    }
    assert secrets_of(environ) == ["sk-1234567", "longenough", "abcdefgh"]


def test_large_texts_are_fast_and_hostile_ones_do_not_hang() -> None:
    redactor = Redactor(f"secret-value-{number}" for number in range(20))
    hostile = "-----BEGIN PRIVATE KEY-----" * 20_000 + "eyJ" * 200_000 + "://" * 200_000
    started = time.process_time()
    redactor.text("an ordinary line of output: nothing to see\n" * 250_000)
    redactor.text(hostile)
    redactor.text("bearer " * 200_000 + "sk-" * 300_000 + "1234567:AA" * 100_000)
    assert time.process_time() - started < 20
