"""The app's own version, as its build files have it; `_LAMBDA_VERSION=package` names versions after it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from deploy.artifact.kind import Kind

LARGEST = 4 * 1024 * 1024  # bytes of a build file that is read

PROPERTY = re.compile(r"\$\{([^${}]+)\}")
NESTING = 5  # of properties in properties

# https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)
VERSION_PROPERTY = re.compile(r"^[ \t\f]*version(?:[ \t\f]*[=:]|[ \t\f])[ \t\f]*(.*)$", re.MULTILINE)

# A whole parser of TOML comes with Python 3.11, and this may be 3.10.
SECTION = re.compile(r"[ \t]*\[[ \t]*(?:project|tool\.poetry)[ \t]*\][ \t]*(?:#.*)?")
VERSION_KEY = re.compile(r"""[ \t]*version[ \t]*=[ \t]*(["'])([^"']*)\1[ \t]*(?:#.*)?""")


def find_version(app: Path, kind: Kind) -> str | None:
    """Return the app's version; None if no file says it in a way that can be read without its build tool."""
    for name in kind.version_files or READERS:
        try:
            with (app / name).open("rb") as file:
                text = file.read(LARGEST).decode("utf-8-sig", "replace")
            version = READERS[name](text)
        except (OSError, ValueError, RecursionError):
            continue
        if version and version.strip():
            return version.strip()
    return None


def _of_package_json(text: str) -> str | None:
    """Return the version in a package.json."""
    content = json.loads(text)
    version = content.get("version") if isinstance(content, dict) else None
    return version if isinstance(version, str) else None


def _of_pom(text: str) -> str | None:
    """Return the version in a pom.xml, which may be its parent's, or made up of properties."""
    from xml.etree import ElementTree as ET

    try:
        project = ET.fromstring(text)  # noqa: S314 - the app's own file, at its own build
    except ET.ParseError:
        return None
    version = _child(project, "version")
    parent = _child(project, "parent")
    if version is None and parent is not None:
        version = _child(parent, "version")
    properties = {_tag(each): (each.text or "").strip() for each in _child(project, "properties") or ()}
    value = (version.text or "") if version is not None else ""
    for _ in range(NESTING):
        value = PROPERTY.sub(lambda found: properties.get(found[1], found[0]), value)
    return None if "${" in value else value


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if _tag(child) == name), None)


def _tag(element: Element) -> str:
    """Return the name of an element, without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _of_gradle(text: str) -> str | None:
    """Return the version in a gradle.properties; the last one counts."""
    found = VERSION_PROPERTY.findall(text)
    return found[-1] if found else None


def _of_pyproject(text: str) -> str | None:
    """Return the version in a pyproject.toml, as the standard or Poetry has it."""
    is_in_section = False
    for line in text.splitlines():
        if line.lstrip().startswith("["):
            is_in_section = SECTION.fullmatch(line) is not None
        elif is_in_section and (version := VERSION_KEY.fullmatch(line)):
            return version[2]
    return None


# Of an app of another kind, whichever is there counts.
READERS: Mapping[str, Callable[[str], str | None]] = {
    "pom.xml": _of_pom,
    "gradle.properties": _of_gradle,
    "pyproject.toml": _of_pyproject,
    "package.json": _of_package_json,
}
