"""Read a recorded session back, as data or as lines for a person."""

from axon.core.playback.reading import (
    Tail,
    blob,
    follow,
    is_blob,
    last_seq,
    last_words,
    read_events,
)
from axon.core.playback.rendering import render, tool_line

__all__ = [
    "Tail",
    "blob",
    "follow",
    "is_blob",
    "last_seq",
    "last_words",
    "read_events",
    "render",
    "tool_line",
]
