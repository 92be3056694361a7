"""AWS Signature Version 4 as the server sees it: who signed a request, and is the signature right?

moto takes whatever signature comes. This checks it as AWS does, over the bytes that came in on the
wire, so that a body other than the one that was signed does not pass.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<access_key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)"
    r"/(?P<service>[^/]+)/aws4_request, ?SignedHeaders=(?P<signed_headers>[^,]+)"
    r", ?Signature=(?P<signature>\w{64})"
)


@dataclass(frozen=True)
class Authorization:
    """A request's Authorization header, taken apart."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @classmethod
    def parse(cls, header: str) -> "Authorization | None":
        """Take the header's value apart; None where it is not a SigV4 one."""
        match = _HEADER.fullmatch(header)
        if match is None:
            return None
        access_key, date, region, service, signed, signature = match.groups()
        return cls(access_key, date, region, service, tuple(signed.split(";")), signature)

    def is_right(
        self,
        secret_key: str,
        *,
        method: str,
        raw_path: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> bool:
        """Tell whether `secret_key` made this signature over just this request."""
        scope = f"{self.date}/{self.region}/{self.service}/aws4_request"
        canonical_request = "\n".join(
            [
                method,
                quote(raw_path, safe="/~"),
                "&".join(sorted(query.split("&"))),
                *(f"{name}:{' '.join(headers.get(name, '').split())}" for name in self.signed_headers),
                "",
                ";".join(self.signed_headers),
                hashlib.sha256(body).hexdigest(),
            ]
        )
        string_to_sign = "\n".join(
            [
                "AWS4-HMAC-SHA256",
                headers.get("x-amz-date", ""),
                scope,
                hashlib.sha256(canonical_request.encode()).hexdigest(),
            ]
        )
        key = f"AWS4{secret_key}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        expected = hmac.digest(key, string_to_sign.encode(), "sha256").hex()
        return hmac.compare_digest(expected, self.signature)
