"""The token that opens the gateway to one session: the child holds it, the ledger its hash."""

import hashlib

from axon.gateway.wire import Headers, header


def token_hash(token: str) -> str:
    """What `Ledger.start_session` keeps, and `Ledger.session_of` finds."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def presented_token(headers: Headers) -> str:
    """The token a child shows in either of the two places the Messages API knows."""
    scheme, _, bearer = header(headers, "authorization").partition(" ")
    return header(headers, "x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else "")
