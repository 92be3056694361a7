"""From an app to its sandbox: bake, make the package, unpack it, find what runs it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from deploy.local import runtimes
from deploy.local.folder import private_folder, unpack
from deploy.local.function import WRAPPER
from deploy.local.sandbox import Sandbox
from deploy.local.worker import Launch
from deploy.release.candidate import prepare
from deploy.text import megabytes, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy.cancel import Cancellation
    from deploy.local.function import LocalFunction
    from deploy.output import Report
    from deploy.target.environment import App


@contextlib.contextmanager
def open_sandbox(
    app: App, function: LocalFunction, report: Report, cancellation: Cancellation
) -> Iterator[Sandbox]:
    """Make the package as a deploy would, and a sandbox that runs it until the block ends.

    Raise InputError if the package can't be made, or this machine can't run it.
    """
    with private_folder(cancellation) as folder:
        task_root = folder / "task"

        def progress(done: int, total: int) -> None:
            cancellation.check()
            report.progress("Unpacking", done, total)

        with prepare(app, report, cancellation) as candidate:
            report.step("Unpacking it")
            unpack(candidate.package, task_root, progress)
            report.detail(f"{megabytes(candidate.package.unzipped_size)} in a private folder")
            kind = candidate.base.kind
            runtime = function.runtime or candidate.base.runtime or ""
        launch = _launch(kind, runtime, function, folder, report)
        cancellation.check()
        sandbox = Sandbox(launch, function, cancellation)
        with cancellation.cleanup(sandbox.close):
            yield sandbox


def _launch(kind: str, runtime: str, function: LocalFunction, folder: Path, report: Report) -> Launch:
    task_root = folder / "task"
    language = runtimes.language_of(kind, runtime, task_root)
    command = runtimes.command(language, runtime, task_root, folder, report)
    named = printable(function.variables.get(WRAPPER, ""))
    if named and language != runtimes.OS_ONLY:  # there, the wrapper is bootstrap's own matter
        if wrapper := function.wrapper(task_root):
            report.detail(f"Started through {named}")
            command = (wrapper, *command)
        else:
            report.notice(f"The function starts through {named}, which is in a layer: it is left out here.")
    variables = function.process_variables(task_root, runtimes.search_path())
    return Launch(command, task_root, variables)
