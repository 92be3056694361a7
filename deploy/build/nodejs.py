"""Makes the base of a Node.js app: its files, at the root of a ZIP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.artifact.base import BASE_ZIP
from deploy.build import ignore, tree
from deploy.build.compression import COMPRESSION
from deploy.build.made import Made
from deploy.build.omissions import check_dependencies, note_hidden_output

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.output import Report


def make(app: Path, output: Report) -> Made:
    """Write the base ZIP.

    Raise InputError if the app can't be deployed, OSError if a file can't be read or written.
    """
    output.step("Making the base ZIP")
    rules = ignore.read(app / tree.IGNORE_FILE)
    check_dependencies(app, rules, output)
    files = tree.ordered(tree.app_files(app, rules), "the app")
    note_hidden_output(app, [file.name for file in files], output)
    return Made(BASE_ZIP, tree.write(app, files, output), COMPRESSION)
