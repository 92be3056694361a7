"""A result that somebody waits for: reported in short calls, and taken once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.config import Config

from deploy.aws.codes import THROTTLED
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from deploy.cancel import Cancellation

# A result has to be reported before the function's time is up.
CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"})
PAUSES = (1.0, 3.0)  # seconds before each further try, after the SDK's own


def report_once(call: Callable[[], object], gone: Collection[str], cancellation: Cancellation) -> bool:
    """Make a call that reports a result, again if nobody answers; return whether the result was waited for.

    `gone` are the codes by which AWS says that it has a result already, or that it waits no more.
    """
    for pause in (*PAUSES, None):
        try:
            call()
        except DeployError as error:
            if error.code in gone:
                return False
            # Without an answer it may have been taken; then the next try says so.
            if pause is None or (error.is_refusal and error.code not in THROTTLED):
                raise
            cancellation.wait(pause)
        else:
            return True
    raise AssertionError  # the last try returns or raises
