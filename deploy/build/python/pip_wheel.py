"""Downloads the pip that pip.lock names, where an image or a machine has none.

PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS, PIP_NO_INDEX and PIP_CERT mean what they mean to pip.
What is said of a failure is worded as pip would, because the same code explains both.

lib/pip.py runs this before any dependency is installed: there is nothing here but the standard library.
"""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCK = Path(__file__).with_name("pip.lock")
TIMEOUT = 60  # seconds


class DownloadError(Exception):
    """What pip would say of a download that failed."""


class _Links(HTMLParser):
    """Collects the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if (tag, name) == ("a", "href") and value]


def download(folder: Path, variables: Mapping[str, str], lock: Path = LOCK) -> Path:
    """Return the wheel, which is downloaded into the folder if it is not there yet.

    Raise DownloadError if no index has it, or if it does not have the hash in the lock file; OSError if it
    can't be written.
    """
    text = lock.read_text(encoding="ascii")
    (version,) = re.findall(r"^pip==(\S+)", text)
    hashes = re.findall(r"--hash=sha256:(\w+)", text)
    name = f"pip-{version}-py3-none-any.whl"
    target = folder / name
    if target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() in hashes:
        return target
    for place in _places(variables):
        for link in _links(place, variables):
            path = urlsplit(link).path if "://" in link else link
            if unquote(path.rpartition("/")[2]) == name:
                wheel = _read(link, variables)
                if hashlib.sha256(wheel).hexdigest() not in hashes:
                    msg = f"THESE PACKAGES DO NOT MATCH THE HASHES\n    {name} from {_shown(link)}"
                    raise DownloadError(msg)
                target.write_bytes(wheel)
                return target
    raise DownloadError(f"ERROR: No matching distribution found for pip=={version}")


def _places(variables: Mapping[str, str]) -> list[str]:
    """Return the folders and pages that may have links to pip."""
    places = variables.get("PIP_FIND_LINKS", "").split()
    if variables.get("PIP_NO_INDEX", "").lower() in {"", "0", "false", "no", "off"}:
        indexes = [variables.get("PIP_INDEX_URL") or "https://pypi.org/simple"]
        indexes += variables.get("PIP_EXTRA_INDEX_URL", "").split()
        places += [f"{index.rstrip('/')}/pip/" for index in indexes]
    return places


def _links(place: str, variables: Mapping[str, str]) -> list[str]:
    if "://" not in place:
        return [str(path) for path in Path(place).glob("*.whl")]
    page = _Links()
    try:
        page.feed(_read(place, variables).decode(errors="replace"))
    except HTTPError as error:
        if error.code == 404:  # noqa: PLR2004 - another index may have it
            return []
        msg = f"ERROR: HTTP error {error.code} while getting {_shown(place)}"
        raise DownloadError(msg) from None
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


def _read(link: str, variables: Mapping[str, str]) -> bytes:
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
    context = ssl.create_default_context(cafile=variables.get("PIP_CERT") or None)
    opener = urllib.request.build_opener(_Redirects, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            return bytes(answer.read())
    except HTTPError:
        raise
    except (URLError, OSError) as error:
        msg = f"ERROR: connection error: {error} ({_shown(link)})"
        raise DownloadError(msg) from None


def _shown(link: str) -> str:
    """Return a link without what may be secret in it."""
    return f"{urlsplit(link).scheme}://{urlsplit(link).hostname}/..." if "://" in link else link
