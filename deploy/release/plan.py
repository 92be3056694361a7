"""A release of the function: `plan` decides and touches nothing, `apply` does what the plan says.

Without an alias a release is one step, the upload to $LATEST. With one it is

    upload → publish a version → verify it → point the alias at it → delete old versions

and each step that is done already is left out. A version that has the wanted code and configuration is
used again, so that going back to an earlier release moves the alias and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from deploy.artifact import archive
from deploy.artifact.limits import BY_BUCKET, check_unzipped, too_large
from deploy.aws.codes import DENIED
from deploy.aws.wait import until_settled
from deploy.errors import DeployError, InputError
from deploy.target.provenance import Origin, release_in
from deploy.text import megabytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy.artifact.package import Package
    from deploy.aws.function import Alias, Configuration, Function
    from deploy.aws.wait import Deadline
    from deploy.output import Output
    from deploy.release.candidate import Prepared
    from deploy.target.settings import Bucket, ReleaseSettings, Verification

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 50 MB zipped for a direct
# upload. Lambda refuses a request of 69,905,067 bytes, which is 50 MiB in base64; the last KiB is left
# for the JSON around it.
DIRECT_LIMIT = 50 * 1024 * 1024 - 1024

RELEASE_TAG = "lambda-deploy-release"
UNKNOWN = Origin()
DESCRIPTION_LENGTH = 256  # characters, of a version's and of an alias's description
PREVIOUS = re.compile(r" ?\[previous version: ([0-9]+)\]")


@dataclass(frozen=True)
class State:
    """What runs now; `latest` and `tags` are None where the deployer may not read them.

    `origin` is the release that was deployed last, as it was recorded: in the alias's description, or in a
    tag of the function.
    """

    latest: Configuration | None
    alias: Alias | None = None
    versions: tuple[Configuration, ...] = ()
    aliases: tuple[Alias, ...] = ()
    origin: Origin | None = None
    tags: Mapping[str, str] | None = None


# --- steps -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RecordRelease:
    """Keep the release's number in the alias's description, or without one in a tag of the function."""

    text: str
    arn: str = ""
    alias: Alias | None = None

    leaves: ClassVar[str] = ""

    def __str__(self) -> str:
        return f"record the release ({self.text})"


@dataclass(frozen=True)
class UpdateCode:
    """Upload the package as the code of $LATEST, over `revision_id` alone where it is known.

    `record` is carried out as soon as AWS has taken the upload, while it is put in place, so that an older
    release that comes now knows that it is older.
    """

    code_sha256: str
    size: int
    revision_id: str | None = None
    bucket: Bucket | None = None
    record: RecordRelease | None = None

    leaves: ClassVar[str] = "$LATEST is the new package; an alias points where it pointed."

    def __str__(self) -> str:
        way = f" by way of s3://{self.bucket.name}" if self.bucket else ""
        return f"upload {megabytes(self.size)}{way} as the code of $LATEST"


@dataclass(frozen=True)
class PublishVersion:
    """Publish $LATEST as a new version."""

    code_sha256: str
    description: str

    leaves: ClassVar[str] = "The new version is published; the alias points where it pointed."

    def __str__(self) -> str:
        return f"publish a version ({self.description})"


@dataclass(frozen=True)
class VerifyVersion:
    """Invoke a version, the published one where none is named, before traffic reaches it."""

    verification: Verification
    version: str | None = None

    leaves: ClassVar[str] = ""

    def __str__(self) -> str:
        return f"invoke {f'version {self.version}' if self.version else 'it'} with _LAMBDA_VERIFY_PAYLOAD"


@dataclass(frozen=True)
class PointAlias:
    """Point the alias at a version, the published one where none is named; made where it is missing."""

    name: str
    previous: str | None
    description: str
    revision_id: str | None
    version: str | None = None

    leaves: ClassVar[str] = "The release itself is done."

    def __str__(self) -> str:
        target = f"version {self.version}" if self.version else "it"
        if self.previous is None:
            return f"make the alias {self.name}, pointing at {target}"
        return f"point the alias {self.name} at {target}, away from version {self.previous}"


@dataclass(frozen=True)
class DeleteVersions:
    """Delete old versions that no alias points at."""

    versions: tuple[str, ...]

    leaves: ClassVar[str] = ""

    def __str__(self) -> str:
        return f"delete {'version' if len(self.versions) == 1 else 'versions'} {', '.join(self.versions)}"


Step = RecordRelease | UpdateCode | PublishVersion | VerifyVersion | PointAlias | DeleteVersions


# --- state -----------------------------------------------------------------------------------------


def read_state(
    function: Function, settings: ReleaseSettings, origin: Origin, deadline: Deadline, output: Output
) -> State:
    """Read what runs now, waiting for an update that is under way.

    Needs lambda:GetFunctionConfiguration, without which a release to $LATEST does as well; where the
    platform tells the release's number, lambda:GetFunction in its place, for the tags, without which it does
    too; and with an alias lambda:GetAlias, lambda:ListVersionsByFunction, and lambda:ListAliases to delete
    versions.
    """
    if settings.alias is None:
        return _read_latest(function, origin, deadline, output)
    latest = until_settled(function, deadline, output)
    aliases = tuple(function.aliases()) if settings.keep_versions else ()
    alias = function.alias(settings.alias)
    recorded = release_in(alias.description)[1] if alias else None
    return State(latest, alias, tuple(function.versions()), aliases, recorded)


def _read_latest(function: Function, origin: Origin, deadline: Deadline, output: Output) -> State:
    tags: Mapping[str, str] | None = None

    def with_tags(qualifier: str) -> Configuration:
        # The tags of the same moment: another deploy may have recorded its release while we waited.
        nonlocal tags
        latest, tags = function.with_tags() or (function.configuration(qualifier), None)
        return latest

    try:
        read = with_tags if origin.release is not None else None
        latest = until_settled(function, deadline, output, read=read)
    except DeployError as error:
        if error.code in DENIED:
            return State(None)
        raise
    return State(latest, origin=recorded_in(tags), tags=tags)


def recorded_in(tags: Mapping[str, str] | None) -> Origin | None:
    """Give the release that was deployed last to $LATEST, as a tag of the function tells."""
    return release_in(f"[release: {tags.get(RELEASE_TAG, '')}]")[1] if tags else None


def read_alias(function: Function, settings: ReleaseSettings) -> State:
    """Read what a rollback needs, which is in no hurry for $LATEST: the alias and the versions."""
    alias = function.alias(settings.alias) if settings.alias else None
    return State(None, alias, tuple(function.versions()))


def previous_version(alias: Alias) -> str | None:
    """Give the version that an alias served before, as its description remembers it."""
    found = PREVIOUS.search(alias.description)
    return found[1] if found else None


# --- plan ------------------------------------------------------------------------------------------


def plan(
    package: Package,
    settings: ReleaseSettings,
    state: State,
    description: str,
    *,
    origin: Origin = UNKNOWN,
    force: bool = False,
) -> tuple[Step, ...]:
    """Decide what brings the function to this package; nothing where it is there.

    `description` says where the package comes from, and is the new version's. Raises InputError where the
    package is too large, DeployError where the alias routes by weights and `force` is not set.
    """
    check_size(package, settings.bucket)
    latest = state.latest
    upload = UpdateCode(
        package.code_sha256,
        package.size,
        latest.revision_id if latest else None,
        settings.bucket if package.size > DIRECT_LIMIT else None,
        None if settings.alias else _record_in_tag(state, origin),
    )
    is_latest = (
        latest is not None and latest.code_sha256 == package.code_sha256 and latest.update_status != "Failed"
    )
    if settings.alias is None:
        if not is_latest:
            return (upload,)
        return (upload.record,) if upload.record else ()
    version = _reusable(package, state)
    move = _move_alias(settings.alias, state.alias, version, origin, force=force)
    if not move:
        return (*_record_in_alias(state, origin), *_cleanup(settings, state, version))
    steps: list[Step] = []
    if version is None:
        steps += [] if is_latest else [upload]
        steps.append(PublishVersion(package.code_sha256, description[:DESCRIPTION_LENGTH]))
    if settings.verification:
        steps.append(VerifyVersion(settings.verification, version))
    return (*steps, *move, *_cleanup(settings, state, version))


@dataclass(frozen=True)
class Decision:
    """What a deploy does; nothing where it steps back before a later release of the same app."""

    steps: tuple[Step, ...]
    stepped_back: bool

    @property
    def changed(self) -> bool:
        """Tell whether that changes what the function runs; a release that is recorded does not."""
        return any(not isinstance(step, RecordRelease) for step in self.steps)


def decide(prepared: Prepared, settings: ReleaseSettings, state: State, *, force: bool = False) -> Decision:
    """Decide what a deploy does: what `plan` says, unless a later release was deployed already."""
    origin = prepared.origin
    if origin.is_older_than(state.origin) and not force:
        return Decision((), stepped_back=True)
    steps = plan(prepared.package, settings, state, prepared.description, origin=origin, force=force)
    return Decision(steps, stepped_back=False)


def _record_in_tag(state: State, origin: Origin) -> RecordRelease | None:
    if state.latest is None or state.tags is None or not origin.note:
        return None
    text = origin.note.removeprefix("[release: ").removesuffix("]")
    return None if state.tags.get(RELEASE_TAG) == text else RecordRelease(text, arn=state.latest.arn)


def _record_in_alias(state: State, origin: Origin) -> tuple[RecordRelease, ...]:
    """Keep the number also where nothing else changes, so that no older release passes it by."""
    if state.alias is None or not origin.note or origin.note in state.alias.description:
        return ()
    return (RecordRelease(_alias_description(state.alias, origin), alias=state.alias),)


def plan_rollback(
    settings: ReleaseSettings, state: State, version: str | None, *, force: bool = False
) -> tuple[Step, ...]:
    """Decide what takes the alias back to a version, to the one before where none is named.

    Raises InputError where there is no such version.
    """
    if settings.alias is None or state.alias is None:
        raise InputError(f"There is no alias {settings.alias} yet.", todo="The first deploy makes it.")
    version = version or previous_version(state.alias)
    if version is None:
        raise InputError(
            f"The alias {settings.alias} does not remember a version before {state.alias.version}.",
            todo="Name one: `deploy rollback VERSION`; `deploy status --versions` lists them.",
        )
    if version not in {known.version for known in state.versions}:
        raise InputError(
            f"There is no version {version}.",
            why=f"There are: {', '.join(known.version for known in state.versions) or 'none'}.",
            todo="Name one of them: `deploy rollback VERSION`",
        )
    move = _move_alias(settings.alias, state.alias, version, UNKNOWN, force=force)
    if move and settings.verification:
        return (VerifyVersion(settings.verification, version), *move)
    return move


def check_rollback(settings: ReleaseSettings, version: str | None) -> None:
    """Raise InputError where the settings or the arguments rule a rollback out, whatever AWS says."""
    if settings.alias is None:
        raise InputError(
            "There is nothing to roll back: a deploy to $LATEST publishes no version.",
            todo="Set _LAMBDA_ALIAS, and each deploy from then on can be undone. `heroku rollback` and a "
            "deploy bring an earlier release back without one.",
        )
    if version is not None and not re.fullmatch("[1-9][0-9]*", version):
        raise InputError(
            "A rollback goes to a published version, which is a number.",
            todo="Name one: `deploy rollback VERSION`; `deploy status --versions` lists them.",
        )


def check_size(package: Package, bucket: Bucket | None) -> None:
    """Raise InputError where the package is too large for Lambda, or for the way that is open to it."""
    sizes = ((entry.name, entry.size) for entry in _entries(package))
    check_unzipped("The package", package.unzipped_size, sizes)
    if package.size > DIRECT_LIMIT and bucket is None:
        over = megabytes(package.size - DIRECT_LIMIT)
        raise too_large(
            f"The package is {megabytes(package.size)}, {over} over the 50 MB",
            "50 MB is AWS Lambda's limit for a direct upload.",
            ((entry.name, entry.compressed_size) for entry in _entries(package)),
            other_way=BY_BUCKET,
        )


def _entries(package: Package) -> Iterator[archive.Entry]:
    """Read the package's entries, where somebody asks for one."""
    yield from archive.read_directory(package.file)


