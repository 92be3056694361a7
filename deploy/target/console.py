"""Where the AWS console shows a target's function."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from deploy.target.arn import partition_of

if TYPE_CHECKING:
    from deploy.target.environment import Target

# https://docs.aws.amazon.com/general/latest/gr/aws-arns-and-namespaces.html; others have no public console.
HOSTS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
HOST = "console.aws.amazon.com"


def address_of(target: Target) -> str:
    """Return the address of the function's page, or of its alias if it has one."""
    region, host = target.region, HOSTS.get(partition_of(target.region), HOST)
    page = f"https://{region}.{host}/lambda/home?region={region}#/functions/{quote(target.function.name)}"
    return f"{page}/aliases/{quote(target.settings.alias)}" if target.settings.alias else page
