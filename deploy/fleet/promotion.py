"""Promotion: the base of a version in the lower account, with this account's config.

What is downloaded is the base alone. The config of the lower account is among the package's last bytes, which
are read for its directory; no more of it than that is ever in memory, and nothing of it on a disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from deploy.artifact.archive import read_directory
from deploy.artifact.base import Base
from deploy.artifact.extraction import baked_entries, without
from deploy.artifact.limits import check_size
from deploy.artifact.package import assemble, unchanged
from deploy.aws.codes import NOT_FOUND
from deploy.aws.download import RemoteFile
from deploy.config.bake import Bake
from deploy.config.variables import Config
from deploy.errors import DeployError, InputError
from deploy.fleet.plan import name_of, unknown_version
from deploy.release.candidate import Candidate
from deploy.target.provenance import Provenance
from deploy.target.record import SHORT, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy.artifact.package import Package
    from deploy.artifact.window import Seekable
    from deploy.aws.function import Function
    from deploy.cancel import Cancellation
    from deploy.fleet.plan import FunctionPlan, Origin
    from deploy.output import Report

PIECE = 2 * 1024 * 1024  # bytes of a download that are in memory at a time
NO_CONFIG = Bake(Config({}, ()), ())
NO_RECORD = Record("")


@dataclass(frozen=True)
class Promoted(Candidate):
    """A package from another account; `origin` is what was recorded with it there."""

    origin: Record = NO_RECORD

    @property
    def record(self) -> Record:
        """What is recorded with a version of it here."""
        names = tuple(file.name for file in self.baked.files)
        config = self.baked.digest[:SHORT] if names else ""
        name = self.name.text if self.name else None
        return replace(self.origin, files=names, file_count=len(names), config=config, name=name)


def read_baked_files(source: Function, version: str, record: Record) -> tuple[str, ...]:
    """Return the names of the config files in a version's package, of which the end is read."""
    if record.files:
        return record.files
    with _explaining(source, version):
        entries = baked_entries(read_directory(RemoteFile(source, version)), record)
    return tuple(entry.name for entry in entries)


@contextlib.contextmanager
def open_promoted(
    plan: FunctionPlan, source: Function, report: Report, cancellation: Cancellation
) -> Iterator[Candidate]:
    """Fetch the base of the planned version, and bake the planned config into it.

    The package can be read until the block is left. Raises DeployError if the base is not the recorded one.
    """
    origin = plan.origin
    if origin is None:
        raise RuntimeError("a promotion from nowhere")  # a plan out of order
    report.step(f"Fetching version {origin.version} of {origin.name}")

    def progress(done: int, total: int) -> None:
        cancellation.check()
        report.progress("Fetching", done, total)

    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.TemporaryFile(prefix="lambda-deploy-"))  # it has no name
            fetched = _fetch(source, origin, file, progress)
            package = _package(file, fetched, plan.baked or NO_CONFIG, origin)
        except DeployError as error:
            if error.code != NOT_FOUND:
                raise
            raise unknown_version(plan.wanted, source.session.target) from error  # by now
        except OSError as error:
            raise DeployError(
                "The base can't be kept in a temporary file here.",
                why=f"{error.strerror}.",
                todo="Name a folder with room in TMPDIR: four packages at a time take up to 250 MiB each.",
            ) from None
        check_size(package, source.session.target.settings.bucket)
        record = origin.record or Record(fetched, (), 0, provenance=Provenance())
        base = Base("", "", fetched, package.size, package.unzipped_size, 0, None, "", None, None)
        # Which of two releases is later, the fleet file decides: there is no number of a release here.
        baked, name = plan.baked or NO_CONFIG, name_of(record, plan.wanted.version)
        yield Promoted(base, baked, package, Provenance(), name, origin=record)


def _package(file: BinaryIO, fetched: str, baked: Bake, origin: Origin) -> Package:
    if origin.record is None:
        return unchanged(file)
    if fetched != origin.record.base_sha256:
        raise DeployError(
            f"Version {origin.version} of {origin.name} can't be taken apart into its base and its config.",
            why=f"Without the config its SHA-256 is {fetched}, and {origin.record.base_sha256} is recorded "
            "with it. So it is if the artifact had a config file itself, which the deploy there replaced.",
            todo="Build the app without that file, and publish the version there again.",
        )
    return assemble(file, baked.files)[1]


def _fetch(source: Function, origin: Origin, file: BinaryIO, progress: Callable[[int, int], None]) -> str:
    """Write the base of a version into a file, or its whole package without a record; return the SHA-256."""
    sha256 = hashlib.sha256()
    remote = RemoteFile(source, origin.version)
    end, directory = remote.size, b""
    if origin.record:
        with _explaining(source, origin.version):
            contents = read_directory(remote)
            end, directory = without(contents, baked_entries(contents, origin.record))
    for piece in _pieces(remote, end, progress):
        sha256.update(piece)
        file.write(piece)
    sha256.update(directory)
    file.write(directory)
    file.flush()
    return sha256.hexdigest()


def _pieces(file: Seekable, end: int, progress: Callable[[int, int], None]) -> Iterator[bytes]:
    file.seek(0)
    for start in range(0, end, PIECE):
        yield file.read(min(PIECE, end - start))
        progress(min(start + PIECE, end), end)


@contextlib.contextmanager
def _explaining(source: Function, version: str) -> Iterator[None]:
    """Say of a package that does not fit its record where it is; the messages for the build's do not."""
    try:
        yield
    except (ValueError, InputError):
        raise DeployError(
            f"The package of version {version} of {source.name} does not fit what is recorded with it.",
            why="Its config files are not where a deploy puts them, so nobody knows what it carries.",
            todo="Deploy it there with this buildpack again.",
        ) from None
