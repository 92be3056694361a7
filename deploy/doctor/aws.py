"""The checks that ask AWS, in the order in which they make sense."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.aws.inquiry import Inquiry
from deploy.aws.session import Session
from deploy.doctor.check import Check, failed
from deploy.doctor.function import check_clock, check_credentials, check_fit, check_function, obstacle
from deploy.doctor.permissions import check_permissions
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.artifact.base import Base
    from deploy.target.environment import Target


def check_aws(target: Target, base: Base | None) -> Iterator[Check]:
    """Check credentials, clock and function, and then each permission that the settings need.

    Whether the function can run what is deployed stops no deploy: it may be corrected afterwards.
    """
    try:
        session = Session(target)
        inquiry = Inquiry(session)
    except DeployError as error:
        yield failed("credentials", error)
        return
    identity, latest = inquiry.identity(), inquiry.latest()
    yield check_credentials(identity, latest, target)
    yield check_clock(identity, latest)
    # If nobody answers, there is no need to wait once more.
    dry_run = latest if obstacle(latest) else inquiry.dry_run()
    yield check_function(latest, dry_run, target)
    if latest.error is None and base is not None:
        yield from check_fit(latest.content, target, base)
    yield from check_permissions(session, inquiry, identity=identity, latest=latest, dry_run=dry_run)
