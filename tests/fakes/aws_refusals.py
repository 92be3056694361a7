"""A refusal of AWS's: status, code and message, in the form that the service at hand gives it."""

import json
import uuid
from http import HTTPStatus
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response


class RefusedError(Exception):
    """What AWS answers in place of what was asked for."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def as_json(self) -> Response:
        """Give the answer as Lambda writes it, and the services whose bodies name the error."""
        return Response(
            json.dumps({"__type": self.code, "Type": "User", "Message": str(self), "message": str(self)}),
            self.status,
            {"x-amzn-ErrorType": self.code, "x-amzn-RequestId": str(uuid.uuid4())},
            content_type="application/json",
        )

    def as_xml(self, *, wrapped: bool) -> Response:
        """Give the answer as S3 writes it, or, with a wrapping, as STS does."""
        error = f"<Error><Code>{self.code}</Code><Message>{escape(str(self))}</Message></Error>"
        return Response(
            f"<ErrorResponse>{error}</ErrorResponse>" if wrapped else error,
            self.status,
            {"x-amz-request-id": uuid.uuid4().hex[:16].upper()},
            content_type="text/xml" if wrapped else "application/xml",
        )


def invalid(message: str) -> RefusedError:
    """Refuse a parameter, as Lambda does."""
    return RefusedError(HTTPStatus.BAD_REQUEST, "InvalidParameterValueException", message)


def validation(value: str, name: str, constraint: str) -> RefusedError:
    """Refuse a parameter that is not of the form that the API's model gives it."""
    return RefusedError(
        HTTPStatus.BAD_REQUEST,
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: "
        f"{constraint}",
    )


def conflict(message: str) -> RefusedError:
    """Refuse what stands in something else's way, as Lambda does."""
    return RefusedError(HTTPStatus.CONFLICT, "ResourceConflictException", message)


def not_found(message: str) -> RefusedError:
    """Say that there is no such thing, as Lambda does."""
    return RefusedError(HTTPStatus.NOT_FOUND, "ResourceNotFoundException", message)


def stale_revision(message: str) -> RefusedError:
    """Refuse a change over a revision that is not the latest any more, as Lambda does."""
    return RefusedError(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailedException", message)
