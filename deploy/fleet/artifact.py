"""The fleet file, and payloads, in an input artifact of a pipeline: a ZIP in S3 that is never unpacked."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from deploy.artifact.archive import read_directory
from deploy.artifact.content import read_content
from deploy.aws.codes import DENIED
from deploy.aws.object import NOT_THERE, RemoteObject
from deploy.aws.session import Session
from deploy.errors import DeployError, InputError
from deploy.fleet.definition import LARGEST, parse_definition
from deploy.fleet.folder import PAYLOAD, match_files, parse_payload
from deploy.target.job import with_credentials
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.artifact.archive import Directory
    from deploy.artifact.window import Seekable
    from deploy.cancel import Cancellation
    from deploy.fleet.definition import Definition
    from deploy.target.environment import Target
    from deploy.target.job import Artifact, Job, Parameters

UNREADABLE = "UnreadableArtifact"


def read_artifact(
    job: Job, artifact: Artifact, parameters: Parameters, caller: Target, cancellation: Cancellation
) -> tuple[Definition, dict[str, bytes]]:
    """Return what the fleet file says, and the payloads by functions, read with the job's credentials.

    Raises InputError if they are not there, or not what they should be, and DeployError if S3 refuses.
    """
    with _explaining(artifact):
        session = Session(with_credentials(caller, job))
        file = RemoteObject(session, artifact.bucket, artifact.key, cancellation)
    directory = _directory(file, artifact)
    content = _content(file, directory, artifact, parameters.file)
    if content is None:
        raise InputError(
            f"There is no {printable(parameters.file)} in the artifact {artifact.name}.",
            todo="`file` in UserParameters is its path from the top of the artifact.",
        )
    definition = parse_definition(content, printable(parameters.file))
    return definition, _payloads(file, directory, artifact, parameters, definition)


def _payloads(
    file: Seekable, directory: Directory, artifact: Artifact, parameters: Parameters, definition: Definition
) -> dict[str, bytes]:
    if not parameters.payload_folder:
        return {}
    folder, names = f"{parameters.payload_folder}/", [wanted.name for wanted in definition.lambdas]
    entries = [directory.entry(index).name for index in directory.starting_with(folder)]
    present = [name.removeprefix(folder) for name in entries if name.rpartition("/")[0] == folder[:-1]]
    place = f"in the folder {printable(folder)} of the artifact {artifact.name}"
    payloads: dict[str, bytes] = {}
    for function, name in match_files(present, names, PAYLOAD, place).items():
        content = _content(file, directory, artifact, f"{folder}{name}") or b""
        payloads[function] = parse_payload(content, f"{printable(folder + name)} in the artifact")
    return payloads


def _directory(file: Seekable, artifact: Artifact) -> Directory:
    try:
        return read_directory(file)
    except InputError as error:
        raise InputError(
            f"The artifact {artifact.name} is not a ZIP that can be read.",
            why=error.why or error.what,
            todo="Have the source action give a ZIP, which is CodePipeline's default, and not a full clone.",
        ) from None


def _content(file: Seekable, directory: Directory, artifact: Artifact, path: str) -> bytes | None:
    """Return the content of a file in the artifact; None if it is not there."""
    found = [directory.entry(index) for index in directory.starting_with(path)]
    entries = [entry for entry in found if entry.name == path]
    if not entries:
        return None
    if len(entries) > 1:
        raise InputError(f"{printable(path)} is in the artifact {artifact.name} more than once.")
    # What follows the end of the compressed data would be read, too.
    if max(entries[0].size, entries[0].compressed_size) > LARGEST:
        raise InputError(f"{printable(path)} in the artifact {artifact.name} is larger than 1 MiB.")
    try:
        return b"".join(read_content(file, entries[0]))
    except InputError as error:
        why = error.why or error.what
        raise InputError(
            f"{printable(path)} in the artifact {artifact.name} can't be read.", why=why
        ) from None


@contextlib.contextmanager
def _explaining(artifact: Artifact) -> Iterator[None]:
    """Say of a refusal that the artifact can't be read, for whom and where."""
    try:
        yield
    except DeployError as refused:
        error = DeployError(
            f"The artifact {artifact.name} can't be read from the bucket {artifact.bucket}.",
            why=refused.why or refused.what,
            todo="It is read with the credentials that CodePipeline sends with the job: those of the "
            "pipeline's role. That needs s3:GetObject, and kms:Decrypt on the key that encrypts the artifact."
            if refused.code in DENIED
            else "Release the change again, so that the source action makes a new one.",
        )
        error.code = UNREADABLE if refused.code in NOT_THERE else refused.code
        error.is_refusal = refused.is_refusal
        raise error from None
