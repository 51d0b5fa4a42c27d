"""Put plain values aside in the order they come, so that a large file need not be in memory."""

import marshal
import tempfile
from collections.abc import Iterator
from typing import Any

from axon.errors import UsageError

AT_ONCE = 200
IN_MEMORY = 1 << 20  # bytes; more goes to a temporary file
LENGTH_BYTES = 4


class Spool:
    """Written once, then read as often as is wanted."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
        self._batch: list[Any] = []

    def put(self, item: Any) -> None:
        self._batch.append(item)
        if len(self._batch) >= AT_ONCE:
            self._write()

    def read(self) -> Iterator[Any]:
        if self._batch:
            self._write()
        place = 0
        while True:
            self._file.seek(place)
            length = int.from_bytes(self._file.read(LENGTH_BYTES), "big")
            if not length:
                return
            place += LENGTH_BYTES + length
            yield from marshal.loads(self._file.read(length))

    def close(self) -> None:
        self._file.close()

    def _write(self) -> None:
        blob = marshal.dumps(self._batch)
        self._batch.clear()
        try:
            self._file.write(len(blob).to_bytes(LENGTH_BYTES, "big") + blob)
        except OSError as error:
            raise UsageError(
                f"cannot put tasks aside in {tempfile.gettempdir()} ({error.strerror});"
                " make room there, or name another folder in TMPDIR"
            ) from None
