"""The Lambda Runtime API: what runs a handler asks it for events, and gives it answers.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Literal

from deploy.local.loopback import Handler, Refused, Server

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "/2018-06-01/runtime/"
ANSWER = re.compile(r"invocation/([^/]+)/(response|error)")

Kind = Literal["ready", "response", "error", "init error", "exited"]


@dataclass(frozen=True)
class Event:
    """What happened to a worker; `content` is what it sent, or how it exited."""

    kind: Kind
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Work:
    """An invocation that is handed out: its ID, its payload, and its other headers."""

    id: str
    payload: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class RuntimeApi(Server):
    """The API for one worker, which is handed one invocation after the other; `events` is what it does."""

    def __init__(self, events: SimpleQueue[Event]) -> None:
        super().__init__(_Handler)
        self.events = events
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self.current = ""  # the ID of the invocation that has no answer yet

    def hand_out(self, work: Work) -> None:
        """Give an invocation to the worker that waits for one."""
        self.current = work.id
        self._work.put(work)

    def next(self) -> Work:
        """Wait for an invocation; raise Refused if there will be none any more."""
        self.events.put(Event("ready"))
        work = self._work.get()
        if work is None:
            raise Refused(410, "The runtime has to end.")
        return work

    def end(self) -> None:
        """Let go of a worker that waits."""
        self._work.put(None)
        self.__exit__(None, None, None)


class _Handler(Handler):
    server: RuntimeApi

    def serve(self, method: str, body: bytes) -> None:
        path = self.path.removeprefix(PREFIX) if self.path.startswith(PREFIX) else ""
        if (method, path) == ("GET", "invocation/next"):
            self._hand_out_next()
        elif (method, path) == ("POST", "init/error"):
            self._accept(Event("init error", body))
        elif method == "POST" and (answer := ANSWER.fullmatch(path)):
            if answer[1] != self.server.current:
                raise Refused(400, "This invocation has been answered, or no invocation has this ID.")
            self.server.current = ""
            self._accept(Event("response" if answer[2] == "response" else "error", body))
        else:
            raise Refused(404, "The Runtime API has no such path.")

    def refuse(self, refused: Refused) -> None:
        content = {"errorMessage": str(refused), "errorType": "InvalidRequest"}
        self.answer(refused.status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _hand_out_next(self) -> None:
        work = self.server.next()
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": work.id,
            **work.headers,
        }
        self.answer(200, work.payload, headers)

    def _accept(self, event: Event) -> None:
        self.server.events.put(event)  # first: a worker may exit as soon as it has its answer
        self.answer(202, b'{"status":"OK"}\n', {"Content-Type": "application/json"})
