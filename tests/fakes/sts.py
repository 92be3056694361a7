"""STS: whose the credentials are. It needs no permission.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

import uuid
from http import HTTPStatus

from werkzeug.wrappers import Response

from aws_calls import ACCOUNT_ID, Call
from aws_refusals import RefusedError

__all__ = ["identify"]


def identify(call: Call, arn: str) -> Response:
    """Answer GetCallerIdentity, which is all that it knows."""
    if call.operation != "GetCallerIdentity":
        raise RefusedError(
            HTTPStatus.BAD_REQUEST, "InvalidAction", f"the embedded STS has no {call.operation}"
        )
    return Response(
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<GetCallerIdentityResult><Arn>{arn}</Arn><UserId>AIDAEMBEDDED</UserId><Account>{ACCOUNT_ID}</Account>"
        f"</GetCallerIdentityResult><ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>",
        content_type="text/xml",
    )
