"""The code of functions: what Lambda takes, and the addresses that it is fetched from."""

import base64
import binascii
import hashlib
import io
import zipfile
import zlib
from http import HTTPStatus

from werkzeug.wrappers import Request, Response

from aws_refusals import invalid

CODE_PATH = "/deployed-code/"
_LARGEST_UNZIPPED = 262_144_000
_CHECKED: set[str] = set()  # by their digest: to unzip 60,000 entries takes seconds


class CodeStore:
    """Code that can be fetched, as from S3 with a presigned address: by GET alone, in ranges too."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def address(self, host_url: str, code: bytes) -> str:
        """Return the address of some code."""
        name = hashlib.sha256(code).hexdigest()
        self._code[name] = code
        return f"{host_url.rstrip('/')}{CODE_PATH}{name}?X-Amz-Expires=600"

    def answer(self, request: Request) -> Response:
        """Serve the code at an address."""
        if request.method != "GET":
            return Response("SignatureDoesNotMatch", HTTPStatus.FORBIDDEN)
        if "Authorization" in request.headers:
            return Response("Only one auth mechanism allowed", HTTPStatus.BAD_REQUEST)
        code = self._code.get(request.path.removeprefix(CODE_PATH))
        if code is None:
            return Response("NoSuchKey", HTTPStatus.NOT_FOUND)
        response = Response(code, content_type="application/zip")
        return response.make_conditional(request, accept_ranges=True, complete_length=len(code))


def decoded(zip_file: str) -> bytes:
    """Return the bytes of a ZipFile parameter."""
    try:
        return base64.b64decode(zip_file, validate=True)
    except binascii.Error:
        raise _no_zip() from None


def check_zip(code: bytes) -> None:
    """Refuse what Lambda can't unzip, or does not want."""
    name = digest(code)
    if name not in _CHECKED:
        _check_zip(code)
    _CHECKED.add(name)


def _check_zip(code: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            entries = archive.infolist()
            if not entries:
                raise invalid("Uploaded file must be a non-empty zip")
            if sum(entry.file_size for entry in entries) >= _LARGEST_UNZIPPED:
                raise invalid(f"Unzipped size must be smaller than {_LARGEST_UNZIPPED} bytes")
            broken = archive.testzip()
    except (ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        broken = "all of it"
    if broken is not None:
        raise _no_zip()


def digest(code: bytes) -> str:
    """Return the CodeSha256 of some code."""
    return base64.b64encode(hashlib.sha256(code).digest()).decode()


def _no_zip() -> Exception:
    return invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
