"""Read an HTTP answer that must be whole by a moment, however slowly it comes."""

import http.client
import io
import socket
import time
from typing import Any


class _Timed(io.RawIOBase):
    """Reads of one response, which together end at the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw, self._sock, self._deadline = raw, sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("it takes too long")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def timed_response(
    connection: http.client.HTTPConnection, deadline: float
) -> http.client.HTTPResponse:
    """The answer to what was sent; its headers and all reads of it end at the deadline."""

    class Timed(http.client.HTTPResponse):
        """Its headers must be here by the deadline too."""

        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self.fp.close()
            raw = sock.makefile("rb", buffering=0)
            self.fp = io.BufferedReader(_Timed(raw, sock, deadline))

    connection.response_class = Timed
    return connection.getresponse()
