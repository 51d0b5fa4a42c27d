"""A service that is told by a signed POST (Standard Webhooks: webhook-id, -timestamp, -signature).

The id is the same each time a letter is sent: by it the receiver knows a repeat.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any

from axon.integrations.exchange import Call, NoReply, exchange
from axon.integrations.notify import Notice, Undelivered
from axon.ledger import Letter

SECONDS = 15.0
LARGEST_ANSWER = 64 << 10
LONGEST_WAIT = 3600.0
SECRET_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Implements `axon.integrations.notify.Notifier`."""

    name: str
    url: str = field(repr=False)  # may hold a key of its own
    secret: str = field(repr=False)
    kinds: frozenset[str]
    origin: str  # this project and this ledger, as part of the ids
    proxy: str = field(default="", repr=False)
    repeats: bool = True

    @property
    def channel(self) -> str:
        return f"webhook {self.name}"

    def render(self, notice: Notice) -> list[dict[str, Any]]:
        return [plain_body(notice)]

    def send(self, letter: Letter) -> str:
        delivery = f"{self.origin}-{letter.id}"
        body = json.dumps({"id": delivery, **letter.body}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": delivery}
        headers |= signed(self.secret, delivery, int(time.time()), body)
        call = Call(method="POST", url=self.url, headers=headers, body=body, proxy=self.proxy)
        try:
            reply = exchange(call, seconds=SECONDS, most=LARGEST_ANSWER)
        except NoReply as error:
            raise Undelivered(str(error)) from None  # it knows a repeat: there is no doubt
        if 200 <= reply.status < 300:
            return delivery
        if 300 <= reply.status < 400:
            raise Undelivered(
                f"answers with a redirect ({reply.status}), which is not followed; name the right"
                " address",
                then="nobody",
            )
        if reply.status in (401, 403, 404, 405, 410):
            raise Undelivered(f"answers {reply.status}; see its url and secret", then="nobody")
        if reply.status in (408, 425, 429) or reply.status >= 500:
            after = reply.headers.get("retry-after", "")
            seconds = (
                min(float(after), LONGEST_WAIT) if after.isascii() and after.isdigit() else None
            )
            raise Undelivered(f"answers {reply.status}", seconds=seconds)
        raise Undelivered(f"refuses it ({reply.status})", then="never")


def plain_body(notice: Notice) -> dict[str, Any]:
    """What programs are told: stable keys."""
    return {
        "kind": notice.kind,
        "title": notice.title,
        "body": notice.body,
        "identifier": notice.identifier or None,
        "run": notice.run or None,
        "at": notice.at,
    }


def signed(secret: str, delivery: str, at: int, body: bytes) -> dict[str, str]:
    """The headers that prove who sent it and when; without a secret there is no signature."""
    headers = {"webhook-id": delivery, "webhook-timestamp": str(at)}
    if secret:
        content = b".".join((delivery.encode(), str(at).encode(), body))
        digest = hmac.new(key_of(secret), content, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


def key_of(secret: str) -> bytes:
    """`whsec_BASE64`, as the standard has it, or any other text as it is."""
    if secret.startswith(SECRET_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            pass
    return secret.encode()
