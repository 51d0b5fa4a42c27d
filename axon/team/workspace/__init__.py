"""A private clone per task: made, taken up again, committed, published and removed."""

from axon.errors import Forbidden
from axon.team.project import NoRoom, check_room, hold
from axon.team.workspace.branch import (
    Unfinished,
    commit_all,
    fingerprint,
    publish,
    tidy,
    tip,
    update,
)
from axon.team.workspace.making import Broken, keep_wip, prepare, remove
from axon.team.workspace.place import Workspace

__all__ = [
    "Broken",
    "Forbidden",
    "NoRoom",
    "Unfinished",
    "Workspace",
    "check_room",
    "commit_all",
    "fingerprint",
    "hold",
    "keep_wip",
    "prepare",
    "publish",
    "remove",
    "tidy",
    "tip",
    "update",
]
