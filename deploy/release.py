"""A release of the function: `plan` decides and touches nothing, `apply` does what the plan says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.errors import DeployError, InputError, Interrupted
from deploy.output import megabytes

if TYPE_CHECKING:
    from deploy.function import Function
    from deploy.output import Output
    from deploy.package import Package

__all__ = ["DIRECT_LIMIT", "UNZIPPED_LIMIT", "UpdateCode", "apply", "plan"]

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 50 MB zipped for a direct
# upload, 250 MB unzipped. Lambda refuses a request of 69,905,067 bytes, which is 50 MiB in base64;
# the last KiB is left for the JSON around it.
DIRECT_LIMIT = 50 * 1024 * 1024 - 1024
UNZIPPED_LIMIT = 250 * 1024 * 1024


@dataclass(frozen=True)
class UpdateCode:
    """Upload the package as the code of $LATEST."""

    code_sha256: str
    size: int


def plan(package: Package) -> tuple[UpdateCode, ...]:
    """Decide what brings the function to this package; raises InputError where nothing can."""
    if package.unzipped_size >= UNZIPPED_LIMIT:
        raise _too_large(
            "unzipped",
            package.unzipped_size,
            UNZIPPED_LIMIT,
            "250 MB",
            "the function's code and its layers together",
        )
    if package.size > DIRECT_LIMIT:
        raise _too_large("", package.size, DIRECT_LIMIT, "50 MB", "a direct upload")
    return (UpdateCode(package.code_sha256, package.size),)


def _too_large(kind: str, size: int, limit: int, shown_limit: str, what: str) -> InputError:
    return InputError(
        f"The package is {megabytes(size)}{f' {kind}' if kind else ''}, {megabytes(size - limit)} over "
        f"the {shown_limit} that Lambda takes. Nothing was changed.",
        why=f"{shown_limit} is AWS Lambda's limit for {what}.",
        todo="Make it smaller: name what the function does not need in .lambdaignore, leave development "
        "dependencies out (Node.js: `npm prune --omit=dev`, Java: scope `provided` for what Lambda has), "
        "or bundle the code.",
    )


def apply(steps: tuple[UpdateCode, ...], function: Function, package: Package, output: Output) -> None:
    """Carry out the steps of a plan; raises DeployError where AWS refuses one."""
    for step in steps:
        output.step(f"Updating {function.name} in {function.region}")
        output.detail(f"Uploading {megabytes(step.size)}")
        try:
            code_sha256 = function.update_code(
                package.file,
                lambda done, total: output.progress("Uploaded", done, total),
            )
        except Interrupted as interrupted:
            interrupted.consequence = (
                "AWS may have taken the upload or not; the function runs the old or the new package, "
                "whole. Run deploy again."
            )
            raise
        if code_sha256 != step.code_sha256:
            raise DeployError(
                "AWS Lambda holds another package than the one that was uploaded.",
                why=f"Its CodeSha256 is {code_sha256}, ours is {step.code_sha256}.",
                todo="Another deploy may have run at the same time, or the answer was cut. Run deploy again.",
            )
