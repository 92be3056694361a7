"""Downloads the pip that pip.lock names, where an image has none: pip.py <lock> <folder> prints its path.

PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS, PIP_NO_INDEX and PIP_CERT mean what they mean to pip.
What it says of a failure is worded as pip would, because the same code reads both.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import ssl
import sys
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

TIMEOUT = 60  # seconds


class _Links(HTMLParser):
    """Collects the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if (tag, name) == ("a", "href") and value]


def download(lock: str, folder: str) -> None:
    """Download the wheel, compare it with its hash, and print where it is."""
    text = Path(lock).read_text(encoding="ascii")
    (version,) = re.findall(r"^pip==(\S+)", text)
    hashes = re.findall(r"--hash=sha256:(\w+)", text)
    name = f"pip-{version}-py3-none-any.whl"
    for place in _places():
        for link in _links(place):
            path = urlsplit(link).path if "://" in link else link
            if unquote(path.rpartition("/")[2]) == name:
                wheel = _read(link)
                if hashlib.sha256(wheel).hexdigest() not in hashes:
                    sys.exit(f"THESE PACKAGES DO NOT MATCH THE HASHES\n    {name} from {_shown(link)}")
                target = Path(folder, name)
                target.write_bytes(wheel)
                print(target)
                return
    sys.exit(f"ERROR: No matching distribution found for pip=={version}")


def _places() -> list[str]:
    """Return the folders and pages that may have links to pip."""
    places = os.environ.get("PIP_FIND_LINKS", "").split()
    if os.environ.get("PIP_NO_INDEX", "").lower() in {"", "0", "false", "no", "off"}:
        indexes = [os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"]
        indexes += os.environ.get("PIP_EXTRA_INDEX_URL", "").split()
        places += [f"{index.rstrip('/')}/pip/" for index in indexes]
    return places


def _links(place: str) -> list[str]:
    if "://" not in place:
        return [str(path) for path in Path(place).glob("*.whl")]
    page = _Links()
    try:
        page.feed(_read(place).decode(errors="replace"))
    except HTTPError as error:
        if error.code == 404:  # noqa: PLR2004 - another index may have it
            return []
        sys.exit(f"ERROR: HTTP error {error.code} while getting {_shown(place)}")
    return [_with_user(urljoin(place, link), place) for link in page.found]


def _with_user(link: str, place: str) -> str:
    """Return a link with the name and password of the page that has it, if both are on one host."""
    is_same = _host(link) == _host(place)
    return urlunsplit(urlsplit(link)._replace(netloc=urlsplit(place).netloc)) if is_same else link


def _host(link: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(link)
    return parts.scheme, parts.hostname, parts.port


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, and logs in again on the same host alone: another one may be anybody's."""

    def redirect_request(self, req: urllib.request.Request, *others: Any) -> urllib.request.Request | None:  # noqa: ANN401
        new = super().redirect_request(req, *others)
        login = req.unredirected_hdrs.get("Authorization")
        if new and login and _host(new.full_url) == _host(req.full_url):
            new.add_unredirected_header("Authorization", login)
        return new


def _read(link: str) -> bytes:
    if "://" not in link:
        return Path(link).read_bytes()
    parts = urlsplit(link)
    user, _, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(urlunsplit(parts._replace(netloc=host, fragment="")))  # noqa: S310
    request.add_header("Accept", "text/html, */*;q=0.1")
    if user:
        name, _, password = user.partition(":")
        token = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    context = ssl.create_default_context(cafile=os.environ.get("PIP_CERT") or None)
    opener = urllib.request.build_opener(_Redirects, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            return bytes(answer.read())
    except HTTPError:
        raise
    except (URLError, OSError) as error:
        sys.exit(f"ERROR: connection error: {error} ({_shown(link)})")


def _shown(link: str) -> str:
    """Return a link without what may be secret in it."""
    return f"{urlsplit(link).scheme}://{urlsplit(link).hostname}/..." if "://" in link else link


if __name__ == "__main__":
    download(*sys.argv[1:])
