"""A template on its way to CloudFormation: in the call, or via the bucket if it is too large for that."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from deploy.aws.bucket import check_region, encryption
from deploy.errors import DeployError, InputError
from deploy.target.arn import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.aws.session import Session
    from deploy.cancel import Cancellation
    from deploy.output import Report

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
LARGEST_IN_CALL = 51_200  # bytes
LARGEST = 1024 * 1024  # bytes, via a bucket


@contextlib.contextmanager
def stage_template(
    text: str, session: Session, report: Report, cancellation: Cancellation
) -> Iterator[dict[str, str]]:
    """Give the argument that hands a template to CloudFormation; what is in the bucket is deleted afterwards.

    Raise InputError if it is too large for what the settings say.
    """
    content, bucket = text.encode(), session.target.settings.bucket
    if len(content) <= LARGEST_IN_CALL:
        yield {"TemplateBody": text}
        return
    if len(content) > LARGEST:
        raise InputError(
            f"The template has {len(content):,} bytes, and CloudFormation takes {LARGEST:,}.",
            todo="Divide the service into several stacks.",
        )
    if bucket is None:
        raise InputError(
            f"The template has {len(content):,} bytes, and a call takes {LARGEST_IN_CALL:,}.",
            todo="Name a bucket in the stack's region that it can pass through: _LAMBDA_S3_BUCKET=my-deploys",
        )
    client = session.client("s3")
    check_region(bucket, client, session, cancellation)
    key = f"{bucket.prefix}template-{uuid.uuid4()}.json"
    place: dict[str, Any] = {"Bucket": bucket.name, "Key": key}
    arn = f"arn:{partition_of(session.target.region)}:s3:::{bucket.name}/{key}"

    def delete() -> None:
        try:
            with session.explaining("s3:DeleteObject", arn):
                client.delete_object(**place)
        except DeployError as error:
            report.notice(f"The template could not be deleted from s3://{bucket.name}/{key}.\n{error.what}")

    with cancellation.cleanup(delete):
        with session.explaining("s3:PutObject", arn):
            client.put_object(**place, Body=content, **encryption(bucket))
        yield {"TemplateURL": f"{client.meta.endpoint_url}/{bucket.name}/{quote(key)}"}
