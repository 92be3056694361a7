"""Makes targets from variables, without a slug."""

from pathlib import Path

from deploy.target.environment import Target, read_target

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:my-function"
VALID = {
    "_LAMBDA_FUNCTION_ARN": ARN,
    "_AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "_AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}


def target(**changed: str) -> Target:
    """Return the target of `VALID` and some other variables; its slug does not exist."""
    return read_target({**VALID, **changed}, Path("/no/slug"))
