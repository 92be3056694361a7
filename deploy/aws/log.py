"""The log of a function in CloudWatch Logs.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy.aws import answers
from deploy.aws.codes import NOT_FOUND
from deploy.aws.wait import retry_reading
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.answers import Configuration
    from deploy.aws.session import Session
    from deploy.cancel import Cancellation

ACTION = "logs:FilterLogEvents"
OVERLAP = 5_000  # milliseconds: CloudWatch shows events of several streams a little out of order


@dataclass(frozen=True)
class Event:
    """A line of a log: when, in milliseconds since 1970, and what."""

    id: str
    milliseconds: int
    message: str = field(repr=False)


def group_of(configuration: Configuration, name: str) -> str:
    """Return the log group of a function, which AWS names unless it is the default one."""
    members = configuration.running.get("LoggingConfig")
    group = members.get("LogGroup") if isinstance(members, dict) else None
    return group if isinstance(group, str) and group else f"/aws/lambda/{name}"


class Log:
    """What is read of a log group, from a time in milliseconds on."""

    def __init__(self, session: Session, group: str, start: int, cancellation: Cancellation) -> None:
        self.group = group
        self._session = session
        self._client = session.client("logs")
        self._start = start
        self._cancellation = cancellation
        self._seen: dict[str, int] = {}

    def read(self) -> Iterator[Event]:
        """Yield the events that were not there before, in order. Needs logs:FilterLogEvents.

        Raises DeployError if the group can't be read; one that does not exist yet has no events.
        """
        events = retry_reading(self._read, self._cancellation)
        for event in sorted(events, key=lambda each: each.milliseconds):
            if event.id not in self._seen:
                self._seen[event.id] = event.milliseconds
                yield event
        if self._seen:
            self._start = max(self._start, max(self._seen.values()) - OVERLAP)
            self._seen = {each: when for each, when in self._seen.items() if when >= self._start}

    def _read(self) -> list[Event]:
        try:
            with self._session.explaining(ACTION, part=f"the log group {self.group}"):
                paginator = self._client.get_paginator("filter_log_events")
                return [
                    Event(str(item["eventId"]), int(item["timestamp"]), str(item["message"]))
                    for page in paginator.paginate(logGroupName=self.group, startTime=self._start)
                    for item in answers.items(page, "events")
                ]
        except DeployError as error:
            if error.code == NOT_FOUND:
                return []
            raise
