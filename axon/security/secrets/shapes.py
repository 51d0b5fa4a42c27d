"""What looks like a secret, whoever it belongs to."""

import re
from functools import cache
from typing import NamedTuple

from axon.security.secrets.forms import base64_core


class Shape(NamedTuple):
    """A pattern that is only run on text that holds one of its `hints`.

    A substring search is a hundred times faster than an expression, and most texts hold none:
    what is never needed is not even compiled.
    """

    hints: tuple[str, ...]
    source: str

    @property
    def pattern(self) -> re.Pattern[str]:
        return _compiled(self.source)

    def hinted(self, text: str) -> bool:
        return any(hint in text for hint in self.hints)


_compiled = cache(re.compile)

_PLAIN = (
    ("sk-", r"\bsk-(?:ant-[\w-]{8,}|[\w-]{20,})"),
    ("ghp_|gho_|ghu_|ghs_|ghr_", r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    ("github_pat_", r"\bgithub_pat_\w{20,}"),
    ("glpat-", r"\bglpat-[\w-]{16,}"),
    ("AKIA|ASIA", r"\bA[KS]IA[A-Z0-9]{16}\b"),
    ("AIza", r"\bAIza[\w-]{35}"),
    ("ya29.", r"\bya29\.[\w-]{20,}"),
    ("xox", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("xapp-", r"\bxapp-[A-Za-z0-9-]{20,}"),
    ("hooks.slack.com", r"(?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{20,}"),
    ("npm_", r"\bnpm_[A-Za-z0-9]{36}"),
    ("hf_", r"\bhf_[A-Za-z0-9]{30,}"),
    ("pypi-", r"\bpypi-[\w-]{50,}"),
    ("_live_", r"\b[rs]k_live_[A-Za-z0-9]{16,}"),
    ("whsec_", r"\bwhsec_[A-Za-z0-9+/]{20,}"),
    ("SG.", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    ("dop_v1_", r"\bdop_v1_[0-9a-f]{32,}"),
    ("AccountKey=", r"(?<=AccountKey=)[A-Za-z0-9+/]{40,}={0,2}"),
    (":AA|%3AAA|%3aAA", r"(?<!\d)\d{6,12}(?::|%3[Aa])AA[\w-]{32,}"),  # Telegram bots
    ("eyJ", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    (
        "PRIVATE KEY|PRIVATE%20KEY|PRIVATE+KEY",
        r"-----BEGIN[A-Z0-9 %+]{0,60}PRIVATE(?: |%20|\+)KEY(?:(?: |%20|\+)BLOCK)?-----"
        r"(?:[\w+/=\s\\:,.%]|-(?!----))*"
        r"(?:-----END[A-Z0-9 %+]{0,60}PRIVATE(?: |%20|\+)KEY(?:(?: |%20|\+)BLOCK)?-----)?",
    ),
    ("earer |EARER ", r"(?i)\bbearer (?=\S*\d)[\w.~+/-]{16,}=*"),
    ("asic |ASIC ", r"(?i)(?<=authorization: )basic [\w+/-]{8,}=*"),
    ("://", r"(?<=://)[^\s/:@\"']{0,200}:[^\s/@\"']{3,200}(?=@)"),
    ("%3A%2F%2F|%3a%2f%2f", r"(?i)(?<=%3a%2f%2f)[\w.~-]{0,200}%3a[\w.~%-]{3,200}?(?=%40)"),
    (
        "KEY=|TOKEN=|SECRET=|PASSWORD=",
        r"(?<=KEY=|KEN=|RET=|ORD=)[\"']?(?=[^\s\"']*\d)[\w+/.~-]{16,200}=*",
    ),
)
# How tokens begin, where they are told by that alone: in hex and in base64 they begin alike.
_BEGINNINGS = (
    "sk-ant-",
    "sk-proj-",
    "github_pat_",
    "ghp_",
    "gho_",
    "ghs_",
    "glpat-",
    "AKIA",
    "AIzaSy",
    "xoxb-",
    "xoxp-",
    "npm_",
    "pypi-AgE",
    "sk_live_",
    "rk_live_",
    "dop_v1_",
    "eyJhbGciOi",
    "whsec_",
    "ya29.",
    "-----BEGIN RSA PRIVATE",
    "-----BEGIN PRIVATE",
    "-----BEGIN OPENSSH PRIV",
    "-----BEGIN EC PRIVATE",
)


def _encoded() -> tuple[Shape, ...]:
    found: list[Shape] = []
    for beginning in _BEGINNINGS:
        raw = beginning.encode()
        for form in (raw.hex(), raw.hex().upper()):
            found.append(Shape((form,), form + "(?:[0-9a-fA-F]{2}){12,}"))
        for core in dict.fromkeys(base64_core(raw, shift) for shift in range(3)):
            if len(core) >= 4:
                pattern = rf"[\w+/-]{{0,2}}{re.escape(core)}[\w+/-]{{20,}}={{0,2}}"
                found.append(Shape((core,), pattern))
    return tuple(found)


SHAPES: tuple[Shape, ...] = (
    *(Shape(tuple(hints.split("|")), source) for hints, source in _PLAIN),
    *_encoded(),
)