def _reusable(package: Package, state: State) -> str | None:
    """Find the newest version with this code and the configuration that $LATEST has now."""
    running = state.latest.running if state.latest else None
    for version in reversed(state.versions):
        if version.code_sha256 == package.code_sha256 and version.running == running:
            return version.version
    return None


def _move_alias(
    name: str, alias: Alias | None, version: str | None, origin: Origin, *, force: bool
) -> tuple[PointAlias, ...]:
    if alias is None:
        return (PointAlias(name, None, origin.note, None, version),)
    if alias.version == version and not alias.weights:
        return ()
    if alias.weights and not force:
        weights = ", ".join(f"{weight:.0%} to version {other}" for other, weight in alias.weights.items())
        raise DeployError(
            f"The alias {name} routes by weights. Nothing was changed.",
            why=f"It points at version {alias.version} and sends {weights}. Somebody, CodeDeploy or a "
            "person, may be in the middle of a shift.",
            todo="Wait until it is over, or end it: `deploy --force` points the alias at one version.",
        )
    description = _alias_description(alias, origin, previous=alias.version)
    return (PointAlias(name, alias.version, description, alias.revision_id, version),)


def _alias_description(alias: Alias, origin: Origin, previous: str | None = None) -> str:
    """Give the owner's own words, the version before, and the release, within the length that AWS takes."""
    text, recorded = release_in(alias.description)
    previous = previous or previous_version(alias)
    notes = (
        f"[previous version: {previous}]" if previous else "",
        origin.note or (recorded.note if recorded else ""),
    )
    note = " ".join(each for each in notes if each)
    words = PREVIOUS.sub("", text)[: DESCRIPTION_LENGTH - len(note) - 1]
    return f"{words} {note}".strip()


def _cleanup(settings: ReleaseSettings, state: State, version: str | None) -> tuple[DeleteVersions, ...]:
    """Choose the oldest versions beyond those to keep; never one that an alias needs."""
    if settings.keep_versions is None:
        return ()
    needed = {version} if version else set()
    for alias in state.aliases:
        needed |= {alias.version, *alias.weights}
        # An alias that moves now goes back to the version that it leaves, and to no earlier one.
        if alias.name != settings.alias or alias.version == version:
            needed |= {previous} if (previous := previous_version(alias)) else set()
    newly_published = version is None
    keep = settings.keep_versions - newly_published
    old = state.versions[: len(state.versions) - keep] if keep > 0 else state.versions
    doomed = tuple(each.version for each in old if each.version not in needed)
    return (DeleteVersions(doomed),) if doomed else ()
