"""What of an event is kept: JSON-able, without secrets, and bounded."""

import json
import logging
import math
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

PAYLOAD_BYTES = 8 << 20
MAX_DEPTH = 40
# A text is cut before it is searched for secrets, for 100 MB would take long. A secret that lies
# across that cut goes unseen, so as much as a secret may be long is taken off afterwards.
_MARGIN = 64 << 10
_UNSEEN = "[not recorded: it could not be searched for secrets]"

Redact = Callable[[Any], Any]


def clean(value: Any, redact: Redact) -> Any:
    """`value` as it may be written down."""
    before = jsonable(value)
    try:
        after = redact(before)
    except Exception:  # whatever it was: the agent goes on, and nothing unsearched is written
        log.exception("redaction failed")
        return _UNSEEN
    return _trim(before, after)


def jsonable(value: Any, depth: int = 0) -> Any:
    """`value` with what JSON cannot say replaced by its repr, and huge texts cut."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value[: PAYLOAD_BYTES + _MARGIN])
    if isinstance(value, int) and value.bit_length() <= 64:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, dict) and depth < MAX_DEPTH:
        return {_key(key): jsonable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and depth < MAX_DEPTH:
        return [jsonable(item, depth + 1) for item in value]
    return _repr(value)


def encode(value: Any) -> bytes:
    """Compact JSON; lone surrogates, which UTF-8 has no bytes for, are escaped."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def encode_cut(text: str) -> bytes:
    """As much of `text` as a payload may take."""
    data = encode(text)
    while len(data) > PAYLOAD_BYTES:
        text = text[: len(text) * PAYLOAD_BYTES // len(data) - 1]
        data = encode(text)
    return data


def _trim(before: Any, after: Any) -> Any:
    """Take off the end of texts that were cut: see `_MARGIN`."""
    if isinstance(before, str) and isinstance(after, str):
        return after[:-_MARGIN] if len(before) == PAYLOAD_BYTES + _MARGIN else after
    if isinstance(before, list) and isinstance(after, list):
        same = len(before) == len(after)
        return [_trim(*pair) for pair in zip(before, after, strict=True)] if same else _UNSEEN
    if isinstance(before, dict) and isinstance(after, dict):
        pairs = zip(before.values(), after.items(), strict=True)
        same = len(before) == len(after)  # else two keys became the same by redaction
        return {key: _trim(old, new) for old, (key, new) in pairs} if same else _UNSEEN
    return after


def _key(key: Any) -> str:
    return key[:1000] if isinstance(key, str) else _repr(key)[:1000]


def _repr(value: Any) -> str:
    try:
        return repr(value)[:PAYLOAD_BYTES]
    except Exception:  # foreign code; also an int too long to print
        return f"<{type(value).__name__}>"
