"""Carries out the steps of a release, one after the other, and decides nothing."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

from deploy.aws.codes import CONFLICT, DENIED, LOST, NO_ANSWER, NOT_FOUND, REPLACED
from deploy.aws.wait import until_accepted, until_settled
from deploy.config.redaction import without_cut_value, without_values
from deploy.errors import DeployError, leaving
from deploy.release.plan import (
    RELEASE_TAG,
    DeleteVersions,
    PointAlias,
    PublishVersion,
    RecordRelease,
    Step,
    UpdateCode,
    VerifyVersion,
)
from deploy.release.verification import matches
from deploy.text import megabytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy.artifact.package import Package
    from deploy.aws.function import Alias, Configuration, Function, Invocation
    from deploy.aws.wait import Deadline
    from deploy.output import Output
    from deploy.target.settings import Bucket, Verification

Answer = TypeVar("Answer")

LOG_LINES = 20  # of the function's log, shown when a verification fails
ANSWER_LENGTH = 300  # characters of its answer, shown then

UPLOAD_UNKNOWN = "AWS may have taken the upload or not; $LATEST is the old or the new package, whole."
UPLOAD_TAKEN = "AWS has taken the upload; $LATEST is the new package once AWS has put it in place."


def apply(steps: tuple[Step, ...], release: Release) -> str | None:
    """Carry out a plan; gives the version that the alias points at then, None without an alias.

    Raises DeployError where AWS refuses a step; what serves traffic is then as it was.
    """
    left_behind = ""
    for step in steps:
        with leaving(left_behind) if left_behind else contextlib.nullcontext():
            release.checkpoint()
            release.carry_out(step)
        left_behind = step.leaves or left_behind
    return release.version


class Release:
    """What the steps need, and the version that they publish on their way."""

    def __init__(
        self,
        function: Function,
        deadline: Deadline,
        output: Output,
        *,
        package: Package | None = None,
        secrets: Mapping[str, str],
        checkpoint: Callable[[], None] = lambda: None,
    ) -> None:
        """Apply to this function.

        `package` is what an upload sends, `secrets` are not shown in logs, `checkpoint` is called between
        two steps.
        """
        self._function = function
        self._deadline = deadline
        self._output = output
        self._package = package
        self._secrets = secrets
        self.checkpoint = checkpoint
        self.version: str | None = None
        self._known_ready: set[str] = set()

    def carry_out(self, step: Step) -> None:
        """Carry out one step."""
        if isinstance(step, UpdateCode):
            self.update_code(step)
        elif isinstance(step, PublishVersion):
            self.publish(step)
        elif isinstance(step, VerifyVersion):
            self.verify(step)
        elif isinstance(step, PointAlias):
            self.point_alias(step)
        elif isinstance(step, DeleteVersions):
            self.delete_versions(step)
        else:
            self.record(step)

    # --- upload

    def update_code(self, step: UpdateCode) -> None:
        """Upload the package, wait until it is in place, and make sure that it is ours."""
        function, output = self._function, self._output
        output.step(f"Updating {function.name} in {function.region}")
        with leaving(UPLOAD_UNKNOWN):
            uploaded = self._upload(step)
        with leaving(UPLOAD_TAKEN):
            if uploaded.code_sha256 != step.code_sha256:
                raise _replaced(f"its CodeSha256 is {uploaded.code_sha256}, ours is {step.code_sha256}")
            if step.record:
                self.record(step.record)
            if step.revision_id is None:
                output.detail("Not waiting for it: that needs the permission lambda:GetFunctionConfiguration")
                return
            settled = until_settled(function, self._deadline, output)
        if settled.update_status == "Failed" or settled.state == "Failed":
            raise DeployError(
                f"AWS could not put the package in place for {function.name}.",
                why=f"AWS says: {settled.update_reason or settled.state_reason}",
                todo="Mend what AWS names, and run deploy again.",
            )
        if settled.code_sha256 != step.code_sha256:
            raise _replaced(f"its CodeSha256 is {settled.code_sha256} now, ours is {step.code_sha256}")

    def _upload(self, step: UpdateCode) -> Configuration:
        try:
            if step.bucket is None:
                return self._upload_directly(step)
            return self._upload_by_bucket(step, step.bucket)
        except DeployError as error:
            if error.code != LOST:
                raise
            # The SDK sends again what got no answer; the first one may have been ours.
            latest = until_settled(self._function, self._deadline, self._output)
            if latest.code_sha256 == step.code_sha256:
                return latest
            raise _replaced("it was changed after this deploy had looked at it") from error

    def _upload_directly(self, step: UpdateCode) -> Configuration:
        self._output.detail(f"Uploading {megabytes(step.size)}")
        return self._accepted(
            lambda: self._function.update_code(
                self._the_package(),
                lambda done, total: self._output.progress("Uploaded", done, total),
                step.revision_id,
            )
        )

    def _upload_by_bucket(self, step: UpdateCode, bucket: Bucket) -> Configuration:
        from deploy.aws.bucket import passing_through

        self._output.detail(f"Uploading {megabytes(step.size)} to s3://{bucket.name}")
        progress = self._output.progress
        with passing_through(
            bucket,
            self._the_package(),
            self._function.sdk,
            lambda done: progress("Uploaded", done, step.size),
            self._output,
        ) as key:
            return self._accepted(
                lambda: self._function.update_code_from_bucket(bucket.name, key, step.revision_id)
            )

    def _the_package(self) -> Package:
        if self._package is None:
            raise RuntimeError("an upload without a package")  # a plan out of order; `plan` makes none
        return self._package

    # --- version

    def publish(self, step: PublishVersion) -> None:
        """Publish $LATEST, if it still is our package, and wait until the version is ready."""
        function = self._function
        self._output.step("Publishing a version")
        with leaving("A version may have been published; the alias points where it pointed."):
            try:
                published = self._accepted(lambda: function.publish(step.code_sha256, step.description))
            except DeployError as error:
                latest = until_settled(function, self._deadline, self._output)
                if latest.code_sha256 == step.code_sha256:
                    raise
                raise _replaced("$LATEST was changed after the upload") from error
            self._wait_for(published.version)
        self.version = published.version
        self._output.detail(f"Version {published.version}: {step.description}")

    # --- verification

    def verify(self, step: VerifyVersion) -> None:
        """Invoke the version and compare its answer; raises DeployError where it is not as expected."""
        version = self._ready(step.version)
        self._output.step(f"Verifying version {version}")
        with leaving(f"Version {version} was not verified; the alias points where it pointed."):
            try:
                invocation = self._function.invoke(version, step.verification.payload, self._deadline.seconds)
            except DeployError as error:
                if error.code == NO_ANSWER:
                    raise self._too_slow(version) from error
                error.what = f"Version {version} could not be verified: the alias stays. {error.what}"
                raise
        try:
            wrong = _wrong(invocation, step.verification, self._deadline.seconds)
        except TimeoutError:
            raise self._too_slow_to_match(version) from None
        if wrong:
            raise DeployError(
                f"Version {version} of {self._function.name} {wrong}. The alias points where it pointed.",
                why=self._evidence(invocation),
                todo="Mend the function or its config, and deploy again.",
            )
        self._output.detail("It answered as expected" if step.verification.expect else "It answered")

    def _too_slow(self, version: str) -> DeployError:
        return DeployError(
            f"Version {version} could not be verified: no answer in {self._deadline.seconds} seconds. "
            "The alias points where it pointed.",
            todo="Mend the function or its config, or let _LAMBDA_TIMEOUT give it more seconds.",
        )

    def _too_slow_to_match(self, version: str) -> DeployError:
        return DeployError(
            f"Version {version} could not be verified: in {self._deadline.seconds} seconds it was not found "
            "out whether its answer matches _LAMBDA_VERIFY_EXPECT. The alias points where it pointed.",
            why="A repetition within a repetition, as in (a+)+b, has more ways to match than can be tried.",
            todo="Give _LAMBDA_VERIFY_EXPECT a simpler regular expression.",
        )

    def _evidence(self, invocation: Invocation) -> str:
        # Secrets are taken out first: what is cut or indented would not be recognized.
        answer = without_values(invocation.payload, self._secrets)
        if len(answer) > ANSWER_LENGTH:
            answer = f"{answer[:ANSWER_LENGTH]}…"
        log = without_values(without_cut_value(invocation.log, self._secrets), self._secrets)
        lines = "\n".join(f"  {line}" for line in log.splitlines()[-LOG_LINES:])
        return f"Its answer: {answer}\nThe end of its log:\n{lines or '  (empty)'}"

    # --- alias

    def point_alias(self, step: PointAlias) -> None:
        """Point the alias at the version, unless someone else has moved it meanwhile."""
        version = self._ready(step.version)
        self._output.step(f"Pointing {step.name} at version {version}")
        with leaving(f"The alias {step.name} is where it was, or at version {version}."):
            try:
                self._accepted(lambda: self._move(step, version))
            except DeployError as error:
                alias = self._function.alias(step.name)
                if alias is None or alias.version != version or alias.weights:
                    raise _explain_lost_alias(error, step, alias) from error
        self.version = version
        if step.previous:
            self._output.detail(f"It pointed at version {step.previous}; `deploy rollback` goes back there")

    def _move(self, step: PointAlias, version: str) -> Alias:
        if step.revision_id is not None:
            return self._function.update_alias(step.name, version, step.description, step.revision_id)
        try:
            return self._function.create_alias(step.name, version, step.description)
        except DeployError as error:
            # A conflict is worth another try, unless it is the alias that someone else has made.
            if error.code == CONFLICT and self._function.alias(step.name) is not None:
                error.code = LOST
            raise

    def delete_versions(self, step: DeleteVersions) -> None:
        """Delete versions; one that can't be deleted is pointed out, for the release is done by then."""
        self._output.step(f"Deleting {len(step.versions)} old version{'s' * (len(step.versions) != 1)}")
        with leaving("The release itself is done; old versions are left."):
            for version in step.versions:
                try:
                    self._function.delete_version(version)
                except DeployError as error:
                    if error.code == NOT_FOUND:
                        continue
                    self._output.notice(f"Version {version} could not be deleted. {error.what}\n{error.todo}")
                    return
        self._output.detail(", ".join(step.versions))

    # --- the record of the release

    def record(self, step: RecordRelease) -> None:
        """Keep the release's number with the function; what goes wrong with that undoes no release."""
        try:
            self._accepted(lambda: self._record(step))
        except DeployError as error:
            if error.code not in {*DENIED, LOST}:
                self._output.notice(f"The release's number could not be kept with the function. {error.what}")

    def _record(self, step: RecordRelease) -> None:
        if step.alias is None:
            self._function.tag(step.arn, RELEASE_TAG, step.text)
        else:
            alias = step.alias
            self._function.update_alias(alias.name, alias.version, step.text, alias.revision_id)

    # --- common

    def _ready(self, version: str | None) -> str:
        """Give the version to go on with: the published one, or the named one once that is ready."""
        if version is None:
            if self.version is None:
                raise RuntimeError("no version was published before this step")  # as above
            return self.version
        if version not in self._known_ready:
            self._wait_for(version)
        return version

    def _wait_for(self, version: str) -> None:
        ready = until_settled(self._function, self._deadline, self._output, version)
        if ready.state == "Failed":
            raise DeployError(
                f"Version {version} of {self._function.name} did not become ready. The alias points where it "
                "pointed.",
                why=f"AWS says: {ready.state_reason}",
                todo="Mend what AWS names, and run deploy again.",
            )
        self._known_ready.add(version)

    def _accepted(self, call: Callable[[], Answer]) -> Answer:
        return until_accepted(call, self._function, self._deadline, self._output)


def _wrong(invocation: Invocation, verification: Verification, seconds: int) -> str | None:
    if invocation.error:
        return f"failed ({invocation.error})"
    if verification.expect and not matches(verification.expect, invocation.payload, seconds):
        return "gave an answer that _LAMBDA_VERIFY_EXPECT does not match"
    return None


def _replaced(why: str) -> DeployError:
    error = DeployError(
        "Another deploy or a person has changed the function meanwhile.",
        why=f"It does not hold the package of this deploy: {why}.",
        todo="See which one is right, and run that deploy again.",
    )
    error.code = REPLACED
    return error


def _explain_lost_alias(error: DeployError, step: PointAlias, alias: Alias | None) -> DeployError:
    if error.code not in {LOST, NOT_FOUND}:
        return error
    where = f"points at version {alias.version}" if alias else "is gone"
    moved = DeployError(
        f"Another deploy or a person has moved the alias {step.name} meanwhile.",
        why=f"It {where} now.",
        todo="See which one is right, and run that deploy again.",
    )
    moved.code = REPLACED
    return moved
