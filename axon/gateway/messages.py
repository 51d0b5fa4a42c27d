"""Answers in the form of the Messages API, whole or streamed, for scripted turns."""

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from axon.gateway.script import Turn, filled

PARTS = 4  # a text or a tool's input is streamed in about so many pieces
BYTES_PER_TOKEN = 4  # close enough where the script names no figures
ERROR_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def message_of(
    turn: Turn, *, model: str, number: int, workspace: str, request_bytes: int, agent: str = ""
) -> dict[str, Any]:
    """The whole message a turn makes. Tool ids repeat when the same turn is asked for again.

    `agent`: the id of the subagent that asked, which has calls of its own.
    """
    content: list[dict[str, Any]] = []
    if turn.text:
        content.append({"type": "text", "text": filled(turn.text, workspace)})
    for position, call in enumerate(turn.tools):
        content.append(
            {
                "type": "tool_use",
                "id": f"toolu_script_{agent}{number:04d}_{position:02d}",
                "name": call.name,
                "input": filled(call.input, workspace),
            }
        )
    derived = {
        "input_tokens": tokens_in(request_bytes),
        "output_tokens": tokens_in(len(json.dumps(content))),
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 0,
    }
    return {
        "id": f"msg_script_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": "tool_use" if turn.tools else "end_turn",
        "stop_sequence": None,
        "usage": {**derived, **turn.usage},
    }


def tokens_in(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)


def stream_of(message: Mapping[str, Any]) -> Iterator[bytes]:
    """The same message as server-sent events, one at a time."""
    usage = message["usage"]
    started = {
        **message,
        "content": [],
        "stop_reason": None,
        "usage": {**usage, "output_tokens": 1},
    }
    yield event("message_start", message=started)
    for index, block in enumerate(message["content"]):
        yield from _block(index, block)
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield event("message_delta", delta=delta, usage={"output_tokens": usage["output_tokens"]})
    yield event("message_stop")


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def error_body(status: int, message: str) -> bytes:
    kind = ERROR_KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()


def _block(index: int, block: Mapping[str, Any]) -> Iterator[bytes]:
    if block["type"] == "text":
        empty: dict[str, Any] = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": part} for part in _parts(block["text"])]
    else:
        empty = {**block, "input": {}}
        parts = _parts(json.dumps(block["input"]))
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
    yield event("content_block_start", index=index, content_block=empty)
    for delta in deltas:
        yield event("content_block_delta", index=index, delta=delta)
    yield event("content_block_stop", index=index)


def _parts(text: str) -> list[str]:
    size = max(-(-len(text) // PARTS), 1)
    return [text[start : start + size] for start in range(0, len(text), size)]
