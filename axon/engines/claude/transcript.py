"""What the CLI keeps of a session, which is all that a resumed one knows."""

import json
from pathlib import Path
from typing import Any


def transcript_of(home: Path, engine_session: str) -> Path | None:
    if not engine_session:
        return None
    return next((home / ".claude" / "projects").glob(f"*/{engine_session}.jsonl"), None)


def was_said(transcript: Path, text: str) -> bool:
    """Whether a prompt or a message in it contains `text`; what tools printed does not count.

    What was still in the CLI's queue when it died is in the file too, but not in the history.
    """
    written = json.dumps(text, ensure_ascii=False)[1:-1]
    with open(transcript, encoding="utf-8", errors="replace") as lines:
        return any(text in said for line in lines if written in line for said in _said(line))


def _said(line: str) -> list[str]:
    try:
        entry = json.loads(line)
    except ValueError:
        return []  # torn by a kill
    if not isinstance(entry, dict):
        return []
    if entry.get("type") == "user":
        return _texts((entry.get("message") or {}).get("content"))
    attachment = entry.get("attachment") or {}
    if entry.get("type") == "attachment" and attachment.get("type") == "queued_command":
        return _texts(attachment.get("prompt"))
    return []


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    blocks = content if isinstance(content, list) else []
    return [str(b.get("text") or "") for b in blocks if b.get("type") == "text"]
