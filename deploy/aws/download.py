"""Reading the deployed package of a function without downloading all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError

from deploy.artifact.window import Window
from deploy.aws.codes import CUT
from deploy.errors import DeployError

if TYPE_CHECKING:
    from deploy.aws.answers import Described
    from deploy.aws.function import Function
    from deploy.aws.session import Session

# Bytes: the end record with the longest comment, and so most central directories.
TAIL = 64 * 1024 + 22

PARTIAL_CONTENT = 206


class RemoteFile(Window):
    """The package of a deployed function, read by ranged requests. Its end is read once, at the start.

    Needs lambda:GetFunction; raises DeployError.
    """

    def __init__(self, function: Function, qualifier: str, described: Described | None = None) -> None:
        """Look for the package, unless AWS has described it just now: its address is good for 10 minutes."""
        self._function = function
        known = (described.location, described.size) if described else None
        self._url, size = known or function.code_location(qualifier)
        super().__init__(size)
        self._tail_start = max(0, size - TAIL)
        self._tail = function.fetch(self._url, self._tail_start, size - 1)

    def piece(self, start: int, most: int) -> bytes:
        """Return bytes of the end, or request them."""
        if start >= self._tail_start:
            into = start - self._tail_start
            return self._tail[into : into + most]
        return self._function.fetch(self._url, start, start + most - 1)


def fetch(session: Session, url: str, first: int, last: int) -> bytes:
    """Fetch the bytes `first` to `last` of the address that AWS gave for a package, which is signed."""
    name = session.target.function.name
    request = AWSRequest("GET", url, headers={"Range": f"bytes={first}-{last}"}).prepare()
    try:
        answer = session.http(url).send(request)
    except BotoCoreError:
        host = urlsplit(url).hostname
        failed = DeployError(
            f"The package of {name} can't be read: there is no answer from {host}, where AWS keeps it.",
            todo=f"Let the network reach {host}, and run it again.",
        )
    else:
        if answer.status_code == PARTIAL_CONTENT and len(answer.content) == last - first + 1:
            return answer.content
        failed = DeployError(
            f"The package of {name} can't be read from AWS (HTTP {answer.status_code}).",
            todo="Run it again.",
        )
    failed.code = CUT
    raise failed
