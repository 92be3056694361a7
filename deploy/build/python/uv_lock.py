"""Reads uv.lock: the packages that an app needs on one platform, with their hashes.

A uv.lock holds what is needed on all platforms, and which dependency is needed where. Without uv's own
documentation of the format, the tests compare what is read here with what `uv export` says:
https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.markers import InvalidMarker, Marker

from deploy.errors import InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    Package = Mapping[str, Any]

FILE = "uv.lock"
VERSION = 1
PYPI = "https://pypi.org/simple"
EXPORT = (
    "Have uv write a requirements.txt, which is taken instead: "
    "`uv export --frozen --no-dev --no-emit-project -o requirements.txt`. Commit it, and push again."
)


def requirements(lock: Mapping[str, Any], markers: Mapping[str, str]) -> list[str]:
    """Return the lines of a requirements.txt with what the app needs where the markers have these values.

    Raise InputError if a package can't be installed from a wheel, or if the lock is not one that can be read.
    """
    try:
        if lock["version"] != VERSION:
            raise InputError(
                f"{FILE} has a format that is not known: version {lock['version']}.", todo=EXPORT
            )
        needed = _needed(lock["package"], markers)
        indexes = dict.fromkeys(_index(package) for package in needed)
        lines = [f"--extra-index-url {index}" for index in indexes if index not in ("", PYPI)]
        return lines + sorted(map(_line, needed))
    except (AttributeError, InvalidMarker, KeyError, StopIteration, TypeError):
        raise InputError(
            f"{FILE} can't be read: it does not have the form that uv gives it.", todo=EXPORT
        ) from None


def _needed(packages: list[Package], markers: Mapping[str, str]) -> list[Package]:
    """Return what the app needs, directly or not; the app itself is not among it."""
    app = next(package for package in packages if _path(package) == ".")
    found: dict[int, Package] = {}
    seen = set[tuple[int, str]]()
    waiting = [(app, "")]
    while waiting:
        package, extra = waiting.pop()
        if (id(package), extra) in seen:
            continue
        seen.add((id(package), extra))
        if package is not app:
            found[id(package)] = package
        dependencies = (
            package.get("optional-dependencies", {}).get(extra, [])
            if extra
            else package.get("dependencies", [])
        )
        for dependency in dependencies:
            marker = dependency.get("marker")
            if marker and not Marker(marker).evaluate({**markers, "extra": ""}):
                continue
            other = next(each for each in packages if _is_meant(each, dependency))
            waiting += [(other, name) for name in ("", *dependency.get("extra", ()))]
    return list(found.values())


def _is_meant(package: Package, dependency: Mapping[str, Any]) -> bool:
    """Whether a dependency is on this package: its version and source are named if there are several."""
    return all(
        package.get(key) == dependency[key] for key in ("name", "version", "source") if key in dependency
    )


def _path(package: Package) -> str | None:
    """Return the path of a package that is a folder; None for any other."""
    source = package["source"]
    return next((source[key] for key in ("virtual", "editable", "directory") if key in source), None)


def _index(package: Package) -> str:
    """Return the index that a package comes from; empty if it comes from none."""
    return str(package["source"].get("registry", ""))


def _line(package: Package) -> str:
    """Return the line of a package: its version, and the hashes of its wheels."""
    name, source = package["name"], package["source"]
    hashes = [f"--hash={wheel['hash']}" for wheel in package.get("wheels", ()) if "hash" in wheel]
    if "registry" in source and hashes:
        return " ".join((f"{name}=={package['version']}", *hashes))
    if str(source.get("url", "")).endswith(".whl") and hashes:
        return " ".join((f"{name} @ {source['url']}", *hashes))
    raise _without_wheel(package)


def _without_wheel(package: Package) -> InputError:
    name = printable(package["name"])
    kind = next(iter(package["source"]))
    why = {
        "registry": f"{FILE} has no wheel of it with a hash.",
        "git": "It comes from a Git repository.",
        "url": "It is an archive of source code.",
    }.get(kind, f"It is a folder or a file of its own: {printable(str(package['source'][kind]))}.")
    return InputError(
        f"{name} can't be installed for Lambda: there is no wheel of it.",
        why=f"{why} A build for Lambda's platform takes dependencies from wheels, and compiles nothing.",
        todo=f"Choose a version of {name} that has wheels, publish one, or put its code into the app "
        "and take it out of the dependencies.",
    )
