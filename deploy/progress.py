"""Progress: how far something has come, how fast, and how long the rest takes."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.text import megabytes

AFTER = 1.0  # seconds of silence that a reader does not mind
EVERY_ON_TERMINAL = 0.1  # seconds
EVERY_IN_LOG = 5.0  # seconds
MEBIBYTE = 1024 * 1024  # bytes


@dataclass
class Progress:
    """One thing that takes its time, since `started`, in seconds of any clock."""

    label: str = ""
    started: float = 0.0
    shown: float = 0.0
    is_visible: bool = False

    def is_due(self, now: float, *, is_terminal: bool) -> bool:
        """Whether a reader wants to see it now; who asks shows it then."""
        pause = EVERY_ON_TERMINAL if is_terminal else EVERY_IN_LOG
        if now - self.started < AFTER or (self.is_visible and now - self.shown < pause):
            return False
        self.shown, self.is_visible = now, True
        return True


def describe_wait(label: str, seconds: float) -> str:
    """Return what is waited for, and since when."""
    return f"{label}… {round(seconds)} s"


def describe_count(label: str, done: int, total: int, unit: str) -> str:
    """Return how many of all are done, such as `Compressing 12 of 48 files (25%)`."""
    return f"{label} {done} of {total} {unit} ({_percent(done, total)}%)"


def describe_bytes(label: str, done: int, total: int, seconds: float) -> str:
    """Return how many bytes are done in these seconds, how fast that is, and how long the rest takes."""
    text = f"{label} {_pair(done, total)} ({_percent(done, total)}%)"
    if done <= 0 or seconds <= 0:
        return text
    rate = done / seconds
    left = f", {_duration((total - done) / rate)} left" if done < total else ""
    return f"{text}, {megabytes(round(rate))}/s{left}"


def _pair(done: int, total: int) -> str:
    """Return both sizes; the unit once if it is the same."""
    if done >= MEBIBYTE:
        return f"{done / MEBIBYTE:.1f} of {megabytes(total)}"
    return f"{megabytes(done)} of {megabytes(total)}"


def _percent(done: int, total: int) -> int:
    return done * 100 // max(total, 1)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
