"""What calls about one Lambda function have in common: its client, and how they fail and are tried again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ReadTimeoutError

from deploy.aws.codes import LATEST
from deploy.aws.rate import limit
from deploy.aws.wait import retry_reading, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_lambda import LambdaClient
    from typing_extensions import Self

    from deploy.aws.session import Session
    from deploy.cancel import Cancellation
    from deploy.target.environment import Target

Answer = TypeVar("Answer")

LONGEST_READ = 120.0  # seconds for an answer with all tries; a read timeout starts again with each byte


class Calls:
    """Calls about the function that a session's target names; pauses between tries are `cancellation`'s."""

    def __init__(
        self,
        session: Session,
        cancellation: Cancellation,
        shared_client: LambdaClient | None = None,
    ) -> None:
        self.session = session
        self.cancellation = cancellation
        self.is_shared = shared_client is not None
        self.client: LambdaClient = shared_client or self.make_client()
        self.identifier = session.target.function.identifier
        self._exists = False

    def make_client(self) -> LambdaClient:
        """Return a client that keeps to the budget of calls."""
        client: LambdaClient = self.session.client("lambda")
        limit(client, self.session.target, self.cancellation)
        return client

    def sibling(self, target: Target, cancellation: Cancellation) -> Self:
        """Return another function in the same account and region; both share connections and credentials."""
        return type(self)(self.session.sibling(target), cancellation, self.client)

    @property
    def name(self) -> str:
        """The function's name, without account and region."""
        return self.session.target.function.name

    @property
    def region(self) -> str:
        """The region that it runs in."""
        return self.session.target.region

    def read(self, action: str, read: Callable[[], Answer], part: str = "") -> Answer:
        """Make a call that only reads and needs `action`, about a `part` of the function."""

        def try_once() -> Answer:
            with self.explaining(action, part):
                try:
                    return within(LONGEST_READ, read, self.cancellation)
                except TimeoutError:
                    raise ReadTimeoutError(endpoint_url=self.client.meta.endpoint_url) from None

        return retry_reading(try_once, self.cancellation)

    @contextlib.contextmanager
    def explaining(self, action: str, part: str = "") -> Iterator[None]:
        """Turn what the SDK raises within this block into DeployError."""
        with self.session.explaining(action, part=part, exists=self._exists):
            yield
        self._exists = True


def qualified(qualifier: str) -> dict[str, Any]:
    """Return the parameter of a call about $LATEST, a version or an alias."""
    # With a qualifier, $LATEST too, AWS asks for the permission on the qualified ARN.
    return {} if qualifier == LATEST else {"Qualifier": qualifier}


def part_of(qualifier: str) -> str:
    """Return what a reader calls a version or an alias; empty for $LATEST, the function itself."""
    if qualifier == LATEST:
        return ""
    return f"version {qualifier}" if qualifier.isdecimal() else f"the alias {qualifier}"
