"""From an app to its sandbox: bake, make the package, unpack it, find what runs it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Unpacked:
    """A package in a private folder, and the command that runs its handlers."""

    folder: Path
    command: tuple[str, ...]

    @property
    def task_root(self) -> Path:
        """Where the package is."""
        return self.folder / "task"

    def launch(self, function: LocalFunction, report: Report) -> Launch:
        """Return how a function that has this package is started, through its wrapper if it has one."""
        command, named = self.command, printable(function.variables.get(WRAPPER, ""))
        if named and command != runtimes.bootstrap(
            self.task_root
        ):  # there, the wrapper is bootstrap's own matter
            if wrapper := function.wrapper(self.task_root):
                report.detail(f"Started through {named}")
                command = (wrapper, *command)
            else:
                report.notice(
                    f"The function starts through {named}, which is in a layer: it is left out here."
                )
        variables = function.process_variables(self.task_root, runtimes.search_path())
        return Launch(command, self.task_root, variables)


@contextlib.contextmanager
def open_package(
    app: App, function: LocalFunction, report: Report, cancellation: Cancellation
) -> Iterator[Unpacked]:
    """Make the package as a deploy would, and unpack it until the block ends.

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
        language = runtimes.language_of(kind, runtime, task_root)
        yield Unpacked(folder, runtimes.command(language, runtime, task_root, folder, report))


@contextlib.contextmanager
def start(launch: Launch, function: LocalFunction, cancellation: Cancellation) -> Iterator[Sandbox]:
    """Make a sandbox that runs a function until the block ends."""
    cancellation.check()
    sandbox = Sandbox(launch, function, cancellation)
    with cancellation.cleanup(sandbox.close):
        yield sandbox


@contextlib.contextmanager
def open_sandbox(
    app: App, function: LocalFunction, report: Report, cancellation: Cancellation
) -> Iterator[Sandbox]:
    """Make the package as a deploy would, and a sandbox that runs it until the block ends."""
    with (
        open_package(app, function, report, cancellation) as unpacked,
        start(unpacked.launch(function, report), function, cancellation) as sandbox,
    ):
        yield sandbox
