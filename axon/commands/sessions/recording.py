"""A session and the file of its events, or why there is none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from axon.config import Config
from axon.core.playback import read_events
from axon.errors import NotFound
from axon.ledger import Ledger, Session


def session_of(ledger: Ledger, name: str) -> Session:
    return ledger.session(name.strip())


def path_of(config: Config, session: Session) -> Path:
    return config.state_dir / "sessions" / f"{session.id}.jsonl"


def events_of(config: Config, session: Session) -> Iterator[dict[str, Any]]:
    """NotFound when nothing was recorded here, or the recording was removed."""
    path = path_of(config, session)
    if not path.is_file():
        raise NotFound(
            f"session {session.id} has no recording in {path.parent}; axon gc removes old ones, and"
            " those of other hosts are there"
        )
    return read_events(path)
