"""What pip says of dependencies that it can't install, told to a person."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deploy.config.redaction import Redactor
from deploy.errors import DeployError, InputError
from deploy.text import printable_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.build.python.requirements import Requirements
    from deploy.build.python.runtime import LambdaPython

NOT_FOUND = re.compile(r"^ERROR: No matching distribution found for (.+?)(?: \(from .*)?$", re.MULTILINE)
VERSIONS = re.compile(r"\(from versions: (.+?)\)$", re.MULTILINE)
OTHER_PYTHON = re.compile(r"requires a different Python|Requires-Python", re.IGNORECASE)
UNREACHABLE = re.compile(
    r"connection error|connection broken|Max retries exceeded|timed out|CERTIFICATE_VERIFY_FAILED|"
    r"confirming the ssl certificate|HTTP error 5|: 5\d\d Server Error",
    re.IGNORECASE,
)
FULL = re.compile(r"No space left on device|Disk quota exceeded|File too large")

# A URL's scheme, host and path.
URL = re.compile(r"(\w+://)([^\s/]*)(/\S*)?")
NOT_OF_A_HOST = re.compile(r"[^\w.:\[\]-]")
MOST_LINES = 5
MOST_VERSIONS = 8
LONGEST_LINE = 250


def explain(
    log: str, wanted: Requirements, python: LambdaPython, variables: Mapping[str, str]
) -> DeployError:
    """Return the error for what pip said when it failed; never with a secret that URLs may hold."""
    said = _said(log, variables)
    if full := FULL.search(log):
        return DeployError(
            f"There is no room for the app's dependencies: {full[0]}.",
            todo="Make room where the build runs: in its temporary folder and in the build cache.",
        )
    if "DO NOT MATCH THE HASHES" in log:
        return DeployError(
            f"A downloaded package does not have the hash that {wanted.source} has of it. Nothing was built.",
            why=f"pip said:\n{said}",
            todo="The download may have been damaged: push again. If it happens again, lock the dependencies "
            "again, and look at what lies between the build and the package index.",
        )
    if "--require-hashes mode" in log:
        return InputError(
            f"{wanted.source} has hashes of some packages, but not of all that are needed.",
            why=f"pip said:\n{said}",
            todo="Write it by `uv pip compile --generate-hashes` or `pip-compile --generate-hashes`, and "
            "push again.",
        )
    if UNREACHABLE.search(log):
        return DeployError(
            "The app's dependencies couldn't be downloaded: the package index wasn't reachable.",
            why=f"pip said:\n{said}",
            todo="Most often this is over in a few minutes: push again. Where builds reach the network "
            "through a proxy, or an index of your own, the build needs HTTPS_PROXY or PIP_INDEX_URL.",
        )
    if missing := NOT_FOUND.search(log):
        return _no_wheel(_redacted(missing[1], variables), log, python)
    return InputError(
        f"The dependencies of {wanted.source} couldn't be installed for {python}.",
        why=f"pip said:\n{said}",
        todo="Correct it, and push again.",
    )


def _no_wheel(package: str, log: str, python: LambdaPython) -> InputError:
    found = VERSIONS.search(log)
    versions = [] if found is None or found[1] == "none" else found[1].split(", ")
    shown = ", ".join(versions[-MOST_VERSIONS:])
    why = (
        f"There are such wheels of {'other versions' if len(versions) > 1 else 'another version'}: {shown}."
        if versions
        else "The index has none of any version: its versions may be source code alone, or its name be wrong."
    )
    if OTHER_PYTHON.search(log):
        why += " Versions that need another Python were left out."
    return InputError(
        f"There is no wheel of {package} for {python}.",
        why=f"{why} A build for Lambda's platform takes dependencies from wheels, and compiles nothing.",
        todo="Choose a version that has wheels, or name the function's own runtime and architecture "
        "(_LAMBDA_RUNTIME, _LAMBDA_ARCHITECTURE). Of a package that has none, build the wheel yourself, put "
        "it into the app, and name that file in requirements.txt.",
    )


def _said(log: str, variables: Mapping[str, str]) -> str:
    """Return pip's last errors."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    shown = (_redacted(line, variables)[:LONGEST_LINE] for line in errors[-MOST_LINES:])
    return "\n".join(f"  {line}" for line in shown) or "  nothing"


def _redacted(text: str, variables: Mapping[str, str]) -> str:
    """Return a text without secrets: a URL's user, password and path may each hold one."""
    secrets = {name: value for name, value in variables.items() if name.startswith("PIP_")}
    return printable_lines(URL.sub(_host_alone, Redactor(secrets).redact(text)))


def _host_alone(url: re.Match[str]) -> str:
    """Return a URL with nothing but its host; without that, too, if the password may hold a slash."""
    scheme, place, path = url.groups(default="")
    host = "" if "@" in path else NOT_OF_A_HOST.split(place.rpartition("@")[2])[0]
    return f"{scheme}{host}/..."
