"""Take secrets out of whatever is about to be written or sent."""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"
SHORTEST = 8  # shorter values are words, and would take harmless text with them
SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)

# Known shapes. A pattern is only run on text that holds one of its hints: a substring search is
# a hundred times faster than an expression, and most texts hold none.
_SHAPES: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (tuple(hints.split("|")), re.compile(pattern))
    for hints, pattern in (
        ("sk-", r"\bsk-(?:ant-[\w-]{8,}|[\w-]{20,})"),
        ("ghp_|gho_|ghu_|ghs_|ghr_", r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
        ("github_pat_", r"\bgithub_pat_\w{20,}"),
        ("glpat-", r"\bglpat-[\w-]{16,}"),
        ("AKIA|ASIA", r"\bA[KS]IA[A-Z0-9]{16}\b"),
        ("AIza", r"\bAIza[\w-]{35}"),
        ("xox", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
        ("npm_", r"\bnpm_[A-Za-z0-9]{36}"),
        ("hf_", r"\bhf_[A-Za-z0-9]{30,}"),
        ("pypi-", r"\bpypi-[\w-]{50,}"),
        ("_live_", r"\b[rs]k_live_[A-Za-z0-9]{16,}"),
        (":AA", r"(?<!\d)\d{6,12}:AA[\w-]{32,}"),  # Telegram bots
        ("eyJ", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
        (
            "PRIVATE KEY",
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[\w+/=\s\\:,.]|-(?!----))*(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?",
        ),
        ("earer |EARER ", r"(?i)\bbearer (?=\S*\d)[\w.~+/-]{16,}=*"),
        ("asic |ASIC ", r"(?i)(?<=authorization: )basic [\w+/-]{8,}=*"),
        ("://", r"(?<=://)[^\s/:@\"']{0,200}:[^\s/@\"']{3,200}(?=@)"),
    )
)


class Redactor:
    """Replaces live secrets, in every form they may take in text, and anything shaped like one."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        live = {value.strip() for value in values}
        forms = {form for value in live if len(value) >= SHORTEST for form in _forms(value)}
        self._forms = sorted(forms, key=len, reverse=True)  # the longest first: it may hold others

    def also(self, value: str) -> None:
        """From now on take this one out too."""
        if len(value.strip()) >= SHORTEST:
            forms = {*self._forms, *_forms(value.strip())}
            self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """`text` without secrets."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, REDACTED)
        for hints, pattern in _SHAPES:
            if any(hint in text for hint in hints):
                text = pattern.sub(REDACTED, text)
        return text

    def suspects(self, text: str) -> bool:
        """Whether `text`, plain or as JSON, may hold something to be taken out."""
        if any(form in text for form in self._forms):
            return True
        return any(hint in text for hints, _ in _SHAPES for hint in hints)

    def value(self, value: Any) -> Any:
        """The same for anything JSON can hold, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """The values of variables whose names look secret."""
    return [
        value
        for name, value in environ.items()
        if SECRET_NAME.search(name) and len(value.strip()) >= SHORTEST
    ]


def _forms(value: str) -> Iterator[str]:
    """The ways `value` may be spelled in a text."""
    raw = value.encode("utf-8", "surrogatepass")
    yield value
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield quoted
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), quoted)
    yield from (raw.hex(), raw.hex().upper())
    for shift in range(3):
        encoded = _base64_core(raw, shift)
        yield from (encoded, encoded.replace("+", "-").replace("/", "_"))


def _base64_core(raw: bytes, shift: int) -> str:
    """The part of base64 text that `raw` alone decides when `shift` bytes stand before it."""
    encoded = base64.b64encode(bytes(shift) + raw).decode()
    first = -(-shift * 8 // 6)  # characters that hold a bit of what stands before
    whole = (shift + len(raw)) * 8 // 6  # the next one holds bits of what follows
    return encoded[first:whole]
