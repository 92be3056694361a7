"""Finds the JAR or ZIP that a Java app's build left, which is the base unchanged."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from deploy.build.java.candidates import choose
from deploy.build.java.classes import note_problem
from deploy.build.named import inside
from deploy.build.zip.prebuilt import check

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.build.result import Result
    from deploy.output import Report


def find(app: Path, output: Report) -> Result:
    """Return the only JAR or ZIP that can be the function.

    Raise InputError if there is none, if it is not clear which one it is, or if it can't be deployed.
    """
    output.step("Finding the JAR to deploy")
    path = choose(app)
    result = check(app, inside(app, os.path.realpath(app / path), path), output)
    note_problem(app, result.path, result.path, output)
    return result
