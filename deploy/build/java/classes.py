"""What Lambda's Java runtimes find in a JAR or ZIP: its classes, and whether they have their libraries.

The section numbers are those of the Java Virtual Machine Specification,
https://docs.oracle.com/javase/specs/jvms/se21/html/jvms-4.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from deploy.artifact.archive import read_directory
from deploy.artifact.content import read_content
from deploy.artifact.kind import BOOTSTRAP
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from deploy.artifact.archive import Directory, Entry
    from deploy.artifact.window import Seekable
    from deploy.output import Report

# Of class names: what is in Java, or looks like it, and what Lambda's runtimes bring, except the events.
PROVIDED = (
    "java/", "javax/", "jdk/", "sun/", "com/sun/", "netscape/", "org/ietf/", "org/w3c/", "org/xml/",
    "com/amazonaws/services/lambda/runtime/", "org/crac/",
)  # fmt: skip

EVENTS = "com/amazonaws/services/lambda/runtime/events/"

CLASS, TEXT = 7, 1  # 4.4, table 4.4-A
SIZES = {
    3: 5,
    4: 5,
    5: 9,
    6: 9,
    7: 3,
    8: 3,
    9: 5,
    10: 5,
    11: 5,
    12: 5,
    15: 4,
    16: 3,
    17: 5,
    18: 5,
    19: 3,
    20: 3,
}
TWO_PLACES = (5, 6)  # 4.4.5: a long and a double take the place of two constants
LARGEST_CLASS = 4 * 1024 * 1024  # bytes

MAKE_WHOLE = "maven-shade-plugin makes one, or Gradle's shadow."


class Problem(NamedTuple):
    """Why Lambda could not run an artifact: in a few words, and as a notice, without the artifact's name."""

    label: str
    notice: str = ""


SPRING_BOOT = Problem(
    "an executable JAR of Spring Boot",
    "is an executable JAR of Spring Boot, with the app in its BOOT-INF/, where Lambda's Java runtimes don't "
    "look.\n"
    f"Deploy a JAR that holds the classes of the app and of its dependencies themselves: {MAKE_WHOLE}",
)
NO_CODE = Problem(
    "no class in it, and no JAR in its lib/",
    "holds no class, and no JAR in lib/: there is nothing for Lambda to run.\n"
    "Look at what the build puts into it, or name another file: set _LAMBDA_ARTIFACT to its path in the app, "
    "or write the path into .lambda-artifact.",
)


def note_problem(app: Path, path: str, shown: str, output: Report) -> None:
    """Point out if Lambda's Java runtimes could not run an artifact, which is called `shown`."""
    with (app / path).open("rb") as file:
        problem = problem_of(file, read_directory(file))
    if problem:
        output.notice(f"{printable(shown)} {problem.notice}")


def problem_of(file: Seekable, directory: Directory) -> Problem | None:
    """Return why Lambda's Java runtimes could not run an artifact; None if nothing speaks against it.

    Raise InputError if it is damaged.
    """
    if next(directory.starting_with("BOOT-INF/"), None) is not None:
        return SPRING_BOOT
    entries = {entry.name: entry for entry in directory}
    if BOOTSTRAP in entries or any(map(is_library, entries)):  # the first is for an OS-only runtime
        return None
    if not any(name.endswith(".class") for name in entries):
        return NO_CODE
    found = _missing_class(file, entries)
    if not found:
        return None
    user, missing = (printable(name.replace("/", ".")) for name in found)
    return Problem(
        "without its libraries",
        f"has no libraries in it: {user} uses {missing}, which is neither there nor in Java.\n"
        f"Unless a layer of the function has them, deploy a JAR with the dependencies in it: {MAKE_WHOLE}",
    )


def is_library(name: str) -> bool:
    """Whether an entry is a JAR that Lambda puts on the class path."""
    return name.startswith("lib/") and name.endswith(".jar")


def _missing_class(file: Seekable, entries: Mapping[str, Entry]) -> tuple[str, str] | None:
    """Return a class, and one that it uses and that is not there.

    Libraries use classes of others that need not be there. So None is returned if there may be libraries:
    classes in packages that begin differently, or descriptions of several Maven modules.
    """
    classes = {
        name.removesuffix(".class"): entry
        for name, entry in entries.items()
        if name.endswith(".class") and not name.startswith("META-INF/") and name != "module-info.class"
    }
    beginnings = {"/".join(name.split("/")[:-1][:2]) for name in classes}
    if len(beginnings) != 1 or sum(name.endswith("/pom.properties") for name in entries) > 1:
        return None
    for name, entry in classes.items():
        if entry.size > LARGEST_CLASS:
            continue
        for used in _used_classes(b"".join(read_content(file, entry))):
            if used not in classes and (not used.startswith(PROVIDED) or used.startswith(EVENTS)):
                return name, used
    return None


def _used_classes(content: bytes) -> Iterator[str]:
    """Return the names of the classes in a class file's constants (4.4); none if it is not a class file."""
    texts: dict[int, bytes] = {}
    classes: list[int] = []
    position, index = 10, 1
    try:
        while index < int.from_bytes(content[8:10], "big"):
            tag, number = content[position], int.from_bytes(content[position + 1 : position + 3], "big")
            if tag == TEXT:
                texts[index] = content[position + 3 : position + 3 + number]
            elif tag == CLASS:
                classes.append(number)
            position += 3 + number if tag == TEXT else SIZES[tag]
            index += 2 if tag in TWO_PLACES else 1
        names = [texts[number].decode("utf-8", "replace") for number in classes]
    except (IndexError, KeyError):
        return
    for name in names:
        element = name.lstrip("[")
        if element == name:
            yield name
        elif element.startswith("L"):  # an array of objects: [Lcom/example/Name;
            yield element[1:].rstrip(";")
