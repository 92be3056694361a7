"""CloudWatch Logs: FilterLogEvents, page by page.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

import json
from http import HTTPStatus

from werkzeug.wrappers import Response

from aws_calls import Call, partition_of
from aws_refusals import RefusedError
from iam import Identities

_MOST = 2  # events in an answer, of which some have none


class Logs:
    """The events of all log groups, by account and group: milliseconds and message."""

    def __init__(self, identities: Identities) -> None:
        self.events: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self._identities = identities

    def answer(self, call: Call, body: bytes) -> Response:
        """Answer a call."""
        account, asked = self._identities.account(call), json.loads(body)
        if call.operation != "FilterLogEvents":
            raise NotImplementedError(call.operation)
        group = asked["logGroupName"]
        resource = f"arn:{partition_of(call.region)}:logs:{call.region}:{account}:log-group:{group}:*"
        self._identities.check(call, call.action, resource)
        if (account, group) not in self.events:
            message = "The specified log group does not exist."
            raise RefusedError(HTTPStatus.BAD_REQUEST, "ResourceNotFoundException", message)
        found = [
            {"eventId": str(number), "timestamp": when, "message": message, "logStreamName": "stream"}
            for number, (when, message) in enumerate(self.events[account, group])
            if when >= asked.get("startTime", 0)
        ]
        start = int(asked.get("nextToken", "0"))
        more = {"nextToken": str(start + _MOST)} if start <= len(found) else {}
        document = {"events": found[start : start + _MOST], **more}
        return Response(json.dumps(document), content_type="application/x-amz-json-1.1")
