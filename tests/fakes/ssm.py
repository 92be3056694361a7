"""SSM's parameters: GetParametersByPath, page by page.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
"""

import json
from http import HTTPStatus

from werkzeug.wrappers import Response

from aws_calls import Call, partition_of
from aws_refusals import RefusedError
from iam import Identities

_MOST = 10  # parameters in an answer


class Parameters:
    """All parameters, by account and name."""

    def __init__(self, identities: Identities) -> None:
        self.values: dict[tuple[str, str], str] = {}
        self._identities = identities

    def answer(self, call: Call, body: bytes) -> Response:
        """Answer a call; what is not asked to be decrypted is given as SSM keeps it."""
        account, asked = self._identities.account(call), json.loads(body)
        if call.operation != "GetParametersByPath":
            raise NotImplementedError(call.operation)
        path = asked["Path"].rstrip("/")
        resource = f"arn:{partition_of(call.region)}:ssm:{call.region}:{account}:parameter{path}"
        self._identities.check(call, call.action, resource)
        names = sorted(
            name
            for owner, name in self.values
            if owner == account and name.startswith(f"{path}/") and "/" not in name[len(path) + 1 :]
        )
        start = int(asked.get("NextToken", "0"))
        if asked.get("Recursive"):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "ValidationException", "nobody asks for that here")
        page = [
            {
                "Name": name,
                "Type": "SecureString",
                "Value": self.values[account, name] if asked.get("WithDecryption") else "AQICAHh+encrypted",
            }
            for name in names[start : start + _MOST]
        ]
        more = {"NextToken": str(start + _MOST)} if start + _MOST < len(names) else {}
        return Response(json.dumps({"Parameters": page, **more}), content_type="application/x-amz-json-1.1")
