"""Open the ledger that an address names, with the backend that serves it."""

from pathlib import Path
from typing import TYPE_CHECKING

from axon.config import Config
from axon.errors import LedgerError
from axon.ledger.records import Limits

if TYPE_CHECKING:
    from axon.ledger import Ledger


def open_ledger(
    url: str, *, create: bool = False, limits: Limits | None = None, key: str = ""
) -> "Ledger":
    """Open `file:PATH`, or the task server at `mcp+https://HOST/mcp#file=PATH` with its `key`.

    LedgerError: unknown scheme, missing, unreadable, newer schema; with `create` also: no answer.
    """
    from axon.ledger.file import FileLedger

    scheme, _, path = url.partition(":")
    if scheme in ("mcp+http", "mcp+https"):
        from axon.ledger.task_mcp import open_task_mcp

        return open_task_mcp(url, key=key, limits=limits or Limits(), arrive=create)
    if scheme != "file":  # only the scheme is shown: what follows may hold a password
        raise LedgerError(
            f"no ledger backend for {scheme}: addresses; use file:PATH or mcp+https://HOST/mcp"
        )
    return FileLedger.open(path, create=create, limits=limits or Limits())


def restore(source: Path, target: Path) -> Path | None:
    """Put the verified backup `source` in the place of the ledger file `target`.

    Answers where the old ledger is kept; None when there was none. LedgerError: the backup is
    damaged, or the ledger is in use; nothing was changed.
    """
    from axon.ledger import restoring

    return restoring.restore(source, target)


def ledger_from(config: Config, *, create: bool = False) -> "Ledger":
    """The ledger of a project, as its settings name it."""
    return open_ledger(
        config.ledger_url, create=create, limits=limits_of(config), key=config.mcp_key
    )


def limits_of(config: Config) -> Limits:
    return Limits(
        max_attempts=config.max_attempts,
        backoff_seconds=config.backoff_seconds,
        max_losses=config.max_losses,
    )
