"""A line between a contender and the server: so many bits a second each way, and so long there and back.

with Network("http://127.0.0.1:4566", Line(10_000_000, 0.04)) as network:
    ...  # deploy to network.url

It runs in a process of its own, and treats all contenders alike: whatever is sent waits for its turn on the
line, which all connections share, and for half of the time there and back. A new connection waits for the
whole of it, as its handshake would. There is no loss, and no slow start.
"""

import contextlib
import queue
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from typing_extensions import Self


_PIECE = 16 * 1024
_QUEUED = 64  # pieces that are under way at most


@dataclass(frozen=True)
class Line:
    """What a line carries in bits a second, and how long it takes there and back in seconds."""

    rate: float
    delay: float

    def __str__(self) -> str:
        return f"{self.rate / 1_000_000:g} Mbit/s, {self.delay * 1000:g} ms"


class Network:
    """The process; `url` is where the server is found at the other end of the line."""

    def __init__(self, upstream: str, line: Line) -> None:
        self._words = (urlsplit(upstream).netloc, str(line.rate), str(line.delay))

    def __enter__(self) -> "Self":
        self._process = subprocess.Popen(
            [sys.executable, __file__, *self._words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()  # it ends when nobody holds the other end of its stdin
        self._process.wait()


class Direction:
    """One direction of the line, which all connections share."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._free = 0.0
        self._lock = threading.Lock()

    def carry(self, source: socket.socket, target: socket.socket) -> None:
        """Carry all that comes from one socket to the other, and then its end."""
        pieces: queue.Queue[tuple[float, bytes]] = queue.Queue(_QUEUED)
        threading.Thread(target=_deliver, args=(pieces, target), daemon=True).start()
        piece = b"."
        while piece:
            try:
                piece = source.recv(_PIECE)
            except OSError:
                piece = b""
            with self._lock:
                self._free = max(self._free, time.monotonic()) + len(piece) * 8 / self._line.rate
                arrives = self._free
            time.sleep(max(0.0, arrives - time.monotonic()))
            pieces.put((arrives + self._line.delay / 2, piece))


def _deliver(pieces: "queue.Queue[tuple[float, bytes]]", target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            due, piece = pieces.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not piece:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(piece)


def main(upstream: str, rate: str, delay: str) -> None:
    """Serve on a free port of loopback, print the port, and end when stdin does."""
    host, _, port = upstream.partition(":")
    line = Line(float(rate), float(delay))
    up, down = Direction(line), Direction(line)
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def connect(client: socket.socket) -> None:
        time.sleep(line.delay)
        server = socket.create_connection((host, int(port)))
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=down.carry, args=(server, client), daemon=True).start()
        up.carry(client, server)

    def accept() -> None:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=connect, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
