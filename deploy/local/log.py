"""What a worker writes to its standard streams, kept until somebody takes it."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import threading
import time

LARGEST = 256 * 1024  # bytes that are kept, the last ones
PIECE = 64 * 1024
PAUSE = 0.001  # seconds


class Log:
    """Reads a pipe, in a thread of its own so that the worker never waits for a reader."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        self._content = bytearray()
        self._lock = threading.Lock()
        self._is_open = True
        threading.Thread(target=self._read, daemon=True).start()

    def add(self, line: str) -> None:
        """Add a line that Lambda writes, after what the worker has written."""
        self._drain()
        with self._lock:
            self._keep(f"{line}\n".encode())

    def take(self) -> bytes:
        """Return what has been written, the end of it where that is much, and forget it."""
        self._drain()
        with self._lock:
            taken = bytes(self._content)
            self._content.clear()
        return taken

    def close(self) -> None:
        """Stop reading, and let the pipe go."""
        os.close(self.writer)
        self._is_open = False

    def _drain(self) -> None:
        while self._waiting():
            time.sleep(PAUSE)

    def _waiting(self) -> bool:
        """Whether there is something in the pipe that is not taken yet."""
        with self._lock:
            if not self._is_open:
                return False
            (size,) = struct.unpack("i", fcntl.ioctl(self._reader, termios.FIONREAD, b"\0" * 4))
            return bool(size)

    def _read(self) -> None:
        while self._is_open:
            if not select.select([self._reader], [], [], 0.5)[0]:
                continue
            # Nobody sees what is neither in the pipe nor here.
            with self._lock:
                piece = os.read(self._reader, PIECE)
                self._keep(piece)
            if not piece:
                break
        with self._lock:
            self._is_open = False
            os.close(self._reader)

    def _keep(self, piece: bytes) -> None:
        self._content += piece
        del self._content[:-LARGEST]
